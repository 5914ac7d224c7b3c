"""The rules, listed one by one. To add an op, write its file and add its line here."""

from __future__ import annotations

from .adaptive_avg_pool2d import ADAPTIVE_AVG_POOL2D
from .arithmetic import ADD, DIV, MUL, NEG, SUB
from .convolution import CONV1D, CONV2D, CONV_TRANSPOSE1D, CONV_TRANSPOSE2D
from .copying import INTERPOLATE, PAD
from .linear import LINEAR
from .matmul import MATMUL
from .mse_loss import MSE_LOSS
from .noise import RANDN, RANDN_LIKE
from .pooling import AVG_POOL2D, MAX_POOL2D
from .powers import EXP, LOG, POW, SQRT, SQUARE
from .reductions import MEAN, SUM
from .relu import RELU
from .rule import Call, Example, NotExplained, Operand, Rule
from .shapes import RESHAPE, VIEW
from .sigmoid import SIGMOID, TANH

ALL: tuple[Rule, ...] = (
    ADD,
    SUB,
    MUL,
    DIV,
    NEG,
    POW,
    SQUARE,
    SQRT,
    EXP,
    LOG,
    SUM,
    MEAN,
    RELU,
    SIGMOID,
    TANH,
    LINEAR,
    MATMUL,
    CONV1D,
    CONV2D,
    CONV_TRANSPOSE1D,
    CONV_TRANSPOSE2D,
    MAX_POOL2D,
    AVG_POOL2D,
    ADAPTIVE_AVG_POOL2D,
    INTERPOLATE,
    PAD,
    VIEW,
    RESHAPE,
    MSE_LOSS,
    RANDN_LIKE,
    RANDN,
)

RULES: dict[str, Rule] = {rule.name: rule for rule in ALL}

# Further names under which PyTorch records an op that has the same arguments.
ALIASES: dict[str, str] = {
    "matmul_": "matmul",
}


def rule_of(name: str) -> Rule | None:
    """Return the rule of an op by any of its names; None when there is none."""
    return RULES.get(ALIASES.get(name, name))


__all__ = [
    "ALIASES",
    "ALL",
    "RULES",
    "Call",
    "Example",
    "NotExplained",
    "Operand",
    "Rule",
    "rule_of",
]
