"""Drawing noise: `randn_like`, `randn` and their kin. A source: it takes nothing in.

Nothing can be derived about a draw, so the rule says only that. A replay keeps the
recorded numbers, or takes the ones that it is given. The mask of a dropout is a draw too,
and the dropout is then the product with it.
"""

from __future__ import annotations

from typing import Any

from ..binding import NotExplained
from ..rule import NOTHING_BACK, Rule


def _no_arithmetic(*_: Any, **__: Any) -> Any:
    raise NotExplained("a draw has no arithmetic")


def drawing(name: str, words: str, torch: str = "") -> Rule:
    """Make the rule of an op that draws numbers."""
    return Rule(
        name=name,
        bind=lambda *args, **kwargs: ((), {}),
        forward=_no_arithmetic,
        element=lambda call, index: call.output.at(index),
        formula=lambda call: call.output.whole(),
        words=words,
        torch=torch,
        kind="draw",
        **{**NOTHING_BACK, "gradient": _no_arithmetic},
    )


_NORMAL, _UNIFORM = "drawn from N(0, 1)", "drawn from U(0, 1)"

RANDN_LIKE = drawing("randn_like", _NORMAL)
RANDN = drawing("randn", _NORMAL)
NORMAL = drawing("normal", "drawn from a normal distribution")
RAND = drawing("rand", _UNIFORM)
RAND_LIKE = drawing("rand_like", _UNIFORM)
UNIFORM = drawing("uniform", "drawn from a uniform distribution", "torch.Tensor.uniform_")
BERNOULLI = drawing("bernoulli", "drawn: 0 or 1")
EXPONENTIAL = drawing(
    "exponential", "drawn from an exponential distribution", "torch.Tensor.exponential_"
)
DROPOUT_MASK = drawing(
    "dropout_mask",
    "drawn: 0 for what is dropped, and the factor that makes up for it for the rest",
    "torch.nn.functional.dropout",
)
