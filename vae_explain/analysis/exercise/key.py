"""The key of some exercise sheets: all that marking needs, as a JSON file.

`key.schema.json` beside this file is its schema. A key holds numbers, names and expression
trees; it is read strictly, and nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ...errors import UserError, reason_of
from ...models.recorded.checked_json import Misfit, read, written
from ...quick_classes import dataclass
from ...symbolic.expression import Expression, Role, references
from ...symbolic.text import symbol_text
from ...version import __version__
from .trees import Numbers, from_json, value_of

VERSION = 1
LARGEST_FILE = 64 * 2**20
Topic = Literal["forward", "gates", "loss", "kl", "chain", "update"]
TOPICS: dict[Topic, str] = {
    "forward": "values of the forward pass",
    "gates": "what a ReLU lets through, forward and back",
    "loss": "the loss and its derivative at the reconstruction",
    "kl": "the KL divergence and its derivatives",
    "chain": "gradients by the chain rule",
    "update": "parameters after one step of gradient descent",
}
GivenRole = Literal["input", "parameter", "noise", "value", "gradient", "constant"]
HALF = 0.5
MOST_COUNTED = 10**12


@dataclass(frozen=True)
class Given:
    """A number that stands on the sheet: what it is, as it is printed there, and if that is all."""

    role: GivenRole
    text: str
    exact: bool


@dataclass(frozen=True)
class BlankEntry:
    """A blank as it stands in the file.

    Attributes
    ----------
    id
        Its number on the sheet, from which later ones refer to it by `name`.
    name
        What is asked for: `mu[0]`, `∂loss/∂z[1]`, `fc1.weight_new[0,1]`.
    decimals
        How many the answer is asked with.
    expected
        The right answer, from the printed numbers, unrounded.
    tree
        How it is made of the numbers on the sheet and of other blanks.
    parts
        Of a gradient, how many terms of the outermost sum come by each value that used it.
    kl
        Which of those parts come from the KL, counted from 0.
    """

    id: str
    name: str
    topic: Topic
    decimals: int
    expected: float
    tree: Any
    parts: tuple[str, ...]
    kl: tuple[int, ...]


@dataclass(frozen=True)
class SheetEntry:
    """A sheet as it stands in the file.

    Attributes
    ----------
    sheet
        Its number, as its heading has it.
    seed
        The seed of its run.
    given
        The numbers on it.
    blanks
        In the order in which they can be worked out.
    deviations
        The names of the values that noise is multiplied with.
    kl
        The names of the values that only the KL is made from.
    counts
        Over how many numbers the sums of the loss go, by what they sum over.
    """

    sheet: str
    seed: int | None
    given: dict[str, Given]
    blanks: tuple[BlankEntry, ...]
    deviations: tuple[str, ...]
    kl: tuple[str, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class KeyFile:
    """What stands in the file."""

    version: int
    made_by: str
    title: str
    sheets: tuple[SheetEntry, ...]


class BadKey(UserError):
    """A file that is no key; the message is one line that says where."""

    option = "--key"


@dataclass(frozen=True)
class Blank:
    """A blank with its tree; see `BlankEntry`."""

    entry: BlankEntry
    tree: Expression = field(repr=False)

    @property
    def unit(self) -> float:
        """The last printed digit of the answer."""
        return float(10.0**-self.entry.decimals)

    @cached_property
    def uses(self) -> tuple[str, ...]:
        """The names of the numbers that it is made of."""
        return tuple(symbol_text(ref) for ref in references(self.tree))


@dataclass(frozen=True)
class Sheet:
    """A sheet whose trees were read."""

    entry: SheetEntry
    blanks: tuple[Blank, ...]

    @cached_property
    def code(self) -> str:
        """What stands on the sheet, so that none is marked by another's key."""
        text = json.dumps(written(self.entry), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:6]

    @cached_property
    def given(self) -> dict[str, float]:
        """The numbers on the sheet, by name."""
        return {name: float(each.text) for name, each in self.entry.given.items()}

    @cached_property
    def expected(self) -> dict[str, float]:
        """All numbers: those on the sheet, and the right answers."""
        return self.given | {blank.entry.name: blank.entry.expected for blank in self.blanks}

    @cached_property
    def tolerances(self) -> dict[str, float]:
        """How far off a right answer may be, by the blank's id.

        By one in its last printed digit, and by what rounding its operands to theirs may do: a
        student goes on with the number on the page or with the calculator's.
        """
        return {blank.entry.id: self._tolerance(blank) for blank in self.blanks}

    def _tolerance(self, blank: Blank) -> float:
        units = {other.entry.name: other.unit for other in self.blanks}
        units |= {
            name: 10.0 ** -len(each.text.partition(".")[2])
            for name, each in self.entry.given.items()
            if not each.exact
        }
        return blank.unit + sum(
            moved(blank.tree, self.expected, name, HALF * units[name])
            for name in blank.uses
            if name in units
        )


