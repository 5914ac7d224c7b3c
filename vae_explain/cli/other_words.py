"""What people call our commands, options and choices besides, and what they put in other places.

All of it stands in tables. A word is only taken for another that means the same; one that is
near in meaning is answered with the line that does what it may have been meant for.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import TypeVar

from ..models.builtin_config import ACTIVATIONS
from .choices import ARITHMETICS, DIFFICULTIES, LEVELS, OPTIMIZERS, RECONS, REDUCTIONS

Choice = TypeVar("Choice", bound=str)

# A first word, and the command that it means.
COMMANDS: Mapping[str, str] = {
    other: command
    for command, others in {
        "forward": "run fwd forward-pass predict show print load open",
        "backward": "gradients gradient grads grad backprop backpropagation bwd backward-pass",
        "why": "explain derive trace where",
        "update": "step descend optimize optimise",
        "train": "fit learn",
        "sample": "draw-samples sampling draws",
        "compare": "diff versus vs",
        "check": "gradcheck grad-check gradient-check test",
        "audit": "lint doctor diagnose",
        "play": "live app web browser gui",
        "exercise": "exercises worksheet worksheets quiz homework sheet sheets",
        "mark": "grade score",
        "document": "doc write walkthrough export",
        "diagram": "draw picture graph figure plot visualize visualise image",
        "params": "parameters weights architecture model summary param state-dict",
        "record": "save",
        "ask": "shell repl interactive prompt",
        "verify": "proofread proof-read proof",
        "samples": "examples example init",
    }.items()
    for other in others.split()
}

# An option, by the commands that have it (or "*"), and what is put in its place.
OPTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("*", "--input --inputs --data --input-data", ("--x",)),
    ("*", "--noise --epsilon --ε", ("--eps",)),
    ("*", "-s --random-seed --rng-seed --rng --manual-seed --random-state", ("--seed",)),
    ("*", "--kl-weight --kld-weight --kl-beta --β", ("--beta",)),
    ("backward why", "--kl --kld --kl-loss", ("--term", "kl")),
    ("*", "--kl", ("--beta",)),
    ("*", "--act --activation-fn --nonlinearity", ("--activation",)),
    ("*", "--latent-dim --latent-dims --latent-size --z-dim --zdim --z --z-size", ("--latent",)),
    ("*", "--hidden-dim --hidden-dims --hidden-size --hidden-sizes", ("--hidden",)),
    ("*", "--hidden-units --hidden-layers", ("--hidden",)),
    ("*", "--layers --sizes --layer-sizes --dim --arch --architecture --shape", ("--dims",)),
    ("*", "--loss-type --recon-loss --reconstruction --likelihood", ("--recon",)),
    ("why", "-d --max-depth --levels --level", ("--depth",)),
    ("*", "-d --decimals --precision --round", ("--digits",)),
    ("*", "--out --output-file --outfile --save-to", ("--output",)),
    ("*", "-f --output-format --fmt", ("--format",)),
    ("*", "-j --as-json", ("--json",)),
    ("*", "--no-color --no-colour --no-colors --plain", ("--color", "never")),
    ("*", "--colour --colors", ("--color",)),
    ("*", "--nopager --no-page", ("--no-pager",)),
    ("*", "--nocache", ("--no-cache",)),
    ("*", "-v", ("--verbose",)),
    ("*", "-m --net --network --script", ("--model",)),
    ("*", "-l --loss-fn --loss-function --criterion", ("--loss",)),
    ("backward update train", "--params --parameter --parameters --name --show", ("--param",)),
    ("update train", "--only", ("--param",)),
    ("*", "--checkpoint --ckpt --state-dict --load --load-weights", ("--weights",)),
    ("*", "--load-checkpoint --params --pt --pth --resume", ("--weights",)),
    ("*", "--dtype", ("--arithmetic",)),
    ("*", "--exact", ("--arithmetic", "full")),
    ("*", "--csv --npy --input-file --xfile --file", ("--x-file",)),
    ("*", "--stdin", ("--x-file", "-")),
    ("*", "--recording --from", ("--run",)),
    ("*", "--learning-rate --rate --step-size --eta --alpha", ("--lr",)),
    ("*", "--latex-code --tex", ("--latex",)),
    ("forward", "--name --names --steps --value --layer --show --only", ("--step",)),
    ("backward", "--wrt --layer --grad --of --at", ("--param",)),
    ("backward why", "--loss-term --part --only", ("--term",)),
    ("train", "-n --iterations --iters --epochs --n-steps --num-steps", ("--steps",)),
    ("train", "-e --epoch --n-epochs --num-epochs --max-steps --max-epochs", ("--steps",)),
    ("train", "--step --explain", ("--explain-step",)),
    ("train", "--optim --opt", ("--optimizer",)),
    ("sample", "-n --n --samples --num-samples --n-samples --count", ("--draws",)),
    ("exercise", "-n --n --number --questions --blanks", ("--count",)),
    ("exercise", "--answers --answer-key --solutions --solution", ("--key",)),
    ("why", "--all --everything --recursive", ("--full",)),
    ("audit", "--list-rules --rules", ("--list",)),
    ("audit", "--skip --exclude --without --disable", ("--ignore",)),
    ("audit", "--rule --id --select", ("--only",)),
    ("audit", "--fail-on-warning --fail-on-warnings --werror", ("--strict",)),
    ("params", "--save-weights --export", ("--save",)),
    ("play", "--no-browser", ("--no-open",)),
    ("cache", "--clean --delete --empty", ("--clear",)),
    ("cache", "--dir --folder --where", ("--path",)),
)
# An option that only names what stands for itself: why --target z.
NEEDLESS = {
    "why": ("--target", "--name", "--value", "--of", "--param", "--show", "--number"),
    "params": ("--name", "--names", "--param", "--show", "--only", "--layer"),
    "verify": ("--file", "--document"),
    "mark": ("--sheet", "--sheets", "--answers", "--file"),
}
# A word, or an option, that says no more than the command does: forward all, why is z 0.
FILLING = {
    "forward": "pass all everything",
    "backward": "pass all everything",
    "why": "is does",
    "params": "all everything shapes shape count list",
    "audit": "all everything",
    "verify": "strict",
    "cache": "list info size show stats",
    "play": "browser open web",
    "diagram": "svg",
}
# One that no command has, and why it may be left out.
LEFT_OUT = {
    **dict.fromkeys(("--device", "--gpu", "--cuda", "--cpu"), "every run is on the CPU"),
    **dict.fromkeys(
        ("--batch", "--batch-size"),
        "a batch has as many rows as you give: repeat --x, once for each row",
    ),
    **dict.fromkeys(("--quiet", "-q"), "it prints nothing but the page"),
    **dict.fromkeys(
        ("--float64", "--double"), "a page is in float64 unless --arithmetic full is asked for"
    ),
    **dict.fromkeys(("--port", "--host"), "the page is a file and needs no server"),
    "--debug": "VAE_EXPLAIN_TRACEBACK=1 in the environment prints tracebacks",
}
# Options whose choices are also typed by themselves: --tanh, train adam.
CHOOSING: Mapping[str, tuple[str, ...]] = {
    "--recon": RECONS,
    "--reduction": REDUCTIONS,
    "--activation": ACTIVATIONS,
    "--arithmetic": ARITHMETICS,
    "--optimizer": OPTIMIZERS,
    "--difficulty": DIFFICULTIES,
    "--level": LEVELS,
}
# What another command, or another option, is for.
ELSEWHERE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "--input-dim --input-size --in-features --n-features --x-dim",
        ("all widths are given together, as by", "forward", "--dims", "6-8-2-8-6"),
    ),
    ("--examples --samples", ("files to try are written by", "samples")),
)
# What is more than one command does, and what does it.
MORE: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("update", "--optimizer"): (
        "update is one step of gradient descent; the first step of another is shown by",
        ("train", "--optimizer", "adam", "--steps", "1", "--explain-step", "0"),
    ),
    ("exercise", "--pdf"): ("a sheet to print is written by", ("exercise", "-o", "sheet.tex")),
    ("compare", "--pdf"): ("a page to print is written by", ("compare", "-o", "page.html")),
    ("update", "--steps"): ("update is one step; more are taken by", ("train", "--steps", "20")),
}
# Formats of documents; the ending says which.
DOCUMENTS = ("html", "markdown", "latex", "notebook", "pdf", "png", "xlsx")
ENDING = {"markdown": "md", "latex": "tex", "notebook": "ipynb"} | {
    name: name for name in ("html", "pdf", "png", "xlsx")
}
PAGES = "forward", "backward", "why", "params", "update"
# What other commands than document write of them, and the names that they have there.
FORMATS: Mapping[str, Mapping[str, str]] = {
    "exercise": {name: ENDING[name] for name in ("markdown", "latex", "html", "notebook")},
    "compare": {name: name for name in ("markdown", "latex", "html")},
}
OF_DOCUMENTS = r".+\.(?:html?|md|markdown|tex|ipynb|pdf|png|xlsx)"
# A choice of an option, and the word that we have for it.
CHOICES: Mapping[str, str] = {
    "l2": "mse", "squarederror": "mse", "gaussian": "mse",
    "bernoulli": "bce", "binarycrossentropy": "bce", "crossentropy": "bce",
    "average": "mean", "avg": "mean", "total": "sum", "swish": "silu", "lrelu": "leaky_relu",
    "float32": "full", "float": "full", "fp32": "full", "unrounded": "full", "rounded": "printed",
    "md": "markdown", "tex": "latex", "ipynb": "notebook", "jupyter": "notebook", "htm": "html",
    "beginner": "intro", "basic": "intro", "simple": "intro", "advanced": "expert",
    "brief": "expert", "short": "expert", "concise": "expert", "normal": "standard",
    "gradient": "chain", "gradients": "chain", "backward": "chain", "backprop": "chain",
    "chainrule": "chain", "values": "forward", "relu": "gates", "reconstruction": "loss",
    "txt": "text", "plain": "text", "yes": "always", "no": "never", "on": "always", "off": "never",
}  # fmt: skip

# Where a word without an option goes, by what it looks like: the commands, a pattern, the option.
PLACES: tuple[tuple[str, str, str], ...] = (
    ("record", r".+\.safetensors", "--output"),
    (
        "forward backward why params document diagram update audit ask compare",
        r".+\.safetensors",
        "--run",
    ),
    ("mark", r".+\.json", "--key"),
    ("document", rf"{OF_DOCUMENTS}|.+\.json", "--output"),
    ("play", r".+\.html?", "--output"),
    ("exercise", r".+\.(?:md|html?|tex|ipynb|csv|xml|zip)", "--output"),
    ("diagram", r".+\.(?:svg|png|pdf)", "--output"),
    ("sample", r"\d+", "--draws"),
    ("train", r"\d+", "--steps"),
    ("audit", r"(?:list|rules)", "--list"),
    ("audit", r"[a-z]+(?:[-_ ][a-z]+)*", "--only"),
    ("cache", r"(?:clear|path)", "--{}"),
    ("cache", r"(?:clean|delete|empty)", "--clear"),
    ("*", r".+\.py(?:::?\w+)?|[\w.]+\.[\w.]+:\w+", "--model"),
    ("*", r".+\.(?:csv|npy)|-", "--x-file"),
    ("*", r".+\.(?:pt|pth|ckpt)", "--weights"),
    ("*", r"\d+(?:-\d+){2,}", "--dims"),
)
# Of which a choice may stand without its option.
OF_PLACES = ("--optimizer", "--difficulty", "--format")


def option_for(command: str, name: str, options: Container[str]) -> tuple[str, ...]:
    """Return the words of ours that an option of a command means; none if it means none."""
    for commands, others, ours in OPTIONS:
        is_of_it = commands == "*" or command in commands.split()
        if is_of_it and name in others.split() and ours[0] in options:
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


def choosing(
    command: str, word: str, options: Container[str], which: Container[str] = CHOOSING
) -> tuple[str, ...]:
    """Return the option with the choice that a word alone means; none if it means none."""
    named = {**CHOOSING, "--format": DOCUMENTS} if command == "document" else CHOOSING
    for option, choices in named.items():
        if option in options and (option in which or option == "--format"):
            meant = choice_of(word, choices)
            if meant is not None:
                return option, meant
    return ()


def choice_of(text: str, choices: Sequence[Choice]) -> Choice | None:
    """Return which of some choices a text means, in any case and with any marks between."""
    plain = re.sub(r"[\s_\-]", "", text).casefold()
    meant = {re.sub(r"[\s_\-]", "", choice): choice for choice in choices}
    exactly: dict[str, Choice] = {choice: choice for choice in choices}
    return exactly.get(text) or meant.get(plain) or exactly.get(CHOICES.get(plain, ""))
