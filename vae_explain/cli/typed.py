"""A command line as it was typed, put in the words and places that the commands know.

What has a meaning of its own stays: this only looks at a word that the command would refuse,
and at numbers that stand apart, as in `--x 5 6 7 8`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, get_type_hints

from typer.core import TyperCommand

from ..errors import nearest
from . import other_words
from .errors import Problem, line
from .typed_values import OF_ROWS, as_document, rows, written

HELP = "-h", "--help"
NUMBER = r"[+\-−–]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
NUMBERS = re.compile(rf"[\[(]*{NUMBER}(?:[\s,]+{NUMBER})*[\])]*,?")
OF_NUMBERS = "--x", "--eps", "--dims", "--hidden"  # which may stand apart
OF_MANY = *OF_ROWS, "--set", "--model-arg", "--loss-arg"  # likewise
# -o, --x=1, —seed 7, --seed:7
OPTION = r"[-–—−]{1,3}(?P<name>[^\W\d][\w\-]*)(?:(?P<mark>[=:])(?P<value>.*))?"
DOCUMENT = r".+\.(?:md|markdown|qmd|rmd|html?|xhtml|tex|txt|ipynb)"


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
        return Path(typed) if param.name in self._files else typed

    @cached_property
    def _files(self) -> frozenset[str]:
        """The names of the parameters that are files."""
        hints = get_type_hints(self.callback)
        return frozenset(name for name, kind in hints.items() if "Path" in str(kind))


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
            takes_words = any(p.param_type_name == "argument" for p in self.get_params(ctx))
            if "--" in args and not takes_words:
                word = args[args.index("--") + 1]
                mend = f"{ctx.info_name} takes options only; see {ctx.command_path} --help"
                raise Problem(word, None, mend)
        return super().parse_args(ctx, args)


def understood(command: str, arguments: Sequence[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield the arguments of a command in its own words, options first.

    Parameters
    ----------
    flags
        The command's options, and whether each stands without a value.
    """
    places: list[str] = []
    for name, values in _options(command, arguments, flags):
        if name:
            yield from written(command, name, values, flags)
        else:
            places += values
    if "--x" in flags and _are_numbers(command, places):
        yield from rows(command, "--x", places, flags)
        return
    kept: list[str] = []
    placed: set[str] = set()
    for word in places:
        found = _in_place(command, word, flags)
        if not found:
            kept.append(word)
        for name, *values in found:
            is_second = (
                name in placed and f"{name}2" in flags
            )  # compare A.safetensors B.safetensors
            placed.add(name)
            yield from written(command, f"{name}2" if is_second else name, values, flags)
    if kept:
        yield from ("--", *kept)


def _are_numbers(command: str, places: Sequence[str]) -> bool:
    """Whether what stands without an option is a row of x: 4,3,2,1 or 4 3 2 1."""
    if command == "why" or not all(re.fullmatch(NUMBERS, word) for word in places):
        return False
    return len(places) > 1 or any(re.search(r"[\s,]", word) for word in places)


def _in_place(command: str, word: str, flags: Mapping[str, bool]) -> list[tuple[str, ...]]:
    """Return the options, each with its value, that a word without one stands for."""
    option = other_words.place_for(command, word, tuple(flags))
    if option:
        return [(option,) if flags[option] else (option, word)]
    if "--x" in flags and _are_numbers(command, [word]):
        return [("--x", word)]
    name, equals, value = word.rpartition("=")
    if equals and f"--{_plain(name)}" in flags:
        return [(f"--{_plain(name)}", value)]
    if equals and "--set" in flags:
        return [("--set", word)]
    chosen = other_words.choosing(command, word, tuple(flags), other_words.OF_PLACES)
    return [chosen] if chosen else []


