"""`relu`: what is positive passes, the rest becomes zero; so does its gradient."""

from __future__ import annotations

from ...symbolic.expression import Apply
from ..pointwise import elementwise

RELU = elementwise(
    "relu", lambda a: Apply("relu", (a,)), title="ReLU", gate=True, words="keeps what is positive"
)
