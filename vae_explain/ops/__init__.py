"""The rules, listed one by one. To add an op, write its file and add its line here."""

from __future__ import annotations

from .arithmetic import ADD, DIV, MUL, NEG, SUB
from .linear import LINEAR
from .matmul import MATMUL
from .mse_loss import MSE_LOSS
from .noise import RANDN, RANDN_LIKE
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
    VIEW,
    RESHAPE,
    MSE_LOSS,
    RANDN_LIKE,
    RANDN,
)

RULES: dict[str, Rule] = {rule.name: rule for rule in ALL}

__all__ = ["ALL", "RULES", "Call", "Example", "NotExplained", "Operand", "Rule"]
