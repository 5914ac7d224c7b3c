"""What the help says of a command: one description, written for a terminal, a manual and the docs.

It is read off the command's own options, so that nothing is said twice. What cannot be read off,
its three examples, stands in `examples.py`.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ..quick_classes import NamedTuple, dataclass
from ..symbolic.printable import listed
from .examples import EXAMPLES

WIDEST = 100
INDENT = "  "
FIRST_STEPS = (
    ("vae-explain forward", "the forward pass, step by step"),
    ("vae-explain why z 0", "where one number comes from"),
    ("vae-explain backward fc1.weight", "the chain rule down to one parameter"),
    ("vae-explain forward --x 4,3,2,1", "the same with your own input"),
    ("vae-explain --help", "all commands; each has its own --help"),
)


class HelpEntry(NamedTuple):
    """An option or an argument, as it is typed, and what it does."""

    names: str
    words: str

    @property
    def option(self) -> str:
        """The longest of its names."""
        return max(
            (name for name in self.names.split() if name.startswith("-")), key=len, default=""
        )


class Section(NamedTuple):
    """Options under one heading."""

    title: str
    entries: tuple[HelpEntry, ...]


class Described(NamedTuple):
    """All that the help says of a command."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    sections: tuple[Section, ...]


# --- reading a command ------------------------------------------------------------------


def described(command: Any, context: Any) -> Described:
    """Read off what a command of Typer takes."""
    sections: dict[str, list[HelpEntry]] = {"Arguments": [], "Options": []}
    for param in command.get_params(context):
        if getattr(param, "hidden", False):
            continue
        is_option = param.param_type_name == "option"
        title = getattr(param, "rich_help_panel", None) or ("Options" if is_option else "Arguments")
        sections.setdefault(title, []).append(_entry(param, is_option))
    arguments = (entry.names for entry in sections["Arguments"])
    usage = " ".join((context.command_path, *arguments, "[OPTIONS]"))
    examples = tuple(f"vae-explain {each}" for each in EXAMPLES.get(command.name or "", ()))
    filled = tuple(Section(title, tuple(each)) for title, each in sections.items() if each)
    return Described(command.name or "", usage, _words(command.help), examples, filled)


def _entry(param: Any, is_option: bool) -> HelpEntry:
    metavar = param.metavar
    if not is_option:
        return HelpEntry(metavar, _words(param.help))
    names = ", ".join(sorted(param.opts, key=len))
    words = _words(param.help)
    if isinstance(param.default, str) and param.default and "[default:" not in words:
        default = param.default if len(param.default) < 20 else param.default.replace(",", ", ")
        words = f"{words}  [default: {default}]"
    return HelpEntry(names if param.is_flag else f"{names} {metavar}", words)


def _words(text: str | None) -> str:
    return " ".join((text or "").split()).replace(" [default:", "  [default:")


# --- on a terminal ----------------------------------------------------------------------


class HelpStyle(NamedTuple):
    """What stands around a heading and a name: codes of a terminal, or nothing."""

    heading: tuple[str, str] = ("", "")
    name: tuple[str, str] = ("", "")


PLAIN = HelpStyle()
COLOURED = HelpStyle(("\x1b[1m", "\x1b[0m"), ("\x1b[36m", "\x1b[0m"))


def page(command: Described, width: int, look: HelpStyle = PLAIN) -> str:
    """Return a command's help, in which nothing is cut."""
    width = min(width, WIDEST)
    lines = [*_wrapped(f"Usage: {command.usage}", width, "       "), ""]
    lines += _wrapped(command.summary, width)
    if command.examples:
        lines += ["", _around(look.heading, "Examples")]
        for each in command.examples:
            lines += _command_lines(each, width)
    for section in command.sections:
        lines += [
            "",
            _around(look.heading, section.title),
            *entry_lines(section.entries, width, look),
        ]
    return "\n".join(lines) + "\n"


def overview(
    summary: str,
    groups: Mapping[str, Mapping[str, str]],
    sections: Sequence[Section],
    width: int,
    look: HelpStyle = PLAIN,
) -> str:
    """Return the help of all commands, by what they are for."""
    width = min(width, WIDEST)
    lines = ["Usage: vae-explain COMMAND [OPTIONS]", "", *_wrapped(summary, width)]
    column = max(len(name) for commands in groups.values() for name in commands) + 2 * len(INDENT)
    for group, commands in groups.items():
        entries = [HelpEntry(name, words) for name, words in commands.items()]
        lines += ["", _around(look.heading, group), *entry_lines(entries, width, look, column)]
    for section in sections:
        lines += [
            "",
            _around(look.heading, section.title),
            *entry_lines(section.entries, width, look),
        ]
    more = "A command's options and examples: vae-explain COMMAND --help."
    return "\n".join([*lines, "", *_wrapped(more, width)]) + "\n"


def first_steps(summary: str, width: int) -> str:
    """Return the lines to start with."""
    width = min(width, WIDEST)
    entries = [HelpEntry(*each) for each in FIRST_STEPS]
    column = max(len(entry.names) for entry in entries) + 2 * len(INDENT)
    lines = [*_wrapped(summary, width), *entry_lines(entries, width, PLAIN, column)]
    return "\n".join(lines) + "\n"


