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

# Further names under which PyTorch records an op that has the same arguments. The conjugate of a
# real number is itself.
OTHER_NAMES = {
    "abs": "absolute",
    "mT": "adjoint H mH",
    "linalg_cholesky": "cholesky",
    "clamp": "clip",
    "cat": "concat concatenate",
    "clone": "contiguous double float half long to type type_as",
    "div": "divide true_divide truediv",
    "linalg_det": "det",
    "matmul": "dot mm mv vdot",
    "trunc": "fix",
    "pow": "float_power",
    "linalg_inv": "inverse",
    "log_sigmoid": "logsigmoid",
    "movedim": "moveaxis",
    "mul": "multiply",
    "neg": "negative",
    "flatten": "ravel",
    "view_as": "reshape_as",
    "vstack": "row_stack",
    "index_put": "setitem",
    "sign": "sgn",
    "linalg_slogdet": "slogdet",
    "sigmoid": "special_expit",
    "lgamma": "special_gammaln",
    "digamma": "special_digamma special_psi",
    "split": "split_with_sizes unsafe_split",
    "sub": "subtract",
    "transpose": "swapaxes swapdims",
    "chunk": "unsafe_chunk",
    **{op: f"special_{op}" for op in ("erf", "erfc", "erfinv", "exp2", "expm1", "log1p", "logit")},
    **{op: f"special_{op}" for op in ("log_softmax", "logsumexp", "round", "softmax", "xlogy")},
    **{f"a{each}": f"arc{each}" for each in ["cos", "cosh", "sin", "sinh", "tan", "tan2", "tanh"]},
}
ALIASES = {name: op for op, names in OTHER_NAMES.items() for name in names.split()}


def rule_of(name: str) -> Rule | None:
    """Return the rule of an op by any of its names; None when there is none."""
    return RULES.get(ALIASES.get(name, name))


def rule_shown_as(name: str) -> Rule | None:
    """Return the rule of an op by its name in formulas, which may leave out where it is from."""
    rules = (RULES.get(prefix + name) for prefix in ("", "special_", "linalg_"))
    return next((rule for rule in rules if rule is not None), None)


__all__ = [
    "ALIASES",
    "RULES",
    "Call",
    "NotExplained",
    "Operand",
    "Rule",
    "rule_of",
    "rule_shown_as",
]
