"""`mode`: a model that is another in evaluation mode: batch statistics, and what is drawn.

Both modes are run. Dropout differs by design, and so does a model that takes the mean for the
sample when it does not train. Batch norm's running statistics should not: what it makes of this
batch by them is held against what it makes by the batch's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.roles import standard_draws
from ....engine.run import Run
from ....quick_classes import NamedTuple
from ..evidence.anatomy import Anatomy
from ..evidence.finding import Finding, NotApplied, error, note, numbered, warning
from ..evidence.lineage import Lineage
from .rule import AuditRule

# Of the mean square that a normalized value has over the batch, 1 by its own statistics.
LOWEST, HIGHEST = 0.25, 4.0


class _Normalized(NamedTuple):
    """What one batch norm makes of the batch by its running statistics."""

    name: str
    square: float
    untouched: bool


def look(anatomy: Anatomy) -> Iterator[Finding]:
    others = anatomy.others
    if others.switched is None:
        raise NotApplied("the model could not be run in the other mode")
    training, evaluating = (
        (others.run, others.switched) if others.training else (others.switched, others.run)
    )
    yield from _statistics(training, evaluating)
    drawn = [
        bool(set(standard_draws(run)) & run.graph.reaches_loss) for run in (training, evaluating)
    ]
    columns = "mode", "draws in the loss"
    if drawn == [False, True]:
        yield error(
            "the latents are drawn in evaluation mode alone: training leaves the noise out.",
            columns,
            (("training", "no"), ("evaluation", "yes")),
            "Turn the condition round: draw while self.training is true.",
        )
    if drawn == [True, False]:
        yield from _shifted(anatomy if others.training else Anatomy(training), evaluating)
    if drawn == [True, False] and not others.training:
        yield note(
            "the model is in evaluation mode, where it draws nothing: what is said here of its "
            "sample is said of the mean.",
            columns,
            (("training", "yes"), ("evaluation", "no")),
            "Audit it in training mode, as it comes from model.train().",
        )


def _shifted(training: Anatomy, evaluating: Run) -> Iterator[Finding]:
    """Find samples in whose place evaluation mode has the mean and the deviation, added up.

    Up to the draw both modes make the same calls, so that mean and deviation have the same ids.
    """
    values, lineage = evaluating.values, Lineage(evaluating)
    for site in training.sampling.sites:
        before = max((site.location, *site.chain))
        if site.scale is None or not _alike(training.run, evaluating, before):
            continue
        mean = values[site.location]
        heads = {site.location}, set(site.chain)
        for bound in evaluating.graph.operations:
            value_id = bound.output
            made = set(lineage.operands(bound))
            if bound.rule_name not in ("add", "sub") or not all(made & each for each in heads):
                continue
            goes_on = any(map(lineage.from_layer, _users(lineage, value_id)))
            if values[value_id].shape != mean.shape or not goes_on:
                continue
            off = np.abs(np.asarray(values[value_id] - mean, dtype=np.float64))
            name, mu = training.latent(site), training.name(site.location)
            yield error(
                f"in evaluation mode {name} is {mu} plus its deviation, without noise: every "
                f"latent is moved one way, by up to {off.max():.3g}.",
                ("latent", mu, "what the decoder gets"),
                numbered(mean.ravel(), values[value_id].ravel(), most=6),
                f"Return {mu} alone where the model does not train.",
            )


def _alike(one: Run, other: Run, value_id: int) -> bool:
    """Whether two runs made the same calls up to a value."""
    ours, theirs = (
        [
            (operation.name, operation.outputs)
            for operation in run.trace.operations
            if operation.outputs and operation.outputs[0] <= value_id
        ]
        for run in (one, other)
    )
    return ours == theirs


def _users(lineage: Lineage, value_id: int) -> list[int]:
    """Return what is made of a value directly, through copies too."""
    made = lineage.users(value_id)
    copies = [n for n in made if lineage.kind(n) == "copy"]
    return [*made, *(each for n in copies for each in _users(lineage, n))]


def _statistics(training: Run, evaluating: Run) -> Iterator[Finding]:
    norms = [each for each in _normalized(evaluating) if not each.untouched]
    far = [each for each in norms if not LOWEST <= each.square <= HIGHEST]
    losses = [float(run.values[run.trace.output].reshape(())) for run in (training, evaluating)]
    if not far or not np.isfinite(losses).all():
        return
    worst = max(far, key=lambda each: abs(np.log(each.square)))
    yield warning(
        f"train and eval mode give different losses, {losses[0]:.4g} and {losses[1]:.4g}: the "
        f"running statistics of {len(far)} batch norm{'' if len(far) == 1 else 's'} are far "
        f"from this batch's own; by them, {worst.name} has a mean square of "
        f"{worst.square:.3g} where by the batch's it has 1.",
        ("what", "in training mode", "in evaluation mode"),
        [
            ("loss", *losses),
            *((f"mean square of {each.name}", 1.0, each.square) for each in far[:6]),
        ],
        "Train on with a larger momentum, or let the model see batches in training mode before "
        "it is evaluated; and save and load the buffers with the weights.",
    )


def _normalized(run: Run) -> Iterator[_Normalized]:
    """Yield what each batch norm of a run in evaluation mode makes of the batch."""
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
        yield _Normalized(name, float((apart**2).mean()), untouched)


RULE = AuditRule(
    "mode",
    "a model that behaves differently in evaluation mode",
    "both modes run",
    "the model behaves as it should in training mode and in evaluation mode",
    look,
)
