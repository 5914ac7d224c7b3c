"""`mode`: a model that is another in evaluation mode: batch statistics, and what is drawn.

Both modes are run. Dropout differs by design, and so does a model that takes the mean for the
sample when it does not train. Batch norm's running statistics should not: what it makes of this
batch by them is held against what it makes by the batch's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.roles import standard_draws
from ...engine.run import Run
from .anatomy import Anatomy
from .finding import Evidence, Finding, NotApplied, Seen
from .rule import AuditRule

ID = "mode"
# Of the mean square that a normalized value has over the batch, 1 by its own statistics.
LOWEST, HIGHEST = 0.25, 4.0


@dataclass(frozen=True)
class _Normalized:
    """What one batch norm makes of the batch by its running statistics."""

    name: str
    square: float
    untouched: bool


def look(anatomy: Anatomy) -> Seen:
    others = anatomy.others
    if others.switched is None:
        raise NotApplied("the model could not be run in the other mode")
    training, evaluating = (
        (others.run, others.switched) if others.training else (others.switched, others.run)
    )
    findings = _statistics(training, evaluating)
    drawn = [
        bool(set(standard_draws(run)) & run.graph.reaches_loss) for run in (training, evaluating)
    ]
    if drawn == [False, True]:
        findings.append(
            Finding(
                ID,
                "error",
                "the latents are drawn in evaluation mode alone: training leaves the noise out.",
                Evidence(
                    ("mode", "draws in the loss"), (("training", "no"), ("evaluation", "yes"))
                ),
                "Turn the condition round: draw while self.training is true.",
            )
        )
    if drawn == [True, False] and not others.training:
        findings.append(
            Finding(
                ID,
                "note",
                "the model is in evaluation mode, where it draws nothing: what is said here of its "
                "sample is said of the mean.",
                Evidence(
                    ("mode", "draws in the loss"), (("training", "yes"), ("evaluation", "no"))
                ),
                "Audit it in training mode, as it comes from model.train().",
            )
        )
    return Seen("the loss in training mode and in evaluation mode", tuple(findings))


def _statistics(training: Run, evaluating: Run) -> list[Finding]:
    found = [each for each in _normalized(evaluating) if not each.untouched]
    far = [each for each in found if not LOWEST <= each.square <= HIGHEST]
    losses = [float(run.values[run.trace.output].reshape(())) for run in (training, evaluating)]
    if not far or not np.isfinite(losses).all():
        return []
    worst = max(far, key=lambda each: abs(np.log(each.square)))
    rows = [("loss", losses[0], losses[1])]
    rows += [(f"mean square of {each.name}", 1.0, each.square) for each in far[:6]]
    return [
        Finding(
            ID,
            "warning",
            f"train and eval mode give different losses, {losses[0]:.4g} and {losses[1]:.4g}: the "
            f"running statistics of {len(far)} batch norm{'' if len(far) == 1 else 's'} are far "
            f"from this batch's own; by them, {worst.name} has a mean square of "
            f"{worst.square:.3g} where by the batch's it has 1.",
            Evidence(("what", "in training mode", "in evaluation mode"), tuple(rows)),
            "Train on with a larger momentum, or let the model see batches in training mode before "
            "it is evaluated; and save and load the buffers with the weights.",
        )
    ]


def _normalized(run: Run) -> list[_Normalized]:
    """Return what each batch norm of a run in evaluation mode makes of the batch."""
    found = []
    for bound in run.graph.operations:
        operation = bound.operation
        if "batch_norm" not in operation.name or len(operation.inputs) < 3:
            continue
        x, mean, variance = (run.values[n] for n in operation.inputs[:3])
        if mean.ndim != 1 or x.ndim < 2 or x.shape[1] != mean.size:
            continue
        if x.size == mean.size:
            continue  # one number a unit has no statistics
        shape = (1, -1) + (1,) * (x.ndim - 2)
        apart = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-5)
        untouched = not mean.any() and bool((variance == 1).all())
        name = run.trace.values[bound.output].name or operation.module or operation.name
        found.append(
            _Normalized(
                name,
                float((apart**2).mean()),
                untouched,
            )
        )
    return found


RULE = AuditRule(ID, "a loss that is another in evaluation mode", "both modes run", look)
