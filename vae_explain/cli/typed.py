"""A command line as it was typed, put in the words and places that the commands know.

What has a meaning of its own stays: this only looks at a word that the command would refuse,
and at numbers that stand apart, as in `--x 5 6 7 8`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from typer.core import TyperCommand

from ..errors import nearest
from ..models.builtin_config import BUILT_IN
from . import other_words
from .errors import Problem

HELP = "-h", "--help"
OF_ALL = (*HELP, "--version", "--install-completion", "--show-completion")
NUMBER = r"[+\-−–]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
NUMBERS = re.compile(rf"[\[(]*{NUMBER}(?:[\s,]+{NUMBER})*[\])]*,?")
OF_NUMBERS = "--x", "--eps", "--dims", "--hidden"  # which may stand apart
OF_ROWS = "--x", "--eps"  # which may be repeated
DOCUMENT = r".+\.(?:md|markdown|qmd|rmd|html?|xhtml|tex|txt|ipynb)"
# What a report ends with that has an option of its own.
REPORTS = {"sarif": ".sarif", "junit": ".xml"}


class Unconverted:
    """A command of Typer that leaves what was typed as it is; only a file becomes a path.

    Typer converts each value, and from 0.29 on loads pydantic for it, which costs a tenth of
    loading PyTorch. Ours are judged where they are used.
    """

    callback: Any

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of Typer's class
        for param in params:
            param.process_value = partial(self._value_of, param)
        return params

    def _value_of(self, param: Any, context: Any, typed: Any) -> Any:
        if typed is None and not param.required:
            return () if param.multiple or param.nargs == -1 else None
        if typed is None or getattr(param, "is_flag", False):
            return type(param).process_value(param, context, typed)
        kind = str(get_type_hints(self.callback)[param.name])
        return Path(typed) if "Path" in kind else typed


class ForgivingCommand(Unconverted, TyperCommand):
    """A command that also understands other words for its options, and numbers that stand apart."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            flags = {
                name: bool(getattr(param, "is_flag", False))
                for param in self.get_params(ctx)
                if param.param_type_name == "option"
                for name in param.opts
            }
            args = list(understood(ctx.info_name or "", args, flags))
        return super().parse_args(ctx, args)


