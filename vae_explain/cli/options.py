"""The options that the commands share, declared once."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated

from ..models.builtin_config import ACTIVATIONS
from ..quick_classes import dataclass
from . import names, parsing
from .choices import ARITHMETICS, COLORS, LEVELS, RECONS, REDUCTIONS
from .declared import file_option, model_option, output_option, own_option, run_option
from .errors import Problem
from .files import Files
from .parsing import flag
from .style import OF_PAGES, STANDARD_OUTPUT, Formats, Style, format_of

Latex = Annotated[bool, output_option.switch("Add the LaTeX of each line.", "--latex")]


LearningRate = Annotated[str, own_option("NUMBER", "Learning rate, the size of a step.", "--lr")]
Parameters = Annotated[
    list[str] | None,
    own_option(
        "NAME",
        "Show the update of this parameter, element by element; may be repeated.",
        "--param",
        choices=names.PARAMETERS,
    ),
]


RECORDINGS = (".safetensors",)
WEIGHT_FILES = ".safetensors", ".pt", ".pth"
CHECKPOINTS = *WEIGHT_FILES, ".ckpt"
SaveWeights = Annotated[
    Path | None,
    file_option("FILE", "Save the weights to a .safetensors, .pt or .pth file.", "--save"),
]


@dataclass(frozen=True)
class Options:
    """What every command takes: what to run and how to write it.

    Attributes
    ----------
    given
        The names of those that were typed, whatever their values.
    """

    x: Annotated[
        list[str] | None,
        run_option(
            "NUMBERS",
            "Input, separated by commas or spaces; repeat it for a batch.  [default: 1,2,3,4]",
        ),
    ] = None
    x_file: Annotated[
        Path | None,
        run_option(
            "FILE.csv|npy",
            "Input from a file, one row per line, or - for standard input; "
            "a header line is skipped; an .npy keeps its shape.",
        ),
    ] = None
    seed: Annotated[str, run_option("INTEGER", "Seed for the parameters and the noise.")] = "42"
    eps: Annotated[
        list[str] | None,
        run_option("NUMBERS", "Noise to use instead of drawing it; repeat it for a batch."),
    ] = None
    set: Annotated[
        list[str] | None,
        run_option(
            '"NAME[i,j]=VALUE"',
            "Set one entry of a parameter, x or eps before the run, such as "
            '"fc1.weight[0,1]=0.5" or fc1.weight.0.1=0.5; may be repeated.',
        ),
    ] = None
    arithmetic: Annotated[
        str | None,
        run_option.choice(
            ARITHMETICS,
            "printed: parameters and noise rounded to 4 decimals or --digits, in float64; "
            "full: PyTorch's own float32.  [default: full for backward, check, sample, a gradient "
            "in why, and (except in document, play and exercise) your own model; else printed; "
            "update, train and audit always use full]",
        ),
    ] = None
    dims: Annotated[
        str | None,
        model_option(
            "N-N-…-N",
            "Layer widths of the built-in VAE, latent in the middle.  [default: 4-8-2-8-4]",
        ),
    ] = None
    hidden: Annotated[
        str | None, model_option("N[-N…]", "Only the hidden widths, for both sides.  [default: 8]")
    ] = None
    latent: Annotated[
        str | None, model_option("N", "Only the width of the latent.  [default: 2]")
    ] = None
    activation: Annotated[
        str,
        model_option(
            "NAME", f"{', '.join(ACTIVATIONS[:-1])} or {ACTIVATIONS[-1]}.", choices=ACTIVATIONS
        ),
    ] = "relu"
    recon: Annotated[
        str, model_option.choice(RECONS, "Squared error, or binary cross-entropy after a sigmoid.")
    ] = "mse"
    reduction: Annotated[
        str, model_option.choice(REDUCTIONS, "Sum both terms, or average them over all elements.")
    ] = "sum"
    beta: Annotated[str, model_option("NUMBER", "Weight of the KL.")] = "1"
    weights: Annotated[
        Path | None,
        model_option("FILE", "Load the parameters from a .safetensors, .pt, .pth or .ckpt file."),
    ] = None
    strip_prefix: Annotated[
        str,
        model_option(
            "TEXT", 'Remove a prefix, such as "module.", from the names in the weights file.'
        ),
    ] = ""
    model: Annotated[
        str | None,
        model_option(
            "FILE.py:NAME",
            "Your own model: a class or a function that returns one; or package.module:NAME. "
            "Loading a file runs it.",
        ),
    ] = None
    model_arg: Annotated[
        list[str] | None,
        model_option(
            "KEY=VALUE",
            "An argument of your model; args.KEY=VALUE sets KEY inside args; may be repeated.",
        ),
    ] = None
    config: Annotated[
        Path | None,
        model_option(
            "FILE.yaml|toml|json",
            "Arguments of your model from a file; --model-arg takes precedence over it.",
        ),
    ] = None
    loss: Annotated[
        str | None,
        model_option(
            "FILE.py:NAME",
            "Your loss; it gets what the model returns, matched by name, then by order.",
        ),
    ] = None
    loss_arg: Annotated[
        list[str] | None,
        model_option(
            "KEY=VALUE",
            "A further argument of your loss, such as beta=4, or which part of the model's "
            "output an argument gets, such as inputs=recon; may be repeated.",
        ),
    ] = None
    root: Annotated[
        Path | None, model_option("FOLDER", "A folder that your files import from.")
    ] = None
    definitions_only: Annotated[
        bool,
        model_option.switch(
            "Load only the classes, functions and plain values of your files; skip everything "
            "else they do when run, such as training."
        ),
    ] = False
    loss_sum: Annotated[
        bool,
        model_option.switch("Add up the parts that your loss returns, as a training loop does."),
    ] = False
    objective: Annotated[
        str | None,
        model_option(
            "FILE.py:NAME", "A function of model and x that returns the loss, instead of --loss."
        ),
    ] = None
    objective_expr: Annotated[
        str | None,
        model_option(
            "EXPRESSION",
            "The loss as an expression, such as \"model(x)['loss']\". It can use model, x, "
            "loss, torch and whatever your files define. model(x) runs once.",
        ),
    ] = None
    x_as: Annotated[
        str | None,
        model_option(
            "EXPRESSION",
            "What your model gets instead of x, such as \"{'data': x}\". It can use x, torch "
            "and whatever your files define.",
        ),
    ] = None
    run: Annotated[
        Path | None,
        file_option("FILE.safetensors", "Use a recorded run instead of running a model."),
    ] = None
    record: Annotated[
        Path | None, file_option("FILE.safetensors", "Save the run to a file, for --run.")
    ] = None
    no_cache: Annotated[
        bool,
        run_option.switch("Run the built-in VAE even if the run is in the cache.", "--no-cache"),
    ] = False
    format: Annotated[
        str | None,
        output_option.choice(
            ("text", "json"),
            "Output format.  [default: from the extension of FILE, else text]",
            "--format",
        ),
    ] = None
    json: Annotated[bool, output_option.switch("Same as --format json.", "--json")] = False
    output_file: Annotated[
        Path | None,
        output_option("FILE", "Write to a file; its extension sets the format.", "--output", "-o"),
    ] = None
    digits: Annotated[str | None, output_option("0-17", "Number of decimals.")] = None
    level: Annotated[
        str,
        output_option.choice(
            LEVELS,
            "How much is explained: intro explains every term, expert shows only the arithmetic.",
            "--level",
        ),
    ] = "standard"
    verbose: Annotated[
        bool, output_option.switch("Show how far off the worst checked number was.", "--verbose")
    ] = False
    color: Annotated[str, output_option.choice(COLORS, "When to use colours.", "--color")] = "auto"
    no_pager: Annotated[
        bool, output_option.switch("Print long pages directly, without a pager.", "--no-pager")
    ] = False
    given: frozenset[str] = frozenset()

    def style(
        self, formats: Formats = OF_PAGES, reads: Mapping[str, Path | None] | None = None
    ) -> Style:
        """Check the output options, for a command that writes some formats.

        Parameters
        ----------
        reads
            What the command reads beside the files of the shared options, by option.
        """
        further = {option: path for option, path in (reads or {}).items() if path is not None}
        style = _checked_style(self, self.inputs() | further, formats)
        if self.record is None:
            return style
        return replace(style, record=style.files.name("--record", self.record, RECORDINGS))

    def as_typed(self, left_out: Container[str] = ()) -> Iterator[tuple[str, ...]]:
        """Yield the options that were given, each with its value, as words of a command."""
        for name in (field.name for field in fields(self)):
            if name in self.given and name not in left_out:
                value = getattr(self, name)
                for each in value if isinstance(value, list) else [value]:
                    yield (flag(name),) if each is True else (flag(name), str(each))

    def inputs(self) -> dict[str, Path]:
        """Return the files that the options name to be read, by option."""
        files = {
            "--x-file": self.x_file,
            "--weights": self.weights,
            "--run": self.run,
            "--config": self.config,
        }
        for option in ("model", "loss", "objective"):
            place = (getattr(self, option) or "").rpartition(":")[0]
            files[f"--{option}"] = Path(place) if place.endswith(".py") else None
        return {option: path for option, path in files.items() if path is not None}


def _checked_style(options: Options, inputs: Mapping[str, Path], formats: Formats) -> Style:
    """Check the output options.

    Parameters
    ----------
    inputs
        The files that the command reads, which none of its own may replace.
    formats
        Those that the command writes, the first of them when nothing says which.
    """
    files = Files(inputs)
    color = parsing.choice("--color", options.color, COLORS)
    level = parsing.choice("--level", options.level, LEVELS)
    name = options.format
    if options.json:
        if name is not None and name.casefold() != "json":
            raise Problem("--json", f"--format {name}", "these are two formats; give one")
        name = "json"
    if name is not None:
        name = parsing.choice("--format", name, tuple(formats))
    target = None
    if options.output_file is not None and str(options.output_file) not in STANDARD_OUTPUT:
        target = files.name("--output", options.output_file)
    digits = options.digits
    return Style(
        format=format_of(name, target, formats),
        output=target,
        digits=None if digits is None else parsing.whole("--digits", digits, 0, 17, "it"),
        files=files,
        color=color,
        pager=not options.no_pager,
        level=level,
        verbose=options.verbose,
    )
