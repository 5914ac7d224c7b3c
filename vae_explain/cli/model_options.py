"""Which model the options name: the built-in VAE and its widths, or a user's own."""

from __future__ import annotations

from typing import Any

from ..models.builtin_config import ACTIVATIONS, BUILT_IN, Architecture
from ..models.request import Settings, UserModel
from . import config_files, model_files, parsing
from .choices import RECONS, REDUCTIONS
from .errors import Problem
from .options import Options
from .parsing import flag

WIDEST = 10**6
MOST_BYTES = 4 * 2**30  # of parameters, before anything is built, or of what a run computes
OF_A_USERS_MODEL = (
    "model_arg", "config",
    "loss", "loss_arg", "loss_sum", "objective", "objective_expr", "x_as", "root",
    "definitions_only",
)  # fmt: skip


def check_model_options(options: Options) -> None:
    """Check what goes together of the options that say which model is run."""
    if options.objective_expr and (options.objective or options.loss_arg):
        mend = "it is the whole loss; leave --objective and --loss-arg out"
        raise Problem("--objective-expr", options.objective_expr, mend)
    if options.root is not None and not options.root.is_dir():
        raise Problem("--root", options.root, "there is no such folder")
    file = (options.model or "").rpartition(":")[0]
    for name in ("loss", "objective"):
        if (function := getattr(options, name)) and function.isidentifier() and file:
            raise Problem(f"--{name}", function, f"say where it is; write {file}:{function}")
    for name in ("model", "loss", "objective"):
        if reference := getattr(options, name):
            model_files.require_defined(f"--{name}", reference)
    if options.model:
        for name in ("dims", "hidden", "latent"):
            if (value := getattr(options, name)) is not None:
                raise Problem(flag(name), value, "it is for the built-in VAE; leave it out")
        return
    for name in OF_A_USERS_MODEL:
        if value := getattr(options, name):
            mend = "it is for a model of your own; give --model too"
            raise Problem(flag(name), value, mend)


def user_model(options: Options) -> UserModel:
    """Return the model of the user's own that the options name."""

    def arguments(
        option: str, texts: list[str] | None, settings: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        settings = {} if settings is None else settings
        for text in texts or ():
            name, value = parsing.argument(option, text)
            *around, last = name.split(".")
            within = settings
            for part in around:
                within = within.setdefault(part, Settings())
                if not isinstance(within, Settings):
                    raise Problem(option, text, f"{part} already has a value")
            within[last] = value
        return settings

    return UserModel(
        model=options.model or "",
        loss=options.loss,
        objective=options.objective,
        loss_arguments=arguments("--loss-arg", options.loss_arg),
        model_arguments=arguments(
            "--model-arg",
            options.model_arg,
            config_files.read(options.config) if options.config else None,
        ),
        loss_sum=options.loss_sum,
        root=options.root,
        definitions_only=options.definitions_only,
        objective_expr=options.objective_expr,
        x_as=options.x_as,
    )


def architecture_of(options: Options) -> Architecture:
    """Check the options that shape the built-in VAE."""
    activation = parsing.choice("--activation", options.activation, ACTIVATIONS)
    recon = parsing.choice("--recon", options.recon, RECONS)
    reduction = parsing.choice("--reduction", options.reduction, REDUCTIONS)
    shape = Architecture(
        dims=_widths(options),
        activation=activation,
        recon=recon,
        reduction=reduction,
        beta=parsing.from_zero("--beta", options.beta, "a weight"),
    )
    size = 4 * sum(layer.count for layer in shape.layers)
    if size > MOST_BYTES:
        mend = f"its parameters alone take {size / 2**30:.0f} GiB; give smaller widths"
        raise Problem("--dims", options.dims, mend)
    return shape


def _widths(options: Options) -> tuple[int, ...]:
    """Return the widths from input to output, of which the middle ones may be given alone."""
    dims = BUILT_IN.dims if options.dims is None else _dims(options.dims)
    middle = len(dims) // 2
    hidden, latent = dims[1:middle], dims[middle]
    for name in ("hidden", "latent"):
        value = getattr(options, name)
        if value is not None and options.dims is not None:
            raise Problem(flag(name), value, "--dims has all widths; leave one of them out")
    if options.hidden is not None:
        hidden = parsing.widths("--hidden", options.hidden, WIDEST)
    if options.latent is not None:
        latent = parsing.whole("--latent", options.latent, 1, WIDEST, "a width")
    if options.hidden is None and options.latent is None:
        return dims
    return (dims[0], *hidden, latent, *hidden[::-1], dims[0])


def _dims(text: str) -> tuple[int, ...]:
    example = "write widths such as 784-400-20-400-784"
    widths = parsing.widths("--dims", text, WIDEST, example)
    if len(widths) < 3 or len(widths) % 2 == 0:
        raise Problem("--dims", text, f"give an odd number of widths, at least three; {example}")
    if widths[0] != widths[-1]:
        raise Problem(
            "--dims", text, "a VAE reconstructs its input: make the first and the last width equal"
        )
    return tuple(widths)
