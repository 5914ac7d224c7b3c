"""What people call our commands, options and choices besides, and what they put in other places.

All of it stands in tables. A word is only taken for another that means the same; one that is
near in meaning is answered with the line that does what it may have been meant for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# A first word, and the command that it means.
COMMANDS: Mapping[str, str] = {
    other: command
    for command, others in {
        "forward": "run fwd forward-pass predict",
        "backward": "gradients gradient grads grad backprop backpropagation bwd backward-pass",
        "why": "explain derive trace where",
        "update": "step descend",
        "train": "fit learn",
        "sample": "draw-samples sampling draws",
        "check": "gradcheck grad-check test",
        "audit": "lint doctor diagnose",
        "document": "doc write walkthrough",
        "diagram": "draw picture graph figure",
        "params": "parameters weights architecture model summary param",
        "record": "save",
        "ask": "shell repl interactive prompt",
        "verify": "proofread proof-read",
    }.items()
    for other in others.split()
}

# An option, by the commands that have it (or "*"), and what is put in its place.
OPTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("*", "--input --inputs --data --input-data", ("--x",)),
    ("*", "--noise --epsilon", ("--eps",)),
    ("*", "-s --random-seed --rng-seed", ("--seed",)),
    ("*", "--kl-weight --kld-weight --kl-beta", ("--beta",)),
    ("*", "--act --activation-fn --nonlinearity", ("--activation",)),
    ("*", "--latent-dim --latent-dims --latent-size --z-dim --zdim", ("--latent",)),
    ("*", "--hidden-dim --hidden-dims --hidden-size --hidden-sizes", ("--hidden",)),
    ("*", "--layers --sizes --layer-sizes", ("--dims",)),
    ("*", "--loss-type --recon-loss --reconstruction", ("--recon",)),
    ("*", "--decimals --precision --round", ("--digits",)),
    ("*", "--out --output-file --outfile --save-to", ("--output",)),
    ("*", "-f --output-format --fmt", ("--format",)),
    ("*", "-j --as-json", ("--json",)),
    ("*", "--no-color --no-colour --no-colors", ("--color", "never")),
    ("*", "--colour --colors", ("--color",)),
    ("*", "--checkpoint --ckpt --state-dict --load --load-weights", ("--weights",)),
    ("*", "--dtype", ("--arithmetic",)),
    ("*", "--csv --npy --input-file", ("--x-file",)),
    ("*", "--recording", ("--run",)),
    ("*", "--learning-rate --rate --step-size --eta", ("--lr",)),
    ("*", "--latex-code --tex", ("--latex",)),
    ("forward", "--name --names --steps --value --layer", ("--step",)),
    ("backward update train", "--params --parameter --parameters --name", ("--param",)),
    ("backward", "--wrt --layer --grad --of --at", ("--param",)),
    ("backward why", "--loss-term --part", ("--term",)),
    ("train", "-n --iterations --iters --epochs --n-steps --num-steps", ("--steps",)),
    ("train", "--optim --opt", ("--optimizer",)),
    ("sample", "-n --n --samples --num-samples --n-samples --count", ("--draws",)),
    ("why", "--all --everything", ("--full",)),
    ("why", "--levels --level", ("--depth",)),
    ("audit", "--list-rules --rules", ("--list",)),
    ("audit", "--skip --exclude --without", ("--ignore",)),
    ("audit", "--rule --id --select", ("--only",)),
    ("audit", "--fail-on-warning --fail-on-warnings --werror", ("--strict",)),
    ("params", "--save-weights --export", ("--save",)),
    ("document", "--html --htm", ("--format", "html")),
    ("document", "--markdown --md", ("--format", "markdown")),
    ("document", "--latex --tex", ("--format", "latex")),
    ("document", "--notebook --ipynb", ("--format", "notebook")),
)
# An option that only names what stands for itself: why --target z.
NEEDLESS = {"why": ("--target", "--name", "--value", "--of"), "verify": ("--file", "--document")}
# One that no command has, and why it may be left out.
LEFT_OUT = {
    "--device": "every run is on the CPU",
    "--gpu": "every run is on the CPU",
    "--cuda": "every run is on the CPU",
    "--cpu": "every run is on the CPU",
    "--batch-size": "a batch is as long as what it is given: repeat --x, a row each",
    "--verbose": "a page has all there is",
    "-v": "a page has all there is",
    "--quiet": "it prints nothing but the page",
    "-q": "it prints nothing but the page",
}
# A choice of an option, and the word that we have for it.
CHOICES: Mapping[str, str] = {
    "l2": "mse", "squarederror": "mse", "gaussian": "mse",
    "bernoulli": "bce", "binarycrossentropy": "bce", "crossentropy": "bce",
    "average": "mean", "avg": "mean", "total": "sum", "swish": "silu", "lrelu": "leaky_relu",
    "float32": "full", "float": "full", "fp32": "full", "unrounded": "full", "rounded": "printed",
    "md": "markdown", "tex": "latex", "ipynb": "notebook", "jupyter": "notebook", "htm": "html",
    "txt": "text", "plain": "text", "yes": "always", "no": "never", "on": "always", "off": "never",
}  # fmt: skip

# Where a word without an option goes, by what it looks like: the commands, a pattern, the option.
PLACES: tuple[tuple[str, str, str], ...] = (
    ("record", r".+\.safetensors", "--output"),
    ("forward backward why params document diagram update audit ask", r".+\.safetensors", "--run"),
    ("document", r".+\.(?:html?|md|markdown|tex|ipynb|json)", "--output"),
    ("document", r"(?:html|markdown|md|latex|tex|notebook|ipynb|json)", "--format"),
    ("diagram", r".+\.svg", "--output"),
    ("sample", r"\d+", "--draws"),
    ("train", r"\d+", "--steps"),
    ("audit", r"(?:list|rules)", "--list"),
    ("audit", r"[a-z]+(?:[-_ ][a-z]+)*", "--only"),
    ("cache", r"(?:clear|path)", "--{}"),
    ("*", r".+\.py:\w+|[\w.]+\.[\w.]+:\w+", "--model"),
    ("*", r".+\.(?:csv|npy)", "--x-file"),
)


def option_for(command: str, name: str) -> tuple[str, ...]:
    """Return the words of ours that an option of a command means; none if it means none."""
    for commands, others, ours in OPTIONS:
        if name in others.split() and (commands == "*" or command in commands.split()):
            return ours
    return ()


def place_for(command: str, word: str, options: Sequence[str]) -> str:
    """Return the option that a word without one belongs to; empty for none."""
    for commands, pattern, option in PLACES:
        if commands != "*" and command not in commands.split():
            continue
        option = option.format(word)
        if option in options and re.fullmatch(pattern, word):
            return option
    return ""


def choice_of(text: str, choices: Sequence[str]) -> str | None:
    """Return which of some choices a text means, in any case and with any marks between."""
    if text in choices:
        return text
    plain = re.sub(r"[\s_\-]", "", text).casefold()
    meant = {re.sub(r"[\s_\-]", "", choice): choice for choice in choices}
    other = CHOICES.get(plain)
    return meant.get(plain) or (other if other in choices else None)