def _options(
    command: str, arguments: Sequence[str], flags: Mapping[str, bool]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each option with its values, and what stands without one under an empty name."""
    words = list(arguments)
    seen: set[str] = set()
    filling = other_words.FILLING.get(command, "").split()
    while words:
        word = words.pop(0)
        if word == "--":
            yield "", words
            return
        word = _as_option(command, word, words, flags)
        named = re.fullmatch(OPTION, word, re.DOTALL)
        long = f"--{_plain(word[1:])}"
        is_short = len(word) > 2 and word[:2] in flags and long not in flags
        is_short = is_short and not other_words.option_for(command, long, flags)
        if not (named or is_short) or re.fullmatch(NUMBERS, word):
            if word.casefold() not in filling:
                yield "", [word.rstrip(";?!") or word]
            continue
        if is_short or not named:
            name, given = word[:2], [word[2:].removeprefix("=")]  # -oFILE
        else:
            name = _name(word, named["name"], flags)
            behind = not named["value"] and re.fullmatch(NUMBERS, (words or [""])[0])  # --seed= 7
            given = [named["value"]] if named["mark"] and not behind else []
        needless = name in other_words.NEEDLESS.get(command, ()) or name[2:] in filling
        if needless and name not in flags:
            continue
        if name not in flags and name not in HELP:
            name, *fixed = _known(command, name, flags, arguments)
            if fixed:
                yield name, fixed
                continue
        if flags.get(name, True):
            yield name, given
            continue
        if not given and words and words[0].partition("=")[0] not in flags:
            given = [words.pop(0)]
        while name in OF_NUMBERS and given and words and _goes_on(given[0], words[0]):
            given.append(words.pop(0))
        if name == "--set" and given and "=" not in given[0]:
            given = ["=".join([*given, *(words.pop(0) for _ in words[:1])])]  # z[0] 0.5
        if not given:
            raise Problem(name, None, f"its value is missing; see {line(command, '--help')}")
        second = f"{name}2"
        if second in flags and name in seen and name not in OF_MANY:
            name = second  # compare --seed 1 --seed 2
        seen.add(name)
        yield name, given
        if second in flags and words and not words[0].startswith("-"):
            yield second, [words.pop(0)]  # compare --seed 1 2


def _as_option(command: str, word: str, behind: Sequence[str], flags: Mapping[str, bool]) -> str:
    """Return a word as the option that it is without its dashes: seed 7, x 4 3 2 1."""
    option = f"--{_plain(word)}"
    if command == "why" or flags.get(option, True):
        return word
    numbers = [re.fullmatch(NUMBERS, each) is not None for each in behind]
    is_row = numbers[:2] == [True, True] or (numbers[:1] == [True] and "," in behind[0])
    return option if (is_row if option in OF_ROWS else numbers[:1] == [True]) else word


def _name(word: str, name: str, flags: Mapping[str, bool]) -> str:
    """Return an option as it is written here: --latent-dim of --Latent_Dim, -seed or —seed."""
    long = f"--{_plain(name)}"
    is_one_letter = len(name) == 1 and not word.startswith("--")
    return f"-{name}" if is_one_letter and long not in flags else long


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-")


def _goes_on(first: str, word: str) -> bool:
    """Whether a word is one more of the numbers of an option."""
    return all(re.fullmatch(NUMBERS, text.strip()) for text in (first, word))


def _known(
    command: str, name: str, flags: Mapping[str, bool], arguments: Sequence[str]
) -> tuple[str, ...]:
    """Return the option that another word for it means, with its value where that is fixed."""
    ours = other_words.option_for(command, name, flags)
    ours = ours or other_words.choosing(command, name.lstrip("-"), tuple(flags))
    if ours:
        return ours
    if name in other_words.LEFT_OUT:
        position = next(i for i, word in enumerate(arguments) if _plain(word).startswith(name))
        rest = list(arguments)
        value = rest[position + 1 : position + 2]
        has_value = "=" not in rest[position] and value and not value[0].startswith("-")
        del rest[position : position + (2 if has_value else 1)]
        words = f"{other_words.LEFT_OUT[name]}; leave it out: {line(command, *rest)}"
        raise Problem(name, value[0] if has_value else None, words)
    for names, mend in other_words.ELSEWHERE:
        if name in names.split():
            raise Problem(name, None, f"{mend[0]} {line(*mend[1:])}")
    if (command, name) in other_words.MORE:
        words, more = other_words.MORE[command, name]
        raise Problem(name, None, f"{words} {line(*more)}")
    if form := other_words.choice_of(name.lstrip("-"), other_words.DOCUMENTS):
        if own := other_words.FORMATS.get(command, {}).get(form):
            return "--format", own
        if command == "diagram" and form in ("png", "pdf"):
            named = line(command, "-o", f"model.{form}")
            raise Problem(name, None, f"the name of the file says it: {named}")
        raise Problem(name, None, as_document(command, f"page.{other_words.ENDING[form]}"))
    near = nearest(name, [flag for flag in flags if flag.startswith("--")])
    guess = f"did you mean {near}? See" if near else "see"
    raise Problem(name, None, f"{command} has no such option; {guess} {line(command, '--help')}")
