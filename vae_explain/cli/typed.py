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
    for name, values in TypedWords(command, arguments, flags).options():
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
        options = _in_place(command, word, flags)
        if not options:
            kept.append(word)
        for name, *values in options:
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


class TypedWords:
    """The words of a command line, read one option at a time.

    Parameters
    ----------
    command, arguments, flags
        As for `understood`.
    """

    def __init__(self, command: str, arguments: Sequence[str], flags: Mapping[str, bool]) -> None:
        self.command, self.arguments, self.flags = command, arguments, flags
        self._left = list(arguments)  # to be read
        self._seen: set[str] = set()
        self._filling = other_words.FILLING.get(command, "").split()

    def options(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each option with its values, and what stands without one under an empty name."""
        while self._left:
            word = self._left.pop(0)
            if word == "--":
                yield "", self._left
                return
            word = self._with_dashes(word)
            if option := self._split(word):
                yield from self._with_values(*option)
            elif word.casefold() not in self._filling:
                yield "", [word.rstrip(";?!") or word]

    def _with_dashes(self, word: str) -> str:
        """Return a word as the option that it is without its dashes: seed 7, x 4 3 2 1."""
        option = f"--{_plain(word)}"
        if self.command == "why" or self.flags.get(option, True):
            return word
        numbers = [re.fullmatch(NUMBERS, each) is not None for each in self._left]
        is_row = numbers[:2] == [True, True] or (numbers[:1] == [True] and "," in self._left[0])
        return option if (is_row if option in OF_ROWS else numbers[:1] == [True]) else word

    def _split(self, word: str) -> tuple[str, list[str]] | None:
        """Return an option's name and what is its value in the same word; None if it is none."""
        if re.fullmatch(NUMBERS, word):
            return None
        long = f"--{_plain(word[1:])}"
        is_long = long in self.flags or other_words.option_for(self.command, long, self.flags)
        if len(word) > 2 and word[:2] in self.flags and not is_long:
            return word[:2], [word[2:].removeprefix("=")]  # -oFILE
        named = re.fullmatch(OPTION, word, re.DOTALL)
        if not named:
            return None
        # --seed= 7
        is_behind = not named["value"] and re.fullmatch(NUMBERS, (self._left or [""])[0])
        values = [named["value"]] if named["mark"] and not is_behind else []
        return _name(word, named["name"], self.flags), values

    def _with_values(self, name: str, values: list[str]) -> Iterator[tuple[str, list[str]]]:
        if name not in self.flags:
            needless = other_words.NEEDLESS.get(self.command, ())
            if name in needless or name[2:] in self._filling:
                return
            if name not in HELP:
                name, *fixed = _known(self.command, name, self.flags, self.arguments)
                if fixed:
                    yield name, fixed
                    return
        if self.flags.get(name, True):
            yield name, values
            return
        values = self._all_values(name, values)
        second = f"{name}2"
        has_second = second in self.flags
        if has_second and name in self._seen and name not in OF_MANY:
            name = second  # compare --seed 1 --seed 2
        self._seen.add(name)
        yield name, values
        if has_second and self._left and not self._left[0].startswith("-"):
            yield second, [self._left.pop(0)]  # compare --seed 1 2

    def _all_values(self, name: str, values: list[str]) -> list[str]:
        """Return an option's values with those in the words behind it."""
        left = self._left
        if not values and left and left[0].partition("=")[0] not in self.flags:
            values = [left.pop(0)]
        while name in OF_NUMBERS and values and left and _goes_on(values[0], left[0]):
            values.append(left.pop(0))
        if name == "--set" and values and "=" not in values[0]:
            values = ["=".join([*values, *(left.pop(0) for _ in left[:1])])]  # z[0] 0.5
        if not values:
            mend = f"its value is missing; see {line(self.command, '--help')}"
            raise Problem(name, None, mend)
        return values


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
