"""What a command is asked to run: its options checked, as one request."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ..models.builtin_config import ACTIVATIONS, BUILT_IN, Architecture
from ..models.request import Request, UserModel
from . import parsing
from .errors import Problem
from .files import require_ending
from .options import WEIGHT_FILES, Options

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..trace import Array

Arithmetic = Literal["printed", "full"]
Rows = tuple[tuple[float, ...], ...]
WIDEST = 10**6
MOST_BYTES = 4 * 2**30  # of parameters, before anything is built
INPUT_FILES = ".csv", ".npy"
OF_A_USERS_MODEL = "model_arg", "loss", "loss_arg", "loss_sum", "objective", "root"
REFUSALS = {
    "eps": "draws its own noise; leave it out, or ask forward",
    "arithmetic": "works in PyTorch's own float32; leave it out",
}


class Job:
    """The checked run options of one command.

    What can be checked without PyTorch is checked when the job is made: all about the
    built-in VAE but a file of input. A user's model can only be judged once it runs.

    Parameters
    ----------
    default, of_own
        The arithmetic of the built-in VAE, and of a user's model, when none is asked for.

    Attributes
    ----------
    architecture
        The built-in VAE's; None for a user's own model.
    """

    def __init__(self, options: Options, default: Arithmetic, of_own: Arithmetic = "full") -> None:
        self.options = options
        built_in = architecture_of(options)
        self.architecture = None if options.model else built_in
        self.seed = parsing.whole("--seed", options.seed, 0, parsing.LARGEST_SEED, "a seed")
        unasked = of_own if options.model else default
        arithmetic = unasked if options.arithmetic is None else options.arithmetic
        parsing.choice("--arithmetic", arithmetic, ("printed", "full"))
        self.arithmetic = cast(Arithmetic, arithmetic)
        self._check_files()
        self._check_model_options()
        self._typed = None if options.x_file else self._request(self._typed_rows())

    @property
    def rows(self) -> int:
        """How many rows of x there are, as far as is known without reading a file."""
        return len(self._typed.x) if self._typed else 1

    @cached_property
    def request(self) -> Request:
        """What to run; a file of input is read when it is first asked for."""
        return self._typed or self._request(self._file_rows())

    def run(self) -> Run:
        """Load, record and return the numbers."""
        from .. import pipeline

        return pipeline.run(self.request)

    def refuse(self, command: str, *names: str) -> None:
        """Raise a problem for options that a command has no use for."""
        for name in names:
            value = getattr(self.options, name)
            if value is not None:
                raise Problem(_flag(name), value, f"{command} {REFUSALS[name]}")

    def _check_files(self) -> None:
        options = self.options
        if options.x and options.x_file:
            raise Problem("--x-file", options.x_file, "give either --x or --x-file")
        for option, path, endings in (
            ("--x-file", options.x_file, INPUT_FILES),
            ("--weights", options.weights, WEIGHT_FILES),
        ):
            if path is not None:
                require_ending(option, path, endings)
                if not path.expanduser().is_file():
                    raise Problem(option, path, "there is no such file")
        if options.strip_prefix and options.weights is None:
            raise Problem(
                "--strip-prefix", options.strip_prefix, "it goes with a file; give --weights too"
            )

    def _check_model_options(self) -> None:
        options = self.options
        if options.root is not None and not options.root.is_dir():
            raise Problem("--root", options.root, "there is no such folder")
        if options.model:
            if options.dims is not None:
                raise Problem("--dims", options.dims, "it shapes the built-in VAE; leave it out")
            return
        for name in OF_A_USERS_MODEL:
            if value := getattr(options, name):
                mend = "it goes with a model of your own; give --model too"
                raise Problem(_flag(name), value, mend)

    def _request(self, x: Any) -> Request:
        options, architecture = self.options, self.architecture
        if architecture and architecture.recon == "bce":
            _require_probabilities(x)
        return Request(
            x=x,
            seed=self.seed,
            eps=self._noise(len(x)),
            arithmetic=self.arithmetic,
            source=architecture or _user_model(options),
            weights=options.weights,
            strip_prefix=options.strip_prefix,
        )

    def _typed_rows(self) -> Rows:
        options, architecture = self.options, self.architecture
        if architecture is None:
            if not options.x:
                mend = "give the input it runs on by --x or --x-file"
                raise Problem("--model", options.model, mend)
            rows = tuple(parsing.numbers("--x", text) for text in options.x)
            if len({len(row) for row in rows}) > 1:
                raise Problem("--x", options.x[-1], "rows of a batch must be of one length")
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
        return tuple(tuple(row) for row in array.tolist())

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


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _user_model(options: Options) -> UserModel:
    def arguments(option: str, texts: list[str] | None) -> dict[str, Any]:
        return dict(parsing.argument(option, text) for text in texts or ())

    return UserModel(
        model=options.model or "",
        loss=options.loss,
        objective=options.objective,
        loss_arguments=arguments("--loss-arg", options.loss_arg),
        model_arguments=arguments("--model-arg", options.model_arg),
        loss_sum=options.loss_sum,
        root=options.root,
    )


def _read(path: Path) -> Array:
    """Read a file of input; a bar on a terminal says how far it is when that takes long."""
    from ..models import input_files
    from ..pages.render import terminal

    file = path.expanduser()
    kilobytes = file.stat().st_size // 1000 + 1
    with terminal.progress(kilobytes, f"reading {path.name}, kB", sys.stderr) as report:
        return input_files.read(file, lambda done: report(done // 1000))


def _require_probabilities(rows: Rows) -> None:
    outside = [value for row in rows for value in row if not 0 <= value <= 1]
    if outside:
        mend = "binary cross-entropy wants every x from 0 to 1; give such an --x"
        raise Problem("--recon", "bce", f"x has {outside[0]:g}, but {mend}")


def architecture_of(options: Options) -> Architecture:
    """Check the options that shape the built-in VAE."""
    parsing.choice("--activation", options.activation, ACTIVATIONS)
    parsing.choice("--recon", options.recon, ("mse", "bce"))
    parsing.choice("--reduction", options.reduction, ("sum", "mean"))
    shape = Architecture(
        dims=BUILT_IN.dims if options.dims is None else _dims(options.dims),
        activation=options.activation,  # type: ignore[arg-type]  # one of its choices, see above
        recon=options.recon,  # type: ignore[arg-type]  # likewise
        reduction=options.reduction,  # type: ignore[arg-type]  # likewise
        beta=parsing.from_zero("--beta", options.beta, "a weight"),
    )
    size = 4 * sum(layer.count for layer in shape.layers)
    if size > MOST_BYTES:
        mend = f"its parameters alone take {size / 2**30:.0f} GiB; give smaller widths"
        raise Problem("--dims", options.dims, mend)
    return shape


def _dims(text: str) -> tuple[int, ...]:
    example = "write widths such as 784-400-20-400-784"
    parts = [part.strip() for part in text.strip().split("-")]
    widths = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    if not all(1 <= width <= WIDEST for width in widths):
        mend = f"a width is a whole number from 1 to {WIDEST}; {example}"
        raise Problem("--dims", text, mend)
    if len(widths) < 3 or len(widths) % 2 == 0:
        raise Problem("--dims", text, f"an odd number of widths, three or more; {example}")
    if widths[0] != widths[-1]:
        raise Problem("--dims", text, "a VAE gives back what it got: make both ends equal")
    return tuple(widths)
