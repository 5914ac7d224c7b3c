"""What do we know of one op?

The rules. To add an op, write its file in the family that it belongs to, and list the file with
the op's name in the family's `__init__.py`. Read `rule.py` first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from . import elementwise, layers, layout, linear, losses, reduction
from .binding import NotExplained
from .rule import Call, Operand, Rule

FAMILIES = (elementwise, linear, reduction, layout, layers, losses)


class _Rules(Mapping[str, Rule]):
    """The rules by the names of their ops; a file is loaded when one of its rules is wanted."""

    def __init__(self) -> None:
        self._files = {
            op: f"{family.__name__}.{file}"
            for family in FAMILIES
            for file, ops in family.FILES.items()
            for op in ops.split()
        }
        self.loaded: dict[str, Rule] = {}

    def __getitem__(self, name: str) -> Rule:
        if name not in self.loaded:
            entries = vars(import_module(self._files[name])).values()
            rules = {entry.name: entry for entry in entries if isinstance(entry, Rule)}
            self.loaded = rules | self.loaded
        return self.loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


RULES = _Rules()

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


__all__ = ["ALIASES", "RULES", "Call", "NotExplained", "Operand", "Rule", "rule_of"]
