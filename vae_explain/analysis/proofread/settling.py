"""Which loss a document has: summed or averaged, and with which weight on the KL.

Few documents say so in words. So when figures disagree under what is stated, the other
reduction and the weight that the printed loss implies are tried, and the one under which
the fewest disagree is taken, if it more than halves them. One wrong digit cannot do that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from ...models.builtin_config import Architecture
from .collecting import Figure

SUSPICIOUS = 2  # figures that disagree, before the loss itself is doubted


def alternatives(stated: Architecture, figures: Sequence[Figure]) -> Iterator[Architecture]:
    """Yield the losses that a document may mean beside the one that it states."""
    weights = dict.fromkeys([stated.beta, *_weights(stated, figures)])
    for reduction in (stated.reduction, "mean" if stated.reduction == "sum" else "sum"):
        for beta in weights:
            found = dataclasses.replace(
                stated,
                reduction=reduction,
                beta=beta,
            )
            if found != stated:
                yield found


def _weights(stated: Architecture, figures: Sequence[Figure]) -> Iterator[float]:
    """Yield the weights of the KL that the printed numbers imply."""
    values = {f.element: f.printed.value for f in reversed(figures)}
    if "kl.grad" in values:
        yield values["kl.grad"]
    error, kl, loss = (values.get(name) for name in (stated.recon, "kl", "loss"))
    if error is not None and kl and loss is not None:
        implied = float(f"{(loss - error) / kl:.3g}")
        if implied >= 0:
            yield implied
