"""Which command is meant by a whole command line, whatever it begins with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import nearest
from ..models.builtin_config import BUILT_IN
from . import other_words
from .errors import Problem, line
from .typed import DOCUMENT, HELP

OF_ALL = (*HELP, "--version", "--install-completion", "--show-completion")
# Words that ask for help, for the first steps, or for what a shell completes.
HELPING = "help", "man", "?", "commands", "usage", "list", "docs", *HELP
STARTING = "tutorial", "start", "quickstart", "intro"
COMPLETING = "completion", "--completion", "completions", "install-completion"


def command_of(arguments: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Put the command first, where it is called something else or stands behind its options."""
    if not arguments:
        return []
    words = [arguments[0].casefold().replace("_", "-"), *arguments[1:]]
    if words[0] == "vae-explain":
        return command_of(words[1:], commands)
    if words[0] in ("version", "-v", "--version") or "--version" in words:
        return ["--version"]
    if words[0] in HELPING:
        return [*filter(None, (_called(word, commands) for word in words[1:2])), "--help"]
    if words[0] in STARTING:
        return []
    if words[0] in COMPLETING:
        mend = f"to complete words in your shell, run {line('--install-completion')}"
        raise Problem(arguments[0], None, mend)
    if name := _called(words[0], commands):
        return _sorted_out(name, ["--help"] if words[1:] == ["help"] else words[1:])
    if words[0] in OF_ALL:
        return list(arguments)
    if words[0].startswith("-"):
        return _behind_options(arguments, commands)
    glued, dashes, option = words[0].partition("--")
    if dashes and (name := _called(glued, commands)):
        return [name, f"--{option}", *words[1:]]
    return _without_command(arguments, commands)


def _called(word: str, commands: Sequence[str]) -> str:
    """Return the command that a word means; empty if it means none."""
    return word if word in commands else other_words.COMMANDS.get(word, "")


def _without_command(arguments: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Find the command for a line that begins with a file, a format, or a name of a value."""
    from ..models import spelled_names

    first = arguments[0]
    if re.fullmatch(DOCUMENT, first):
        return ["verify", *arguments]
    if re.fullmatch(r".+\.py(?:::?\w+)?", first):
        return ["forward", *arguments]
    if other_words.choice_of(first, other_words.DOCUMENTS):
        return ["document", *arguments]
    names = ("x", *BUILT_IN.parameters, *BUILT_IN.steps)
    if re.search(r"[\[∂]|\.grad\b", first) or spelled_names.read_target(first, names):
        return ["why", *arguments]
    near = nearest(first.casefold(), (*commands, *other_words.COMMANDS))
    near = other_words.COMMANDS.get(near or "", near)
    guess = f"did you mean {near}? See" if near else "the commands are in"
    raise Problem(first, None, f"no command has this name; {guess} vae-explain --help")


def _sorted_out(command: str, rest: list[str]) -> list[str]:
    """Send what another command does to it."""
    if command in ("check", "audit") and rest and re.fullmatch(DOCUMENT, rest[0]):
        return ["verify", *rest]
    return [command, *rest]


def _behind_options(arguments: Sequence[str], commands: Sequence[str]) -> list[str]:
    for position, word in enumerate(arguments):
        if word in commands:
            return [word, *arguments[:position], *arguments[position + 1 :]]
    if name := _called(arguments[0].lstrip("-").casefold(), commands):
        return [name, *arguments[1:]]
    mend = f"begin with a command, such as {line('forward', *arguments)}"
    raise Problem(arguments[0], " ".join(arguments[1:]) or None, mend)
