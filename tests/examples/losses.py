"""Examples of the rules of losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_explain.ops.losses.cross_entropy import IGNORED
from vae_explain.trace import Slot

from .example import Example, Examples, called, examples

P = np.array([[0.25, 0.5, 0.875], [0.0625, 0.75, 0.125]])
T = np.array([[1.0, 0.0, 0.5], [0.25, 1.0, 0.0]])
W = np.array([[0.5, 2.0, 1.5]])
REDUCTIONS = ("mean", "sum", "none")
A = np.array([[0.25, -1.0, 3.0], [2.0, 0.0, -0.75]])
X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
SHARES = np.array([[0.25, 0.5, 0.25], [0.0, 0.75, 0.5]])
WEIGHTS = np.array([0.5, 2.0, 1.25])
SLOTS = Slot(0), Slot(1), Slot(2)
LABELS, SOME = np.array([2, 1]), np.array([IGNORED, 1])
IMAGES = np.stack([X, 1 - X]).transpose(0, 2, 1)
B = np.array([[1.0, 0.5, -0.5], [0.125, 0.5, -0.5]])


def reduced(attributes: Mapping[str, Any], *names: str) -> tuple[Example, ...]:
    return tuple(Example((X, B), {"reduction": name, **attributes}) for name in names)


def over_classes(reduction: str, ignore_index: int = IGNORED) -> dict[str, Any]:
    return {"reduction": reduction, "ignore_index": ignore_index}


LOGS = np.log(np.array([[0.25, 0.5, 0.25], [0.125, 0.125, 0.75]]))
TARGETS = np.array([[0.5, 0.25, 0.25], [0.0, 0.75, 0.25]])
MEASURED = np.array([[1.0, 0.5, 2.5], [2.125, 0.5, -0.5]])
V = np.array([[0.5, 1.0, 2.0], [0.25, 0.125, 4.0]])
COUNTS = np.array([[1.0, 0.0, 3.0], [2.0, 5.0, 0.0]])
OTHER = np.array([[1.0, 0.5, -0.5], [0.125, 2.0, 1.0]])
SIDES = np.array([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])

LOSSES: dict[str, Examples] = {
    "binary_cross_entropy": examples(
        *(Example((P, T), {"reduction": reduction}) for reduction in REDUCTIONS),
        *(
            called((P, T, W), Slot(0), Slot(1), Slot(2), reduction=reduction, fixed=(2,))
            for reduction in REDUCTIONS
        ),
    ),
    "binary_cross_entropy_with_logits": examples(
        *(Example((A, T), {"reduction": reduction}) for reduction in REDUCTIONS),
        called((A, T, W), Slot(0), Slot(1), Slot(2), reduction="none", fixed=(2,)),
        called((A, T, W[0]), Slot(0), Slot(1), pos_weight=Slot(2), fixed=(2,)),
        called(
            (A, T, W.T[:2], W),
            Slot(0),
            Slot(1),
            Slot(2),
            reduction="sum",
            pos_weight=Slot(3),
            fixed=(2, 3),
        ),
    ),
    "cross_entropy": examples(
        Example((X, LABELS), over_classes("mean")),
        Example((X, LABELS), over_classes("none")),
        Example((X, SOME), over_classes("mean")),
        Example((X[0], np.array(1)), over_classes("sum")),
        Example((IMAGES, np.array([[2, 1], [0, 1]])), over_classes("sum", ignore_index=1)),
        Example((X, SHARES), over_classes("mean")),
        *(
            called((X, target, WEIGHTS), *SLOTS, fixed=(2,), **settings)
            for target in (SOME, LABELS, SHARES)
            for settings in (
                {"reduction": "mean"},
                {"reduction": "mean", "label_smoothing": 0.25},
                {"reduction": "none", "label_smoothing": 0.125},
            )
        ),
        called((X, SOME), *SLOTS[:2], label_smoothing=0.125),
        called((X, SHARES), *SLOTS[:2], reduction="sum", label_smoothing=0.5),
        called(
            (IMAGES, np.array([[2, 1], [0, 1]]), WEIGHTS),
            *SLOTS,
            ignore_index=1,
            label_smoothing=0.25,
            fixed=(2,),
        ),
    ),
    "nll_loss": examples(
        Example((X, LABELS), over_classes("mean")),
        Example((X, SOME), over_classes("sum")),
        called((X, LABELS, WEIGHTS), *SLOTS, fixed=(2,)),
        called((X, SOME, WEIGHTS), *SLOTS, reduction="none", fixed=(2,)),
    ),
    "l1_loss": examples(
        *reduced({}, "mean", "sum", "none"), not_analytic="it has a corner where both are equal"
    ),
    "smooth_l1_loss": examples(
        *reduced({"beta": 1.0}, "mean", "sum"),
        *reduced({"beta": 0.5}, "none"),
        not_analytic="it takes an absolute value",
    ),
    "huber_loss": examples(
        *reduced({"delta": 1.0}, "mean", "sum"),
        *reduced({"delta": 0.5}, "none"),
        not_analytic="it takes an absolute value",
    ),
    "kl_div": examples(
        Example((LOGS, TARGETS), {"reduction": "batchmean", "log_target": False}),
        Example((LOGS, TARGETS[:1]), {"reduction": "sum", "log_target": False}),
        Example((LOGS, LOGS - 0.25), {"reduction": "none", "log_target": True}),
        not_analytic="a target of 0 is left out",
    ),
    "gaussian_nll_loss": examples(
        Example((X, MEASURED, V), {"full": False, "eps": 1e-06, "reduction": "mean"}),
        Example((X, MEASURED, V), {"full": True, "eps": 0.3, "reduction": "sum"}),
        Example((X, MEASURED, V[:, :1]), {"full": False, "eps": 1e-06, "reduction": "none"}),
        not_analytic="a small variance is raised",
    ),
    "poisson_nll_loss": examples(
        Example((X, COUNTS), {"log_input": True, "eps": 1e-08, "reduction": "mean"}),
        Example((V, COUNTS), {"log_input": False, "eps": 1e-08, "reduction": "sum"}),
        Example((V, COUNTS), {"log_input": False, "eps": 0.125, "reduction": "none"}),
    ),
    "mse_loss": examples(
        Example((X, OTHER), {"reduction": "sum"}),
        Example((X, OTHER), {"reduction": "mean"}),
        Example((X, OTHER), {"reduction": "none"}),
    ),
    "soft_margin_loss": examples(
        *(
            called((X, SIDES), Slot(0), Slot(1), reduction=reduction, fixed=(1,))
            for reduction in ("mean", "sum", "none")
        )
    ),
}