def moved(tree: Expression, numbers: Numbers, name: str, by: float) -> float:
    """Return how far a result moves when one of its numbers moves to either side."""
    ends = [value_of(tree, {**numbers, name: numbers[name] + off}) for off in (by, -by)]
    return abs(ends[0] - ends[1]) / 2


@dataclass(frozen=True)
class AnswerKey:
    """A key whose trees were read."""

    title: str
    sheets: dict[str, Sheet]


def read_key(path: Path) -> AnswerKey:
    """Read a key from a file.

    Raises
    ------
    BadKey
        If it is none, in one line that says what is wrong in it.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadKey(
                f"it is larger than {LARGEST_FILE // 2**20} MiB; no key is that large", value=path
            )
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadKey(f"it cannot be read: {reason_of(error)}", value=path) from None
    except (ValueError, RecursionError) as error:
        words = "it is no JSON" if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise BadKey(f"{words}; name the key that exercise wrote", value=path) from None
    try:
        return key_of(data)
    except (Misfit, RecursionError) as error:
        raise BadKey(f"it is no key of this version: {error}", value=path) from None


def key_of(data: Any) -> AnswerKey:
    """Return a key from its JSON; raise `Misfit` where that is none."""
    content: KeyFile = read(KeyFile, data, "the key")
    if content.version != VERSION:
        raise Misfit("the key.version", content.version, str(VERSION))
    if not content.sheets:
        raise Misfit("the key.sheets", [], "a sheet")
    sheets = {entry.sheet: sheet_of(entry, f"sheet {entry.sheet}") for entry in content.sheets}
    if len(sheets) < len(content.sheets):
        raise Misfit("the key.sheets", sorted(sheets), "a number of its own for each sheet")
    return AnswerKey(content.title, sheets)


def sheet_of(entry: SheetEntry, where: str) -> Sheet:
    """Read the trees of a sheet, each of which may use what stands before it."""
    roles: dict[str, Role] = {}
    for name, each in entry.given.items():
        roles[name] = each.role
        _check_number(each.text, f"{where}.given.{name}")
    for name, count in entry.counts.items():
        if not 0 <= count <= MOST_COUNTED:
            raise Misfit(f"{where}.counts.{name}", count, "a count")
    blanks = []
    ids = set()
    for blank in entry.blanks:
        place = f"{where}.blanks.{blank.id}"
        if blank.id in ids or blank.name in roles:
            raise Misfit(place, blank.name, "a blank that is there once")
        if not 0 <= blank.decimals <= 17:
            raise Misfit(f"{place}.decimals", blank.decimals, "a number of digits")
        tree = from_json(blank.tree, f"{place}.tree", roles)
        ids.add(blank.id)
        roles[blank.name] = "gradient" if blank.name.startswith("∂") else "value"
        blanks.append(Blank(blank, tree))
    return Sheet(entry, tuple(blanks))


def _check_number(text: str, where: str) -> None:
    try:
        finite = abs(float(text)) < 1e300
    except ValueError:
        finite = False
    if not finite:
        raise Misfit(where, text, "a number")


def to_text(title: str, sheets: tuple[SheetEntry, ...]) -> str:
    """Return the file of a key."""
    content = KeyFile(VERSION, f"vae-explain {__version__}", title, sheets)
    return json.dumps(written(content), ensure_ascii=False, allow_nan=False) + "\n"
