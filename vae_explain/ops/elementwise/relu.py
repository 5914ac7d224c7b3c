"""`relu`: what is positive passes, the rest becomes zero; so does its gradient."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import Apply
from ..rule import elementwise

RELU = elementwise(
    "relu",
    bind=lambda input, inplace=False: ((input,), {}),
    # Not np.maximum: a NaN stays a NaN and -0.0 stays -0.0, as in PyTorch.
    forward=lambda a: np.where(a < 0, np.zeros_like(a), a),
    # At exactly 0 PyTorch passes nothing; where a NaN went through, so does its gradient.
    vjp=lambda g, y, a: (np.where(a <= 0, np.zeros_like(g), g),),
    expression=lambda a: Apply("relu", (a,)),
    derivatives=(lambda y, a: Apply("gate", (a,)),),
    words="keeps what is positive",
    torch="torch.relu",
)
