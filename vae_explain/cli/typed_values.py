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
        return
    if name in OF_ROWS and values:
        yield from rows(command, name, values, flags)
        return
    if name in ("--dims", "--hidden"):
        values = ["-".join(values)] if len(values) > 1 else values
    if name in ("--output", "-o", "--format"):
        for report, ending in REPORTS.items():
            meant = value == report if name == "--format" else value.endswith(ending)
            if meant and f"--{report}" in flags:
                file = f"FILE{ending}" if name == "--format" else value
                raise Problem(name, value, f"that is written by --{report} {file}")
    if name == "--format" and command in other_words.FORMATS:
        form = other_words.choice_of(value, other_words.DOCUMENTS)
        values = [other_words.FORMATS[command].get(form or "", value)]
    is_document = name in ("--output", "-o") and re.fullmatch(other_words.OF_DOCUMENTS, value)
    if is_document and command in other_words.PAGES:
        raise Problem(name, value, as_document(command, value))
    if name in ("--model", "--loss", "--objective"):
        values = [_reference(text) for text in values]
    if name == "--set" and len(values) == 1:
        values = [re.sub(r"(?<=[\])\d])[:\s]\s*(?=[-+.\d]+$)", "=", value)]
    if name == "--level" and "--difficulty" in flags:
        name, *values = other_words.choosing(command, value, ("--difficulty",)) or (name, value)
    if name == "--optimizer":
        values = [value.rpartition(".")[2]]
    if name == "--loss" and "--recon" in flags and ":" not in value:
        kind: str | None = other_words.choice_of(value, RECONS)
        name, values = ("--recon", [kind]) if kind else (name, values)
    if name == "--loss" and "--term" in flags and value and ":" not in value:
        name = "--term"
    yield name
    yield from values


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
