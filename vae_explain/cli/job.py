"""What a command is asked to run, or which recorded run: its options checked, as one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.changes import Change, located, require_once
from ..models.request import Request
from . import parsing, standard_input, torch_library
from .choices import ARITHMETICS, Arithmetic
from .errors import Problem
from .files import require_ending, require_file
from .messages import say
from .model_options import MOST_BYTES, architecture_of, check_model_options, user_model
from .options import CHECKPOINTS, Options
from .parsing import flag
from .streams import message_stream

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..models.recorded.recorded_run import Recording
    from ..models.recorded.run_cache import RunCache
    from ..trace import Array
    from .style import Style

Rows = tuple[tuple[float, ...], ...]
# Of memory that a command takes at its most for each number that a run computes, as measured: the
# number and its gradient by PyTorch and by hand in float64, and as much again in a second run.
BYTES_A_NUMBER = 64
IN_TWO_RUNS = 128  # where the runs of both arithmetics, or of twice the rows, are kept
INPUT_FILES = ".csv", ".npy"
# What goes with a recorded run as with any other.
OF_ANY_RUN = {
    "run", "arithmetic", "format", "json", "output_file", "digits", "color", "no_pager",
    "no_cache", "level", "verbose", "given",
}  # fmt: skip
OF_THE_MODEL = {each.name for each in fields(Options)} - OF_ANY_RUN


class Job:
    """The checked run options of one command.

    What can be checked without PyTorch is checked when the job is made: all about the
    built-in VAE but a file of input. A user's model can only be judged once it runs.

    Parameters
    ----------
    style
        Which has the file that is to get the run, if there is one.
    in_two_runs
        Whether the command keeps a second run of all rows, which it needs memory for.
    default, of_own
        The arithmetic of the built-in VAE, and of a user's model, when none is asked for.

    Attributes
    ----------
    recorded
        The recording to ask in place of a model; None where a model is run.
    architecture
        The built-in VAE's; None for a user's own model.
    doubts
        What the numbers of a recorded run do not agree in: nothing, unless it was changed.
    """

    def __init__(
        self,
        options: Options,
        style: Style,
        default: Arithmetic,
        of_own: Arithmetic = "full",
        in_two_runs: bool = False,
    ) -> None:
        self.options, self.style = options, style
        self._bytes = IN_TWO_RUNS if in_two_runs or style.record else BYTES_A_NUMBER
        self.doubts: tuple[str, ...] = ()
        self._kept: Recording | None = None  # where the run came from, if it was recorded
        unasked = of_own if options.model else default
        arithmetic = unasked if options.arithmetic is None else options.arithmetic
        self.arithmetic = parsing.choice("--arithmetic", arithmetic, ARITHMETICS)
        self.decimals = style.digits
        self._typed: Request | None = None
        self.recorded = None if options.run is None else self._opened(options.run)
        if self.recorded:
            self.architecture = self.recorded.architecture
            if options.arithmetic is None:
                asked = default if self.architecture else of_own
                self.arithmetic = asked if asked in self.recorded.runs else self.recorded.first
            return
        built_in = architecture_of(options)
        self.architecture = None if options.model else built_in
        self.seed = parsing.whole("--seed", options.seed, 0, parsing.LARGEST_SEED, "a seed")
        self._check_files()
        check_model_options(options)
        self._typed = None if options.x_file else self._request(self._typed_rows())

    @property
    def rows(self) -> int:
        """How many rows of x there are, as far as is known without reading a file."""
        if self.recorded:
            return len(self.recorded.run(self.arithmetic).array("x"))
        return len(self._typed.x) if self._typed else 1

    @cached_property
    def request(self) -> Request:
        """What to run; a file of input is read when it is first asked for."""
        return self._typed or self._request(self._file_rows())

    @property
    def agrees(self) -> bool:
        """Whether the numbers of a recorded run agree, as those of one that is run always do."""
        return not self.doubts

    def run(self, finite: bool = True) -> Run:
        """Return the numbers: those that were recorded, or of the model, which is run.

        Where they are asked to be kept in a file they are.

        Parameters
        ----------
        finite
            Whether the loss and its gradients have to be finite.
        """
        if self.recorded:
            run = self.recorded_run(self.arithmetic)
        elif self.style.record:
            self._kept = self.keep()
            run = self._kept.run(self.arithmetic)
        elif recording := self._remembered():
            self._kept = recording
            run = recording.run(self.arithmetic)
        else:
            from .. import pipeline

            return pipeline.run(self.request, finite)
        if finite:
            run.require_finite()
        return run

    def other_run(self) -> Run | None:
        """Return the same run in the other arithmetic; None where there is none."""
        if recording := self.recorded or self._kept:
            return recording.runs.get("full" if self.arithmetic == "printed" else "printed")
        from .. import pipeline

        return pipeline.in_the_other_arithmetic(self.request)

    def load_ahead(self) -> None:
        """Begin to load what runs a model, beside what a page needs, if the model is to run."""
        if not self.recorded and (self.style.record or self._found is None):
            torch_library.load_ahead()

    def _remembered(self) -> Recording | None:
        """Return the run as it was remembered, or run the built-in VAE and remember it."""
        if self._found or self._entry is None:
            return self._found
        from .. import pipeline

        recording = pipeline.record_both(self.request)
        cache, key = self._entry
        cache.put(key, recording)
        return recording

    @cached_property
    def _found(self) -> Recording | None:
        """The run as it was remembered."""
        if self._entry is None:
            return None
        cache, key = self._entry
        return cache.get(key)

    @cached_property
    def _entry(self) -> tuple[RunCache, str] | None:
        """Where the run is remembered; None for one that is not."""
        if self.architecture is None or self.options.no_cache:
            return None
        from ..models.recorded import run_cache

        key = run_cache.key_of(self.request) if run_cache.is_on() else None
        return None if key is None else (run_cache.RunCache(run_cache.folder()), key)

    def recorded_run(self, arithmetic: Arithmetic) -> Run:
        """Return a recorded run, finite or not, and say where its numbers do not agree."""
        assert self.recorded is not None, "asked of a recording"
        run = self.recorded.run(arithmetic)
        self.doubts = self.recorded.doubts[arithmetic]
        if self.doubts:
            first, *others = self.doubts
            more = f", and {len(others)} more" if others else ""
            say(
                f"warning: {self.options.run} disagrees with itself, as a file that was changed "
                f"does: {first} is not what its operation gives{more}"
            )
        return run

    def keep(self, state: Mapping[str, Array] | None = None) -> Recording:
        """Record the run, and keep it in the file that is asked for."""
        from ..models.recorded import recorded_run

        target = self.style.record
        assert target is not None, "asked for"
        recording = self.record(state)
        self.style.files.put(target, recorded_run.to_bytes(recording))
        return recording

    def record(self, state: Mapping[str, Array] | None = None) -> Recording:
        """Run the model in both arithmetics, from a state of its own or another."""
        from .. import pipeline

        recording = pipeline.record_both(self.request, state)
        if recording.not_printed:
            say(
                "note: the model does not run on rounded numbers in float64 "
                f"({recording.not_printed}); the recording has only PyTorch's own float32 numbers"
            )
        return recording

    def _opened(self, path: Path) -> Recording:
        """Open a recording, with which no option goes that says what to run."""
        for name in sorted(self.options.given & OF_THE_MODEL):
            raise Problem(
                flag(name),
                getattr(self.options, name),
                f"--run {path} is a finished run, with its model and its input; "
                "give one or the other",
            )
        return recording_of(path)

    def _check_files(self) -> None:
        options = self.options
        if options.x and options.x_file:
            raise Problem("--x-file", options.x_file, "give either --x or --x-file")
        for option, path, endings in (
            ("--x-file", options.x_file, INPUT_FILES),
            ("--weights", options.weights, CHECKPOINTS),
        ):
            if path is not None and not (option == "--x-file" and standard_input.is_meant(path)):
                require_ending(option, path, endings)
                require_file(option, path)
        if options.strip_prefix and options.weights is None:
            raise Problem(
                "--strip-prefix",
                options.strip_prefix,
                "it is for a file of weights; give --weights too",
            )

    def _request(self, x: Any) -> Request:
        options, architecture = self.options, self.architecture
        if architecture and architecture.recon == "bce":
            _require_probabilities(x)
        return Request(
            x=x,
            seed=self.seed,
            eps=self._noise(len(x)),
            arithmetic=self.arithmetic,
            source=architecture or user_model(options),
            weights=options.weights,
            strip_prefix=options.strip_prefix,
            decimals=self.decimals,
            changes=self._changes(len(x)),
            most_numbers=None if architecture else MOST_BYTES // self._bytes,
        )

    def _typed_rows(self) -> Rows:
        options, architecture = self.options, self.architecture
        if architecture is None:
            if not options.x:
                mend = "give its input with --x or --x-file"
                raise Problem("--model", options.model, mend)
            rows = tuple(parsing.numbers("--x", text) for text in options.x)
            if len({len(row) for row in rows}) > 1:
                raise Problem("--x", options.x[-1], "the rows of a batch must have the same length")
            return rows
        if options.x:
            return parsing.rows("--x", options.x, architecture.input_size)
        return architecture.default_x

    def _file_rows(self) -> Array | Rows:
        path = self.options.x_file
        assert path is not None, "only asked when there is one"
        array = _read(path)
        if self.architecture is None:
            return array
        width = self.architecture.input_size
        if array.ndim != 2 or array.shape[1] != width:
            words = f"it has shape {list(array.shape)}, but the model takes rows of {width}"
            raise Problem("--x-file", path, words)
        bytes_needed = self._bytes * len(array) * self.architecture.numbers_a_row
        if bytes_needed > MOST_BYTES:
            most = len(array) * MOST_BYTES // bytes_needed
            words = f"its run would take {bytes_needed / 2**30:,.1f} GiB of memory; give at most"
            raise Problem("--x-file", path, f"{words} {most:,} rows")
        return array

    def _changes(self, rows: int) -> tuple[Change, ...]:
        """Read what is to be set, and for the built-in VAE find the entries."""
        typed = [parsing.change("--set", text) for text in self.options.set or ()]
        architecture = self.architecture
        if architecture is None:
            return tuple(typed)
        names = "x", "eps", *architecture.parameters
        shapes = {name: architecture.shape(name, rows) for name in names}
        places = [located(change, shapes, architecture.steps) for change in typed]
        require_once(places)
        for place, change in zip(places, typed, strict=True):
            if place.name == "x" and architecture.recon == "bce":
                _require_probabilities(((change.value,),))
        return tuple(
            Change(place.target, change.value) for place, change in zip(places, typed, strict=True)
        )

    def _noise(self, rows: int) -> tuple[float, ...] | None:
        typed, architecture = self.options.eps, self.architecture
        if not typed:
            return None
        if architecture is None:
            noise = tuple(parsing.numbers("--eps", text) for text in typed)
        else:
            noise = parsing.rows("--eps", typed, architecture.latent_size)
            if len(noise) != rows:
                raise Problem(
                    "--eps",
                    " --eps ".join(typed),
                    f"{len(noise)} given for {rows} {'row' if rows == 1 else 'rows'} of x; "
                    "give one --eps for each --x",
                )
        return tuple(value for row in noise for value in row)


def recording_of(path: Path) -> Recording:
    """Open a recording; as long as the file is the same, it is read once."""
    try:
        stat = path.expanduser().stat()
    except OSError:
        return _read_recording(path, ())
    return _read_recording(path, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=1)
def _read_recording(path: Path, version: tuple[int, ...]) -> Recording:
    from ..models.recorded import recorded_run

    return recorded_run.load(path)


def _read(path: Path) -> Array:
    """Read a file of input; a bar on a terminal says how far it is when that takes long."""
    from ..models.loading import input_files
    from ..pages.render.terminal import terminal

    if standard_input.is_meant(path):
        with standard_input.numbers_as_file() as file:
            return input_files.read(file, shown=standard_input.NAME)
    file = path.expanduser()
    kilobytes = file.stat().st_size // 1000 + 1
    with terminal.progress(kilobytes, f"reading {path.name}, kB", message_stream()) as report:
        return input_files.read(file, lambda done: report(done // 1000))


def _require_probabilities(rows: Rows | Array) -> None:
    if not isinstance(rows, tuple) and rows.min() >= 0 and rows.max() <= 1:
        return  # many numbers, which are not looked at one by one
    outside = next((value for row in rows for value in row if not 0 <= value <= 1), None)
    if outside is not None:
        mend = "binary cross-entropy needs every x to be from 0 to 1; change --x"
        raise Problem("--recon", "bce", f"x has {outside:g}, but {mend}")
