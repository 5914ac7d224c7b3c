"""What a command is asked to run: the built-in VAE of some shape, or the user's own model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from ..models.builtin_config import ACTIVATIONS, BUILT_IN, Architecture
from . import parsing
from .errors import Problem
from .options import WEIGHT_FILES, Options

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..models.prepared_model import Recorded
    from ..pipeline import OwnRequest, Request
    from ..trace import Array

Arithmetic = Literal["printed", "full"]
WIDEST = 10**6
MOST_BYTES = 4 * 2**30  # of parameters, before anything is built
GIVEN_BY_FILE = ".csv", ".npy"


class Job:
    """The checked run options of one command.

    Everything about the built-in VAE is checked when the job is made, before PyTorch is
    loaded; a user's model can only be judged once it runs. `default` is the arithmetic of
    the built-in VAE when none is asked for, `of_own` that of a user's model.
    """

    def __init__(self, options: Options, default: Arithmetic, of_own: Arithmetic = "full") -> None:
        self.options = options
        self.own = options.model is not None
        self.architecture = architecture(options)
        self.seed = parsing.whole("--seed", options.seed, 0, parsing.LARGEST_SEED, "a seed")
        chosen = default
        if options.arithmetic is not None:
            parsing.choice("--arithmetic", options.arithmetic, ("printed", "full"))
            chosen = cast(Arithmetic, options.arithmetic)
        elif self.own:
            chosen = of_own
        self.arithmetic: Arithmetic = chosen
        self._check_files()
        if not self.own:
            self._check_built_in()

    @property
    def rows(self) -> int:
        """How many rows of x there are, as far as is known without reading a file."""
        return len(self.options.x) if self.options.x else 1

    def run(self) -> Run:
        """Load, record and return the numbers."""
        from .. import pipeline

        return pipeline.run(self.request())

    def recorded(self) -> Recorded:
        """As `run`, with the model that ran."""
        from .. import pipeline

        return pipeline.recorded(self.request())

    def run_and_doubled(self) -> tuple[Run, Run | None]:
        """Return the numbers, finite or not, and those of a run with every row twice."""
        from .. import pipeline

        return pipeline.run_and_doubled(self.request())

    def request(self) -> Request | OwnRequest:
        """Return the request for what is to be run."""
        return self.own_request() if self.own else self.built_in_request()

    def built_in_request(self) -> Request:
        """Return the request for the built-in VAE."""
        from ..pipeline import Request

        rows = self._file_rows() if self.options.x_file else self._given_rows()
        if self.architecture.recon == "bce":
            _require_probabilities(rows)
        noise = self._noise(len(rows))
        return Request(
            x=rows,
            seed=self.seed,
            eps=noise,
            arithmetic=self.arithmetic,
            architecture=self.architecture,
            weights=self.options.weights,
            strip_prefix=self.options.strip_prefix,
        )

    def own_request(self) -> OwnRequest:
        """Return the request for a user's model."""
        import numpy as np

        from ..models.user_code import argument
        from ..pipeline import OwnRequest

        options = self.options
        if options.x_file is not None:
            x = _read(options.x_file)
        elif options.x:
            rows = [parsing.numbers("--x", text) for text in options.x]
            if len({len(row) for row in rows}) > 1:
                raise Problem("--x", options.x[-1], "rows of a batch must be of one length")
            x = np.array(rows, dtype=np.float32)
        else:
            raise Problem("--model", options.model, "give the input it runs on by --x or --x-file")
        eps = [value for text in options.eps or () for value in parsing.numbers("--eps", text)]
        return OwnRequest(
            model=options.model or "",
            arguments=dict(argument(text) for text in options.model_arg or ()),
            loss=options.loss,
            objective=options.objective,
            loss_arguments=dict(argument(text, "--loss-arg") for text in options.loss_arg or ()),
            x=x,
            seed=self.seed,
            eps=tuple(eps) or None,
            arithmetic=self.arithmetic,
            weights=options.weights,
            strip_prefix=options.strip_prefix,
        )

    def refuse(self, command: str, *names: str) -> None:
        """Raise a problem for options that a command has no use for."""
        for name in names:
            value = getattr(self.options, name)
            if value is not None:
                option = "--" + name.replace("_", "-")
                shown = " ".join(value) if isinstance(value, list) else value
                raise Problem(option, shown, f"{command} {REFUSALS[name]}")

    def _check_files(self) -> None:
        options = self.options
        if options.x and options.x_file:
            raise Problem("--x-file", options.x_file, "give either --x or --x-file")
        for option, path, endings in (
            ("--x-file", options.x_file, GIVEN_BY_FILE),
            ("--weights", options.weights, WEIGHT_FILES),
        ):
            if path is not None:
                _require_file(option, path, endings)
        if options.strip_prefix and options.weights is None:
            raise Problem(
                "--strip-prefix", options.strip_prefix, "it goes with a file; give --weights too"
            )
        if self.own:
            if options.dims is not None:
                raise Problem("--dims", options.dims, "it shapes the built-in VAE; leave it out")
            return
        for name in ("model_arg", "loss", "loss_arg", "objective"):
            value = getattr(options, name)
            if value:
                shown = " ".join(value) if isinstance(value, list) else value
                option = "--" + name.replace("_", "-")
                raise Problem(option, shown, "it goes with a model of your own; give --model too")

    def _check_built_in(self) -> None:
        rows = self._given_rows()
        if self.architecture.recon == "bce" and not self.options.x_file:
            _require_probabilities(rows)
        if not self.options.x_file:
            self._noise(len(rows))

    def _given_rows(self) -> tuple[tuple[float, ...], ...]:
        width = self.architecture.input_size
        if self.options.x:
            return parsing.rows("--x", self.options.x, width)
        return (tuple(float(i + 1) for i in range(width)),)

    def _file_rows(self) -> tuple[tuple[float, ...], ...]:
        assert self.options.x_file is not None, "only asked when there is one"
        array = _read(self.options.x_file)
        width = self.architecture.input_size
        if array.ndim != 2 or array.shape[1] != width:
            raise Problem(
                "--x-file",
                self.options.x_file,
                f"it has shape {list(array.shape)}, but the model takes rows of {width}",
            )
        return tuple(tuple(row) for row in array.tolist())

    def _noise(self, rows: int) -> tuple[float, ...] | None:
        given = self.options.eps
        if not given:
            return None
        noise = parsing.rows("--eps", given, self.architecture.latent_size)
        if len(noise) != rows:
            raise Problem(
                "--eps",
                " --eps ".join(given),
                f"{len(noise)} given for {rows} {'row' if rows == 1 else 'rows'} of x; "
                "give one --eps for each --x",
            )
        return tuple(value for row in noise for value in row)


