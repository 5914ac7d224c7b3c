"""The value of an option as it was typed, put as the command takes it: numbers, files, choices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import other_words
from .choices import RECONS
from .errors import Problem, line

OF_ROWS = "--x", "--eps"  # which may be repeated
# What a report ends with that has an option of its own.
REPORTS = {"sarif": ".sarif", "junit": ".xml"}
CALL = r"(?:torch\.|np\.|numpy\.)?(?:\w*[tT]ensor|array)\((.*?)(?:, *dtype=.*)?\)|\{(.*)\}"


def written(command: str, name: str, values: list[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield one option as the command takes it."""
    value = values[0] if values else ""
    if flags.get(name, True):
        yield name
    elif name in OF_ROWS and values:
        yield from rows(command, name, values, flags)
    elif name in ("--level", "--loss"):
        yield from _of_other_option(command, name, values, flags) or (name, *_put(name, values))
    elif name in ("--output", "-o", "--format"):
        _require_written_here(command, name, value, flags)
        if name == "--format" and command in other_words.FORMATS:
            form = other_words.choice_of(value, other_words.DOCUMENTS)
            values = [other_words.FORMATS[command].get(form or "", value)]
        yield from (name, *values)
    else:
        yield from (name, *_put(name, values))


def _put(name: str, values: list[str]) -> list[str]:
    """Return the values of an option as its command takes them."""
    if name in ("--dims", "--hidden") and len(values) > 1:
        return ["-".join(values)]
    if name in ("--model", "--loss", "--objective"):
        return [_reference(text) for text in values]
    if name == "--set" and len(values) == 1:
        return [re.sub(r"(?<=[\])\d])[:\s]\s*(?=[-+.\d]+$)", "=", values[0])]
    if name == "--optimizer":
        return ["".join(values[:1]).rpartition(".")[2]]
    return values


def _of_other_option(
    command: str, name: str, values: list[str], flags: Mapping[str, bool]
) -> tuple[str, ...]:
    """Return the option that a value belongs to, if it is another one's, with the value."""
    value = values[0] if values else ""
    if name == "--level":
        is_other = "--difficulty" in flags
        return other_words.choosing(command, value, ("--difficulty",)) if is_other else ()
    if ":" in value:
        return ()
    kind = other_words.choice_of(value, RECONS) if "--recon" in flags else None
    if kind:
        return "--recon", kind
    return ("--term", *_put(name, values)) if "--term" in flags and value else ()


def _require_written_here(command: str, name: str, value: str, flags: Mapping[str, bool]) -> None:
    """Refuse a format that an option of its own writes, or another command."""
    for report, ending in REPORTS.items():
        meant = value == report if name == "--format" else value.endswith(ending)
        if meant and f"--{report}" in flags:
            file = f"FILE{ending}" if name == "--format" else value
            raise Problem(name, value, f"that is written by --{report} {file}")
    is_document = name != "--format" and re.fullmatch(other_words.OF_DOCUMENTS, value)
    if is_document and command in other_words.PAGES:
        raise Problem(name, value, as_document(command, value))


def as_document(command: str, file: str) -> str:
    """Say what writes a format that only a document has."""
    return f"{command} writes text or JSON; a document is written by {line('document', '-o', file)}"


def _reference(text: str) -> str:
    """Return FILE.py:NAME, of how pytest and Python write it."""
    text = text.replace("::", ":").removesuffix("()")
    if text.endswith(".py"):  # a file alone: which of its names is meant is asked
        return text
    module, colon, name = text.rpartition(":" if ":" in text else ".")
    file = f"{module}.py"
    is_file = colon and name.isidentifier() and not module.endswith(".py") and Path(file).is_file()
    return f"{file}:{name}" if is_file else text


def rows(command: str, name: str, values: list[str], flags: Mapping[str, bool]) -> Iterator[str]:
    """Yield rows of numbers, however they were set apart: each by the option once more."""
    values = [_numbers_of(text) for text in values]
    text = values[0].strip().removeprefix("@")
    is_file = text == "-" or re.search(r"\.(?:csv|npy|txt|tsv)$", text)
    if name == "--x" and "--x-file" in flags and is_file:
        yield from ("--x-file", text)
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


def _numbers_of(text: str) -> str:
    """Return the numbers of a tensor or an array, as Python writes it."""
    call = re.fullmatch(CALL, text.strip(), re.DOTALL)
    return next(filter(None, call.groups()), "") if call else text
