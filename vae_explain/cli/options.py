"""The options that the commands share, declared once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ..architecture import BUILT_IN, Architecture
from . import parsing
from .problems import Problem, unknown_name

if TYPE_CHECKING:
    from ..pipeline import Request

Format = Literal["text", "json"]
RUN = "Run"
OUTPUT = "Output"

X = Annotated[
    list[str] | None,
    typer.Option(
        "--x",
        metavar="NUMBERS",
        help="Input, parted by commas or spaces; repeat it for a batch.  [default: 1,2,3,4]",
        rich_help_panel=RUN,
        show_default=False,
    ),
]
Seed = Annotated[
    str,
    typer.Option(
        metavar="INTEGER", help="Seed of the parameters and the noise.", rich_help_panel=RUN
    ),
]
Eps = Annotated[
    list[str] | None,
    typer.Option(
        "--eps",
        metavar="NUMBERS",
        help="Noise to use in place of the draw; repeat it for a batch.",
        rich_help_panel=RUN,
        show_default=False,
    ),
]
ArithmeticOption = Annotated[
    str | None,
    typer.Option(
        "--arithmetic",
        metavar="printed|full",
        help="printed: parameters and noise rounded to 4 decimals, in float64; "
        "full: PyTorch's own float32.",
        rich_help_panel=RUN,
        show_default=False,
    ),
]
FormatOption = Annotated[
    str,
    typer.Option("--format", metavar="text|json", help="How to write it.", rich_help_panel=OUTPUT),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Digits = Annotated[
    str | None,
    typer.Option(
        metavar="0-17",
        help="Decimals for every number.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Latex = Annotated[
    bool, typer.Option("--latex", help="Add each line's LaTeX.", rich_help_panel=OUTPUT)
]


LearningRate = Annotated[
    str, typer.Option("--lr", metavar="NUMBER", help="Learning rate, the size of a step.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME",
        help="Work out the update of this parameter, element by element; may be repeated.",
        autocompletion=lambda incomplete: complete_parameter(incomplete),
        show_default=False,
    ),
]
# Adam divides by 1 - β1 = 0.1 at its first step, which float32 must hold.
LARGEST_RATE = 1e30


@dataclass(frozen=True)
class Style:
    """How and where a page is written."""

    format: Format
    output: Path | None
    digits: int | None


def style(format_name: str, output: Path | None, digits: str | None = None) -> Style:
    """Check the output options."""
    chosen = cast(Format, parsing.choice("--format", format_name, ("text", "json")))
    if output is not None:
        output = file_to_write("--output", output)
    places = None if digits is None else parsing.whole("--digits", digits, 0, 17, "it")
    return Style(chosen, output, places)


def file_to_write(option: str, path: Path, endings: tuple[str, ...] = ()) -> Path:
    """Check that a file can stand where it is wanted, and what its name ends with."""
    found = path.expanduser()
    if endings and found.suffix.lower() not in endings:
        raise Problem(option, path, f"name a file that ends with {' or '.join(endings)}")
    if not found.parent.is_dir():
        raise Problem(option, path, f"the folder {found.parent} does not exist; create it")
    if found.is_dir():
        raise Problem(option, path, "this is a folder; name a file in it")
    return found


def request(
    x: list[str] | None,
    seed: str,
    eps: list[str] | None,
    arithmetic: str | None,
    default: Literal["printed", "full"],
    architecture: Architecture = BUILT_IN,
) -> Request:
    """Check the run options; only then load what runs the model."""
    width, latent = architecture.input_size, architecture.latent_size
    rows = parsing.rows("--x", x, width) if x else (tuple(float(i + 1) for i in range(width)),)
    number = parsing.whole("--seed", seed, 0, parsing.LARGEST_SEED, "a seed")
    noise = parsing.rows("--eps", eps, latent) if eps else None
    if noise is not None and len(noise) != len(rows):
        raise Problem(
            "--eps",
            " --eps ".join(eps or ()),
            f"{len(noise)} given for {len(rows)} rows of x; give one --eps for each --x",
        )
    chosen = default
    if arithmetic is not None:
        chosen = cast(
            Literal["printed", "full"],
            parsing.choice("--arithmetic", arithmetic, ("printed", "full")),
        )
    from ..pipeline import Request

    flat = None if noise is None else tuple(value for row in noise for value in row)
    return Request(x=rows, seed=number, eps=flat, arithmetic=chosen, architecture=architecture)


def step_names(names: list[str] | None, architecture: Architecture = BUILT_IN) -> list[str]:
    """Check the names of steps."""
    valid = ("x", *architecture.steps)
    for name in names or ():
        if name not in valid:
            raise unknown_name("--step", name, "step", valid)
    return list(names or ())


def parameter_names(names: list[str] | None, architecture: Architecture = BUILT_IN) -> list[str]:
    """Check the names of parameters, which are what an optimizer moves."""
    for name in names or ():
        if name not in architecture.parameters:
            raise unknown_name("--param", name, "parameter", architecture.parameters)
    return list(dict.fromkeys(names or ()))


def gradient_names(names: list[str] | None, architecture: Architecture = BUILT_IN) -> list[str]:
    """Check the names of parameters and values that have a gradient; `.grad` may follow."""
    found = []
    for given in names or ():
        name = given.removesuffix(".grad")
        if name in WITHOUT_GRADIENT:
            raise Problem("--param", given, f"it has no gradient: {WITHOUT_GRADIENT[name]}")
        if name not in architecture.with_gradient:
            raise unknown_name("--param", given, "parameter or value", architecture.with_gradient)
        found.append(name)
    return found


def require_reached(term: str, names: list[str]) -> None:
    """Check that a loss term has a gradient at each name."""
    for name in names:
        if term == "kl" and (name in DECODER_VALUES or name.startswith("fc_dec")):
            raise Problem(
                "--param",
                name,
                "the KL does not reach it, so --term kl has no "
                "gradient there; ask for --term mse, or for a value of the encoder",
            )
        if name in ("loss", "mse", "kl") and name != term:
            raise Problem("--param", name, f"the {term} term is not made from it; leave --term out")


DECODER_VALUES = ("std", "z", "decoder_pre", "decoder_hidden", "recon_x")


def target(
    text: str, rows: int, architecture: Architecture = BUILT_IN
) -> tuple[str, bool, tuple[int, ...] | None]:
    """Read a number's name: `z[0]`, `fc1.weight.grad[0,1]`, `loss`.

    Returns
    -------
    tuple
        The value's name, whether its gradient is meant, and the full index; None when the
        whole tensor was named.
    """
    match = re.fullmatch(r"([^\[\]]+?)(\.grad)?(?:\[([^\[\]]*)\])?", text.strip())
    if match is None:
        raise Problem("TARGET", text, "write a name and an index, such as z[0] or mu.grad[1]")
    name, grad, inside = match[1], bool(match[2]), match[3]
    names = ("x", *architecture.parameters, *architecture.steps)
    if name not in names:
        raise unknown_name("TARGET", name, "value", names)
    if grad and name in WITHOUT_GRADIENT:
        raise Problem("TARGET", text, f"{name} has no gradient: {WITHOUT_GRADIENT[name]}")
    shape = architecture.shape(name, rows)
    return name, grad, None if inside is None else _index(text, name, inside, shape)


def _index(text: str, name: str, inside: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    parts = [part.strip() for part in inside.split(",")] if inside.strip() else []
    known = f"{name} has shape {list(shape)}"
    if not all(re.fullmatch(r"[+-]?[0-9]+", part) for part in parts):
        raise Problem("TARGET", text, f"an index is whole numbers parted by commas; {known}")
    index = tuple(int(part) for part in parts)
    if len(index) == len(shape) - 1 and shape[0] == 1 and len(shape) > 1:
        index = (0, *index)
    if len(index) != len(shape):
        raise Problem("TARGET", text, f"{len(index)} given as index; {known}")
    for at, size in zip(index, shape, strict=True):
        if not -size <= at < size:
            raise Problem("TARGET", text, f"index {at} is outside; {known}")
    return tuple(at % size for at, size in zip(index, shape, strict=True))


def complete_target(incomplete: str) -> list[str]:
    """Complete the name of a value, a parameter or a gradient in the shell."""
    names = ("x", *BUILT_IN.parameters, *BUILT_IN.steps)
    grads = (f"{name}.grad" for name in BUILT_IN.with_gradient)
    return [name for name in (*names, *grads) if name.startswith(incomplete)]


WITHOUT_GRADIENT = {
    "x": "the input is given, not trained; ask for encoder_pre, the first value made from it",
    "eps": "the noise is drawn, not computed; ask for std or z, which it goes into",
    "variance": "the loss does not use it; ask for logvar, which it is made from",
}


def complete_parameter(incomplete: str) -> list[str]:
    """Complete the name of a parameter in the shell."""
    return [name for name in BUILT_IN.parameters if name.startswith(incomplete)]


def complete_step(incomplete: str) -> list[str]:
    """Complete the name of a step in the shell."""
    return [name for name in ("x", *BUILT_IN.steps) if name.startswith(incomplete)]


def complete_gradient(incomplete: str) -> list[str]:
    """Complete the name of a parameter or value in the shell."""
    return [name for name in BUILT_IN.with_gradient if name.startswith(incomplete)]