def command_of(arguments: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Put the command first, where it is called something else or stands behind its options."""
    if not arguments or arguments[0] in HELP:
        return list(arguments)
    words = [arguments[0].casefold(), *arguments[1:]]
    if words[0] in ("version", "-v", "--version") or "--version" in words:
        return ["--version"]
    if words[0] == "help":
        named = [word for word in words[1:2] if word in commands]
        return [*named, "--help"]
    if words[0] == "commands":
        return ["--help"]
    if words[0] in commands or words[0] in other_words.COMMANDS:
        name, rest = words[0], words[1:]
        name = name if name in commands else other_words.COMMANDS[name]
        return _sorted_out(name, ["--help"] if rest == ["help"] else rest)
    if words[0] in OF_ALL:
        return list(arguments)
    if words[0].startswith("-"):
        return _behind_options(arguments, commands)
    if re.fullmatch(DOCUMENT, words[0]):
        return ["verify", *arguments]
    from ..models import spelled_names

    names = ("x", *BUILT_IN.parameters, *BUILT_IN.steps)
    if re.search(r"[\[∂]|\.grad\b", arguments[0]) or spelled_names.read_target(arguments[0], names):
        return ["why", *arguments]
    near = nearest(words[0], (*commands, *other_words.COMMANDS))
    near = other_words.COMMANDS.get(near or "", near)
    guess = f"did you mean {near}? See" if near else "the commands are in"
    raise Problem(arguments[0], None, f"no command has this name; {guess} vae-explain --help")


def understood(command: str, arguments: Sequence[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield the arguments of a command in its own words, options first.

    Parameters
    ----------
    flags
        The command's options, and whether each stands without a value.
    """
    places: list[str] = []
    for name, values in _options(command, arguments, flags):
        if not name:
            places += values
            continue
        yield from _option(command, name, values, flags)
    kept = []
    for word in places:
        option = other_words.place_for(command, word, tuple(flags))
        if not option:
            kept.append(word)
        else:
            yield option
            if not flags[option]:
                yield word
    if kept:
        yield from ("--", *kept)


def line(*words: str) -> str:
    """Write a command line as it may be typed."""
    return " ".join(("vae-explain", *(shlex.quote(word) for word in words)))


def _sorted_out(command: str, rest: list[str]) -> list[str]:
    """Send what another command does to it."""
    if command == "check" and rest and re.fullmatch(DOCUMENT, rest[0]):
        return ["verify", *rest]
    return [command, *rest]


def _behind_options(arguments: Sequence[str], commands: Sequence[str]) -> list[str]:
    for position, word in enumerate(arguments):
        if word in commands:
            return [word, *arguments[:position], *arguments[position + 1 :]]
    mend = f"say first what to show, such as {line('forward', *arguments)}"
    raise Problem(arguments[0], " ".join(arguments[1:]), mend)


def _options(
    command: str, arguments: Sequence[str], flags: Mapping[str, bool]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each option with its values, and what stands without one under an empty name."""
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            yield "", words
            return
        if not word.startswith("-") or word == "-" or re.fullmatch(NUMBERS, word):
            yield "", [word]
            continue
        name, equals, value = word.partition("=")
        if not word.startswith("--") and word[:2] in flags and word[2:]:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        if name in other_words.NEEDLESS.get(command, ()) and name not in flags:
            continue
        if name not in flags and name not in HELP:
            name, *fixed = _known(command, name, flags, arguments)
            if fixed:
                yield name, fixed
                continue
        if flags.get(name, True):
            yield name, [value] if equals else []
            continue
        values = [value] if equals else words[:1]
        words = words if equals else words[1:]
        while name in OF_NUMBERS and values and words and _goes_on(values[0], words[0]):
            values.append(words.pop(0))
        yield name, values


def _goes_on(first: str, word: str) -> bool:
    """Whether a word is one more of the numbers of an option."""
    return all(re.fullmatch(NUMBERS, text.strip()) for text in (first, word))


def _known(
    command: str, name: str, flags: Mapping[str, bool], arguments: Sequence[str]
) -> tuple[str, ...]:
    """Return the option that another word for it means, with its value where that is fixed."""
    ours = other_words.option_for(command, name)
    if ours and ours[0] in flags:
        return ours
    if name in other_words.LEFT_OUT:
        position = next(i for i, word in enumerate(arguments) if word.startswith(name))
        rest = list(arguments)
        value = rest[position + 1 : position + 2]
        has_value = "=" not in rest[position] and value and not value[0].startswith("-")
        del rest[position : position + (2 if has_value else 1)]
        words = f"{other_words.LEFT_OUT[name]}; leave it out: {line(command, *rest)}"
        raise Problem(name, value[0] if has_value else None, words)
    if (command, name) == ("update", "--optimizer"):
        mend = "update is one step of gradient descent; the first step of another is shown by"
        one = ("train", "--optimizer", "adam", "--steps", "1", "--explain-step", "0")
        raise Problem(name, None, f"{mend} {line(*one)}")
    near = nearest(name, [flag for flag in flags if flag.startswith("--")])
    guess = f"did you mean {near}? See" if near else "see"
    raise Problem(name, None, f"{command} has no such option; {guess} {line(command, '--help')}")


def _option(command: str, name: str, values: list[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield one option as the command takes it."""
    value = values[0] if values else ""
    if flags.get(name, True):
        yield name
        return
    if name in OF_ROWS and values:
        yield from _rows(command, name, values, flags)
        return
    if name in ("--dims", "--hidden"):
        values = ["-".join(values)] if len(values) > 1 else values
    if name in ("--output", "-o", "--format"):
        for report, ending in REPORTS.items():
            meant = value == report if name == "--format" else value.endswith(ending)
            if meant and f"--{report}" in flags:
                file = f"FILE{ending}" if name == "--format" else value
                raise Problem(name, value, f"that is written by --{report} {file}")
    if name == "--loss" and "--recon" in flags and ":" not in value:
        kind = other_words.choice_of(value, ("mse", "bce"))
        name, values = ("--recon", [kind]) if kind else (name, values)
    if name == "--loss" and "--term" in flags and value and ":" not in value:
        name = "--term"
    yield name
    yield from values


def _rows(command: str, name: str, values: list[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield rows of numbers, however they were set apart: each by the option once more."""
    text = values[0].strip()
    is_file = text == "-" or re.search(r"\.(?:csv|npy|txt|tsv)$", text)
    if name == "--x" and "--x-file" in flags and is_file:
        yield from ("--x-file", *values)
        return
    if ";" in text and len(values) == 1:
        rows = [part.strip(" []()") for part in text.split(";")]
        words = [word for row in rows for word in (name, row)]
        mend = "decimals take a point, and numbers are separated by commas; for a batch repeat"
        raise Problem(name, text, f"{mend} {name}: {line(command, *words)}")
    if re.fullmatch(r"\[\s*\[.*\]\s*,?\s*\]", text, re.DOTALL) and len(values) == 1:
        values = re.findall(r"\[([^\[\]]*)\]", text)
    one_by_one = len(values) > 1 and not any(re.search(r"\d[\s,]+\S*\d", each) for each in values)
    for each in [" ".join(values)] if one_by_one else values:
        yield from (name, each)