def entry_lines(
    entries: Sequence[HelpEntry], width: int, look: HelpStyle, column: int = 0
) -> Iterator[str]:
    """Yield names with their words beside them, or below where that is too narrow.

    Parameters
    ----------
    column
        Where the words begin; chosen by the names where it is 0.
    """
    longest = max(len(entry.names) for entry in entries)
    column = column or min(longest, 26) + 2 * len(INDENT)
    beside = width >= 72
    for names, words in entries:
        shown = INDENT + _around(look.name, names)
        if not beside:
            yield shown
            yield from _wrapped(words, width, 3 * INDENT, first=3 * INDENT)
            continue
        wrapped = _wrapped(words, width, " " * column, first=" " * column)
        if len(INDENT + names) + 2 > column:
            yield shown
            yield from wrapped
        else:
            yield shown + (wrapped[0][len(INDENT + names) :] if wrapped else "")
            yield from wrapped[1:]


def _command_lines(command: str, width: int) -> list[str]:
    """Write a command so that it can be pasted, over several lines where it must be."""
    wrapped = textwrap.wrap(
        command,
        width - 2,
        initial_indent=INDENT,
        subsequent_indent=2 * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*(f"{line} \\" for line in wrapped[:-1]), wrapped[-1]]


def _wrapped(text: str, width: int, rest: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _around(marks: tuple[str, str], text: str) -> str:
    return f"{marks[0]}{text}{marks[1]}"


# --- as a document ----------------------------------------------------------------------


@dataclass(frozen=True)
class Manual:
    """All commands, by what they are for."""

    version: str
    summary: str
    groups: Mapping[str, Sequence[Described]]

    @cached_property
    def shared(self) -> tuple[Section, ...]:
        """The options that most commands take, stated once."""
        commands = [each for group in self.groups.values() for each in group]
        counts = Counter(e for each in commands for s in each.sections for e in s.entries)
        sections = {s.title: s.entries for s in commands[0].sections if s.title != "Options"}
        kept = {
            title: tuple(each for each in entries if 2 * counts[each] > len(commands))
            for title, entries in sections.items()
        }
        return tuple(Section(title, entries) for title, entries in kept.items() if entries)

    def own(self, command: Described) -> tuple[list[HelpEntry], list[str], list[str]]:
        """Return what a command has by itself, which shared options it takes, and which not."""
        known = {entry: section.title for section in self.shared for entry in section.entries}
        entries = [entry for section in command.sections for entry in section.entries]
        titles_taken = {known[entry] for entry in entries if entry in known}
        titles = [section.title for section in self.shared if section.title in titles_taken]
        taken = {entry.option for entry in entries}
        missing = [e.option for e, title in known.items() if title in titles]
        own = [entry for entry in entries if entry not in known]
        return own, titles, [option for option in missing if option not in taken]


NOTES = (
    ("Exit status", "0: all is well. 1: a check failed. 2: the command cannot do what was typed, "
     "and one line on standard error says what to change."),
    ("Environment", "NO_COLOR and FORCE_COLOR turn colours off and on. PAGER names the program "
     "that shows long pages. VAE_EXPLAIN_CACHE=0 turns the cache of runs off, and "
     "VAE_EXPLAIN_CACHE=FOLDER moves it. VAE_EXPLAIN_TRACEBACK=1 prints the traceback of an "
     "internal error."),
)  # fmt: skip


def markdown(manual: Manual) -> str:
    """Return the reference of the commands, for the docs."""
    lines = ["# Commands", "", manual.summary, ""]
    lines += ["This page is generated from the same source as `--help`.", ""]
    for group, commands in manual.groups.items():
        lines += [f"## {group}", ""]
        for command in commands:
            own, titles, missing = manual.own(command)
            lines += [f"### {command.name}", "", command.summary, ""]
            lines += ["```sh", *command.examples, "```", ""]
            lines += [*_items(own), ""]
            if titles:
                but = f", except {listed([f'`{each}`' for each in missing])}" if missing else ""
                links = [f"[{title}](#{title.casefold()})" for title in titles]
                words = f"It also takes the options under {listed(links)}{but}."
                lines += [*_wrapped(words, 99), ""]
    lines += ["## Shared options", ""]
    for section in manual.shared:
        lines += [f"### {section.title}", "", *_items(section.entries), ""]
    for title, words in NOTES:
        lines += [f"## {title}", "", *textwrap.wrap(words, 99), ""]
    return "\n".join(lines).rstrip() + "\n"


def _items(entries: Iterable[HelpEntry]) -> Iterator[str]:
    for names, words in entries:
        text = f"- `{names}`: {words}"
        yield from _wrapped(text, 99, "  ")


def roff(manual: Manual) -> str:
    """Return the manual page, in the language of `man`."""
    lines = [
        f'.TH VAE\\-EXPLAIN 1 "" "vae\\-explain {manual.version}"',
        ".SH NAME",
        f"vae\\-explain \\- {_roff(manual.summary[:1].lower() + manual.summary[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B vae\\-explain",
        "COMMAND [OPTIONS]",
    ]
    for group, commands in manual.groups.items():
        lines.append(f".SH {group.upper()}")
        for command in commands:
            own, titles, missing = manual.own(command)
            lines += [f".SS {_roff(command.usage)}", _roff(command.summary), ".PP", ".nf"]
            lines += [*map(_roff, command.examples), ".fi", *_roff_items(own)]
            if titles:
                but = f", except {listed(missing)}" if missing else ""
                words = (
                    f"It also takes the options under {listed([t.upper() for t in titles])}{but}."
                )
                lines += [".PP", _roff(words)]
    for section in manual.shared:
        lines += [f".SH {section.title.upper()}", *_roff_items(section.entries)]
    for title, words in NOTES:
        lines += [f".SH {title.upper()}", _roff(words)]
    return "\n".join(lines) + "\n"


def _roff_items(entries: Iterable[HelpEntry]) -> Iterator[str]:
    for names, words in entries:
        yield from (".TP", f".B {_roff(names)}", _roff(words))


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped)
