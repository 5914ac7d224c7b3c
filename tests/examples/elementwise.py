"""Examples of the rules element by element."""

from __future__ import annotations

import numpy as np

from vae_explain.trace import Slot

from .example import Example, Examples, called, examples

ANY = np.array([[0.5, -1.0, 0.0], [2.0, -0.25, 3.0]])
ROW = np.array([[1.5, -0.5, 2.0]])
SQUARE = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
EXAMPLES = (
    Example((SQUARE, SQUARE[::-1] + 0.125)),
    Example((SQUARE, ROW)),
    Example((ROW[0], SQUARE)),
    Example((ROW[0], ROW)),
    Example((np.array([[2.0], [-1.5]]), ROW)),
    Example((SQUARE, np.array(0.5))),
)
SCALED = (Example((SQUARE, ROW), {"alpha": 0.5}), Example((ROW[0], SQUARE), {"alpha": -2}))
TRIPLES = (
    Example((SQUARE, SQUARE[::-1] + 0.125, SQUARE * 2 + 0.5), {"value": 1}),
    Example((ROW, SQUARE, np.array(0.5)), {"value": -0.5}),
)
EDGES = np.array([[0.25, -1.0, 1.0], [-0.5, 2.0, -3.0]])
LOW = np.array([[0.25, -0.5, 1.5], [-0.75, 0.5, -3.5]])
HIGH = np.array([[0.75, 1.0, 1.0], [-0.5, 1.5, -3.25]])  # crossed by one, met by another
CORNERS = np.array([[0.5, -1.0, 1.0], [2.0, -3.0, 7.0]])
ABSOLUTE = np.array([[0.25, 1.0, 3.0], [2.0, 0.5, 0.75]])
MASK = np.array([[True, False, True], [False, False, True]])
POSITIVE = np.abs(SQUARE) + 0.125
SHRINK_EDGES = np.array([[0.5, -1.0, 0.25], [2.0, -0.5, 0.0]])
STEEP = np.array([[0.5, -1.0, 0.0], [2.0, -0.25, 30.0]])
INSIDE = np.array([[0.25, -0.5, 0.875], [-0.0625, 0.0, -0.75]])
ABOVE = np.array([[1.25, 3.0, 2.0], [1.0625, 5.0, 8.0]])
B = np.array([[0.25, 0.5, -0.5], [0.125, 2.0, -0.75]])
PAIRS = (Example((SQUARE, B)), Example((SQUARE, np.array(0.25))), Example((SQUARE, B[0])))

ROUNDED = examples(
    Example((np.array([[0.25, -1.5, 2.5], [0.75, -0.25, 3.0]]),)), not_analytic="it has steps"
)
REMAINING = examples(
    Example((SQUARE, np.array(0.375))),
    Example((SQUARE, np.array([[1.5, -0.375, 0.625]]))),
    not_analytic="it has steps",
)

