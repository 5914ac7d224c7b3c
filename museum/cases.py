"""The collection, read from its files, and what the audit or the watch says of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor

from vae_explain import pipeline, watch
from vae_explain.analysis.audit.all_rules import ALL
from vae_explain.analysis.audit.report import audit
from vae_explain.models.request import Request, UserModel

from .base import Layers, rows

FOLDER = Path(__file__).parent
SEED, STEPS = 3, 5
WARNED_OF = "Using a target size"  # of a fault itself, by PyTorch
Verdict = Literal["named", "related", "silent"]


@dataclass(frozen=True)
class Case:
    """One file of the collection.

    Attributes
    ----------
    kind
        `faults`, `loops` (a fault of the training loop, which is watched) or `right`.
    complaint
        What people say, in a sentence; of a right model what it is.
    cause
        What is wrong; empty for a right model.
    expected, also
        The id of the finding, and of others that the same fault has.
    """

    kind: Literal["faults", "loops", "right"]
    name: str
    complaint: str
    cause: str
    expected: str
    also: frozenset[str]
    module: ModuleType

    def found(self, which: Literal["faulty", "right"]) -> frozenset[str]:
        """Return the ids of all errors and warnings on the fault, or on its right twin."""
        suffix = "_right" if which == "right" else ""

        def own(name: str, usual: Callable[[], Any]) -> Callable[[], Any]:
            made: Callable[[], Any] = getattr(self.module, name, usual)
            return getattr(self.module, name + suffix, made) if suffix else made

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            model, x = own("make", Layers)(), own("batch", rows)()
            objective = getattr(self.module, which)
            if self.kind == "loops":
                return _watched(model, x, objective)
            return _audited(model, x, objective)

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


def cases(names: tuple[str, ...] = ()) -> Iterator[Case]:
    """Yield the cases, or those of some names or ids alone."""
    kinds: tuple[Literal["faults", "loops", "right"], ...] = ("faults", "loops", "right")
    for kind in kinds:
        for path in sorted((FOLDER / kind).glob("*.py")):
            if path.stem == "__init__":
                continue
            module = import_module(f"{__package__}.{kind}.{path.stem}")
            first, _, rest = (module.__doc__ or "").strip().partition("\n\n")
            expected = getattr(module, "EXPECTED", "")
            if names and not {path.stem, expected} & set(names):
                continue
            yield Case(
                kind,
                path.stem,
                " ".join(first.split()),
                " ".join(rest.split()),
                expected,
                frozenset(getattr(module, "ALSO", ())),
                module,
            )