REFUSALS = {
    "eps": "draws its own noise; leave it out, or ask forward",
    "arithmetic": "works in PyTorch's own float32; leave it out",
}


def _read(path: Path) -> Array:
    """Read a file of input; a bar on a terminal says how far it is when that takes long."""
    from ..models import input_files
    from ..pages.render import terminal

    found = path.expanduser()
    kilobytes = found.stat().st_size // 1000 + 1
    with terminal.progress(kilobytes, f"reading {path.name}, kB", sys.stderr) as report:
        return input_files.read(found, lambda done: report(done // 1000))


def _require_file(option: str, path: Path, endings: tuple[str, ...]) -> None:
    if path.suffix.lower() not in endings:
        raise Problem(option, path, f"name a file that ends with {' or '.join(endings)}")
    if not path.expanduser().is_file():
        raise Problem(option, path, "there is no such file")


def _require_probabilities(rows: tuple[tuple[float, ...], ...]) -> None:
    outside = [value for row in rows for value in row if not 0 <= value <= 1]
    if outside:
        mend = "binary cross-entropy wants every x from 0 to 1; give such an --x"
        raise Problem("--recon", "bce", f"x has {outside[0]:g}, but {mend}")


def architecture(options: Options) -> Architecture:
    """Check the options that shape the built-in VAE."""
    parsing.choice("--activation", options.activation, ACTIVATIONS)
    parsing.choice("--recon", options.recon, ("mse", "bce"))
    parsing.choice("--reduction", options.reduction, ("sum", "mean"))
    found = Architecture(
        dims=BUILT_IN.dims if options.dims is None else _dims(options.dims),
        activation=options.activation,  # type: ignore[arg-type]  # one of its choices, see above
        recon=options.recon,  # type: ignore[arg-type]  # likewise
        reduction=options.reduction,  # type: ignore[arg-type]  # likewise
        beta=parsing.from_zero("--beta", options.beta, "a weight"),
    )
    size = 4 * sum(layer.count for layer in found.layers)
    if size > MOST_BYTES:
        mend = f"its parameters alone take {size / 2**30:.0f} GiB; give smaller widths"
        raise Problem("--dims", options.dims, mend)
    return found


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
