"""What do we know of one op?

The rules. To add an op, write its file in the family that it belongs to, and list the file in
the family's `__init__.py`. Read `rule.py` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from . import elementwise, layers, layout, linear, losses, reduction
from .rule import Call, NotExplained, Operand, Rule

FAMILIES = (elementwise, linear, reduction, layout, layers, losses)


def _listed() -> Iterator[Rule]:
    """Yield the rules that stand in the families' files under a name in capitals."""
    for family in FAMILIES:
        files = (file for file in vars(family).values() if isinstance(file, ModuleType))
        for name, value in (entry for file in files for entry in vars(file).items()):
            if isinstance(value, Rule) and name[0].isupper():
                yield value


# Each once, though other files import some.
ALL: tuple[Rule, ...] = tuple(dict.fromkeys(_listed()))
RULES: dict[str, Rule] = {rule.name: rule for rule in ALL}

# Further names under which PyTorch records an op that has the same arguments.
ALIASES: dict[str, str] = {
    "absolute": "abs",
    "adjoint": "mT",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "cholesky": "linalg_cholesky",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "contiguous": "clone",
    "divide": "div",
    "det": "linalg_det",
    "dot": "matmul",
    "double": "clone",
    "fix": "trunc",
    "float": "clone",
    "float_power": "pow",
    # The conjugate of a real number is itself.
    "H": "mT",
    "half": "clone",
    "inverse": "linalg_inv",
    "logsigmoid": "log_sigmoid",
    "long": "clone",
    "mH": "mT",
    "mm": "matmul",
    "moveaxis": "movedim",
    "multiply": "mul",
    "mv": "matmul",
    "negative": "neg",
    "ravel": "flatten",
    "reshape_as": "view_as",
    "row_stack": "vstack",
    "setitem": "index_put",
    "sgn": "sign",
    "slogdet": "linalg_slogdet",
    "special_digamma": "digamma",
    "special_erf": "erf",
    "special_erfc": "erfc",
    "special_erfinv": "erfinv",
    "special_exp2": "exp2",
    "special_expit": "sigmoid",
    "special_expm1": "expm1",
    "special_gammaln": "lgamma",
    "special_log1p": "log1p",
    "special_log_softmax": "log_softmax",
    "special_logit": "logit",
    "special_logsumexp": "logsumexp",
    "special_psi": "digamma",
    "special_round": "round",
    "special_softmax": "softmax",
    "special_xlogy": "xlogy",
    "split_with_sizes": "split",
    "subtract": "sub",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "to": "clone",
    "true_divide": "div",
    "truediv": "div",
    "type": "clone",
    "type_as": "clone",
    "unsafe_chunk": "chunk",
    "unsafe_split": "split",
    "vdot": "matmul",
}


def rule_of(name: str) -> Rule | None:
    """Return the rule of an op by any of its names; None when there is none."""
    return RULES.get(ALIASES.get(name, name))


__all__ = [
    "ALIASES",
    "ALL",
    "RULES",
    "Call",
    "NotExplained",
    "Operand",
    "Rule",
    "rule_of",
]