ELEMENTWISE: dict[str, Examples] = {
    "leaky_relu": examples(
        Example((ANY,), {"negative_slope": 0.01}),
        Example((ANY,), {"negative_slope": 0.2}),
        not_analytic="it has a corner at 0",
    ),
    "elu": examples(
        Example((ANY,), {"alpha": 1.0}),
        Example((ANY,), {"alpha": 0.5}),
        not_analytic="it has a seam at 0",
    ),
    "silu": examples(Example((ANY,))),
    "softplus": examples(
        Example((ANY,), {"beta": 1.0, "threshold": 20.0}),
        Example((ANY,), {"beta": 2.0, "threshold": 3.0}),
        Example((ANY * 9,), {"beta": 1.0, "threshold": 20.0}),
    ),
    "log_sigmoid": examples(Example((ANY,))),
    "softsign": examples(Example((ANY,)), not_analytic="it takes an absolute value"),
    "tanhshrink": examples(Example((ANY,))),
    "add": examples(*EXAMPLES, *SCALED),
    "sub": examples(*EXAMPLES, *SCALED),
    "mul": examples(*EXAMPLES),
    "div": examples(*EXAMPLES),
    "neg": examples(Example((SQUARE,))),
    "addcmul": examples(*TRIPLES),
    "addcdiv": examples(*TRIPLES),
    "lerp": examples(
        Example((SQUARE, SQUARE[::-1] + 0.125, np.array(0.25))),
        Example((SQUARE, SQUARE[::-1] + 0.125, np.abs(SQUARE) / 4)),
    ),
    "clamp": examples(
        Example((EDGES,), {"min": -0.5, "max": 1.0}),
        Example((EDGES,), {"min": -0.5, "max": None}),
        Example((EDGES,), {"min": None, "max": 1}),
        called((EDGES, LOW, HIGH), Slot(0), Slot(1), Slot(2)),
        called((EDGES, LOW[0], np.array(1.0)), Slot(0), Slot(1), Slot(2)),
        called((EDGES, LOW[:, :1]), Slot(0), min=Slot(1)),
        called((EDGES[0], HIGH), Slot(0), max=Slot(1)),
        not_analytic="it has corners at its limits",
    ),
    "clamp_min": examples(
        Example((EDGES,), {"min": -0.5}),
        called((EDGES, LOW), Slot(0), Slot(1)),
        not_analytic="it has corners at its limits",
    ),
    "clamp_max": examples(
        Example((EDGES,), {"max": 1.0}),
        called((EDGES, HIGH[1]), Slot(0), Slot(1)),
        not_analytic="it has corners at its limits",
    ),
    "gelu": examples(
        Example((ANY,), {"approximate": "none"}),
        Example((ANY,), {"approximate": "tanh"}),
        not_analytic="erf is here for real numbers only",
    ),
    "hardtanh": examples(
        Example((CORNERS,), {"min_val": -1.0, "max_val": 1.0}),
        Example((CORNERS,), {"min_val": -0.5, "max_val": 2.0}),
        not_analytic="it has corners at its limits",
    ),
    "relu6": examples(
        Example((np.array([[0.5, -1.0, 0.0], [6.0, -3.0, 7.0]]),)),
        not_analytic="it has corners at 0 and 6",
    ),
    "hardsigmoid": examples(
        Example((np.array([[0.5, -1.0, 3.0], [2.0, -3.0, 7.0]]),)),
        not_analytic="it has corners at -3 and 3",
    ),
    "hardswish": examples(
        Example((np.array([[0.5, -1.0, 3.0], [2.0, -3.0, 7.0]]),)),
        not_analytic="it has corners at -3 and 3",
    ),
    "exp2": examples(Example((SQUARE,))),
    "logit": examples(
        Example((np.array([[0.25, 0.75, 0.9]]),), {"eps": None}),
        Example((np.array([[0.25, 0.0, 0.1, 0.95, 1.0]]),), {"eps": 0.1}),
    ),
    "logaddexp": examples(Example((SQUARE, ABSOLUTE)), Example((SQUARE * 300, SQUARE[:, :1]))),
    "logaddexp2": examples(Example((SQUARE, ABSOLUTE)), Example((SQUARE * 300, SQUARE[:, :1]))),
    "xlogy": examples(
        Example((SQUARE, ABSOLUTE)), Example((np.array([0.0, 2.0]), ABSOLUTE[:, :2]))
    ),
    "special_entr": examples(Example((ABSOLUTE,)), Example((np.array([0.25, 1.0, 0.75]),))),
    "masked_fill": examples(called((MASK, np.array(0.5), SQUARE), Slot(2), Slot(0), Slot(1))),
    "pow": examples(
        Example((SQUARE, np.array(2.0))),
        Example((SQUARE, np.array(3.0))),
        Example((POSITIVE, np.array(-0.5))),
        Example((np.array(2.0), SQUARE)),
        Example((POSITIVE, SQUARE)),
    ),
    "square": examples(Example((SQUARE,))),
    "sqrt": examples(Example((POSITIVE,))),
    "exp": examples(Example((SQUARE,))),
    "log": examples(Example((POSITIVE,))),
    "prelu": examples(
        Example((ANY, np.array([0.25]))),
        Example((ANY, np.array([0.25, -0.5, 0.125]))),
        Example((ANY.reshape(1, 2, 3), np.array([0.25, -0.5]))),
        not_analytic="it has a corner at 0",
    ),
    "relu": examples(
        Example((np.array([[0.5, -1.0, 0.0], [2.0, -0.25, 3.0]]),)),
        not_analytic="it has a corner at 0",
    ),
    "selu": examples(Example((ANY,)), not_analytic="it has a seam at 0"),
    "celu": examples(
        Example((ANY,), {"alpha": 1.0}),
        Example((ANY,), {"alpha": 0.5}),
        not_analytic="it has a seam at 0",
    ),
    "mish": examples(Example((ANY,))),
    "hardshrink": examples(
        Example((SHRINK_EDGES,), {"lambd": 0.5}),
        Example((SHRINK_EDGES,), {"lambd": 0.75}),
        not_analytic="it jumps where it starts to keep",
    ),
    "softshrink": examples(
        Example((SHRINK_EDGES,), {"lambd": 0.5}),
        Example((SHRINK_EDGES,), {"lambd": 0.75}),
        not_analytic="it has corners where it starts to keep",
    ),
    "threshold": examples(
        Example((SHRINK_EDGES,), {"threshold": 0.25, "value": 0.0}),
        Example((SHRINK_EDGES,), {"threshold": -0.75, "value": 3.0}),
        not_analytic="it jumps at its threshold",
    ),
    "sigmoid": examples(Example((STEEP,))),
    "tanh": examples(Example((STEEP,))),
    "tan": examples(Example((SQUARE,))),
    "asin": examples(Example((INSIDE,))),
    "acos": examples(Example((INSIDE,))),
    "atan": examples(Example((SQUARE,))),
    "sinh": examples(Example((SQUARE,))),
    "cosh": examples(Example((SQUARE,))),
    "asinh": examples(Example((SQUARE,))),
    "acosh": examples(Example((ABOVE,))),
    "atanh": examples(Example((INSIDE,))),
    "atan2": examples(
        Example((SQUARE, np.array([[-0.5, -2.0, 1.0], [0.0, 0.25, 1.5]]))),
        Example((SQUARE, np.array(-0.75))),
        Example((np.array([0.0, 1.5, 0.0]), np.array([0.0, 0.0, -2.0]))),
        not_analytic="it is computed for real numbers alone",
    ),
    "hypot": examples(Example((SQUARE, ABOVE)), Example((SQUARE, np.array(0.5)))),
    "abs": examples(
        Example((np.array([[0.25, -1.0, 0.0], [2.0, 0.5, -0.75]]),)),
        not_analytic="it has a corner at 0",
    ),
    "sign": examples(Example((SQUARE,)), not_analytic="it jumps at 0"),
    "log1p": examples(Example((POSITIVE,))),
    "expm1": examples(Example((SQUARE,))),
    "reciprocal": examples(Example((SQUARE,))),
    "rsqrt": examples(Example((POSITIVE,))),
    "sin": examples(Example((SQUARE,))),
    "cos": examples(Example((SQUARE,))),
    "sinc": examples(
        Example((np.array([[0.25, -1.25, 2.5], [0.75, 0.5, -0.75]]),)),
        Example((np.array([[0.25, 0.0, -0.5], [1.5, -0.0, 0.0625]]),)),
        not_analytic="it takes another piece at exactly 0",
    ),
    "erf": examples(Example((SQUARE,)), not_analytic="it is computed for real numbers alone"),
    "erfc": examples(Example((SQUARE,)), not_analytic="it is computed for real numbers alone"),
    "special_erfcx": examples(
        Example((np.array([[0.25, -3.0, 0.0], [5.5, 24.0, 30.0]]),)),
        not_analytic="it is computed for real numbers alone",
    ),
    "special_ndtr": examples(
        Example((SQUARE,)), not_analytic="it is computed for real numbers alone"
    ),
    "erfinv": examples(
        Example((np.array([[0.25, -0.5, 0.9375], [0.0, -0.0625, -0.99]]),)),
        not_analytic="it is computed for real numbers alone",
    ),
    "lgamma": examples(
        Example((POSITIVE * 4,)),
        Example((SQUARE + 0.125,)),
        not_analytic="it is computed for real numbers alone",
    ),
    "digamma": examples(
        Example((POSITIVE * 4 + 1,)),
        Example((SQUARE + 0.125,)),
        not_analytic="it is computed for real numbers alone",
    ),
    "frac": examples(Example((SQUARE,)), not_analytic="it has steps"),
    "nan_to_num": examples(
        Example((SQUARE,), {"nan": 0.0, "posinf": None, "neginf": None}),
        Example(
            (np.array([[0.25, np.nan, np.inf], [-np.inf, -1.5, np.nan]]),),
            {"nan": 0.5, "posinf": 2.0, "neginf": -3.0},
        ),
        not_analytic="it jumps where there is no number",
    ),
    "maximum": examples(*PAIRS, not_analytic="it has a corner where both are equal"),
    "minimum": examples(*PAIRS, not_analytic="it has a corner where both are equal"),
    "where": examples(
        Example((MASK, SQUARE, B)),
        Example((MASK, SQUARE, np.array(0.5))),
        Example((MASK[0], SQUARE, B[0])),
    ),
    "log2": examples(Example((ABSOLUTE,))),
    "log10": examples(Example((ABSOLUTE,))),
    **dict.fromkeys(("round", "floor", "ceil", "trunc"), ROUNDED),
    "fmod": REMAINING,
    "remainder": REMAINING,
}
