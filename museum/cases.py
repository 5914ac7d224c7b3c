"""The collection, read from its files, and what the audit or the watch says of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vae_explain import pipeline, watch
from vae_explain.analysis.audit.report import audit
from vae_explain.analysis.audit.rules.all_rules import ALL
from vae_explain.models.request import Request, UserModel

from .base import Layers, rows, usual
from .looped import usual_step

FOLDER = Path(__file__).parent
SEED, STEPS = 3, 5
WARNED_OF = "Using a target size"  # of a fault itself, by PyTorch
Verdict = Literal["named", "related", "silent"]
Kind = Literal["faults", "loops", "right"]
KINDS: tuple[Kind, ...] = "faults", "loops", "right"


@dataclass
class Case:
    """One function of the collection, with its right twin.

    Attributes
    ----------
    kind
        `faults`, `loops` (a fault of the training loop, which is watched) or `right`.
    expected, also
        The id of the finding, and of others that the same fault has.
    faulty, right
        The objective, or a step of a loop.
    make, x, make_right, x_right
        Make the model and the batch, and those of the twin.
    complaint
        What people say, in a sentence; of a right model what it is.
    cause
        What is wrong; empty for a right model.
    """

    kind: Kind
    name: str
    complaint: str
    cause: str
    expected: str
    also: frozenset[str]
    faulty: Callable[..., Any]
    right: Callable[..., Any]
    make: Callable[[], Any]
    x: Callable[[], Tensor]
    make_right: Callable[[], Any]
    x_right: Callable[[], Tensor]

    def twin(self, right: Callable[..., Any]) -> Callable[..., Any]:
        """Take a function for the right twin of this fault."""
        self.right = right
        return right

    def found(self, which: Literal["faulty", "right"]) -> frozenset[str]:
        """Return the ids of all errors and warnings on the fault, or on its right twin."""
        make, x = (self.make, self.x) if which == "faulty" else (self.make_right, self.x_right)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            model, batch = make(), x()
            look = _watched if self.kind == "loops" else _audited
            return look(model, batch, getattr(self, which))

    def verdict(self, found: frozenset[str]) -> Verdict:
        """Say what the findings on the fault are worth."""
        if self.expected in found:
            return "named"
        return "related" if found else "silent"


def _audited(model: Layers, x: Tensor, objective: Callable[..., Tensor]) -> frozenset[str]:
    source = UserModel(model, objective=objective)
    request = Request(x, SEED, arithmetic="full", source=source)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", WARNED_OF)
        report = audit(pipeline.recordings(request), ALL)
    return _alarms(report.findings)


def _watched(model: Layers, x: Tensor, step: Callable[..., None]) -> frozenset[str]:
    """Watch a loop of some steps, each `step(model, optimizer, x, number)`."""
    parameters = getattr(model, "given_to_the_optimizer", model).parameters()
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    objective = getattr(model, "objective", None)
    with watch(model, optimizer=optimizer, objective=objective) as watching:
        for number in range(STEPS):
            step(model, optimizer, x, number)
    return _alarms(watching.findings)


def _alarms(findings: Any) -> frozenset[str]:
    return frozenset(f.id for f in findings if f.severity in ("error", "warning"))


# --- how a function gets into the collection ------------------------------------------------

_ALL: list[Case] = []
Decorator = Callable[[Callable[..., Any]], Case]


def _collected(kind: Kind, usual: Callable[..., Any]) -> Callable[..., Decorator]:
    def collected(
        expected: str = "",
        *also: str,
        make: Callable[[], Any] = Layers,
        x: Callable[[], Tensor] = rows,
        make_right: Callable[[], Any] | None = None,
        x_right: Callable[[], Tensor] | None = None,
    ) -> Decorator:
        def collect(function: Callable[..., Any]) -> Case:
            complaint, _, cause = (" ".join(part.split()) for part in _parted(function.__doc__))
            # With another model or batch the twin is the same function.
            same = kind == "right" or make_right is not None or x_right is not None
            case = Case(
                kind, function.__name__, complaint, cause, expected, frozenset(also),
                function, function if same else usual, make, x, make_right or make, x_right or x,
            )  # fmt: skip
            _ALL.append(case)
            return case

        return collect

    return collected


def _parted(doc: str | None) -> tuple[str, str, str]:
    return (doc or "").strip().partition("\n\n")


fault = _collected("faults", usual)
loop_fault = _collected("loops", usual_step)
right_model = _collected("right", usual)


def cases(names: tuple[str, ...] = ()) -> Iterator[Case]:
    """Yield the cases, or those of some names or ids alone."""
    for path in sorted(FOLDER.glob("[flr]*/*.py")):
        import_module(f"{__package__}.{path.parent.name}.{path.stem}")
    import_module(f"{__package__}.loops")
    for kind in KINDS:
        for case in sorted((c for c in _ALL if c.kind == kind), key=lambda c: c.name):
            if not names or {case.name, case.expected} & set(names):
                yield case
