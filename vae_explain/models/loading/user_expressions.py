"""Expressions that are typed in the place of a function: names, calls, indices, arithmetic.

`bce(model(x)[0], x) + 0.5 * kl(*model(x)[1:])` is an objective. It is read as Python and no more
of Python than that, and a call of the model that stands there twice runs once: a second run would
draw other noise.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from .user_code import CannotLoad

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
ALLOWED = (
    *OPERATORS, ast.Expression, ast.BinOp, ast.UnaryOp, ast.Call, ast.keyword, ast.Starred,
    ast.Name, ast.Load, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Dict,
    ast.Constant,
)  # fmt: skip


class ExpressionOfUser:
    """An expression that was typed, as a function of the names in it that are free.

    Parameters
    ----------
    option
        That gave it.
    names
        What else may stand in it; what a call is given takes the place of what is here.

    Raises
    ------
    CannotLoad
        If it is anything but known names, calls, indices and arithmetic.
    """

    def __init__(self, text: str, option: str, names: Mapping[str, Any]) -> None:
        self.text, self._names = " ".join(text.split()), names
        try:
            self._body = ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            raise CannotLoad(f"it is not a Python expression: {error.msg}", option) from None
        for node in ast.walk(self._body):
            private = isinstance(node, ast.Attribute) and node.attr.startswith("_")
            if private or not isinstance(node, ALLOWED):
                mend = "use only names, calls, indices and arithmetic"
                raise CannotLoad(f"{ast.unparse(node)} cannot stand in it; {mend}", option)
            if isinstance(node, ast.Name) and node.id not in names:
                known = ", ".join(name for name in names if not name.startswith("_"))
                raise CannotLoad(f"there is no {node.id}; it may have {known}", option)

    def __call__(self, **given: Any) -> Any:
        """Return its value."""
        return _Evaluation({**self._names, **given}).of(self._body)


class _Evaluation:
    """Computes the parts of an expression, each call of the model but once."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._models: dict[str, Any] = {}

    def of(self, node: Any) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._names[node.id]
            case ast.Attribute():
                return getattr(self.of(node.value), node.attr)
            case ast.Subscript():
                return self.of(node.value)[self.of(node.slice)]
            case ast.Slice():
                bounds = (node.lower, node.upper, node.step)
                return slice(*(None if each is None else self.of(each) for each in bounds))
            case ast.UnaryOp():
                return OPERATORS[type(node.op)](self.of(node.operand))
            case ast.BinOp():
                return OPERATORS[type(node.op)](self.of(node.left), self.of(node.right))
            case ast.Tuple():
                return tuple(self._each(node.elts))
            case ast.List():
                return self._each(node.elts)
            case ast.Dict():
                keys = [None if key is None else self.of(key) for key in node.keys]
                return dict(zip(keys, self._each(node.values), strict=True))
            case ast.Call():
                return self._called(node)
        raise AssertionError("refused when it was read")

    def _each(self, nodes: list[ast.expr]) -> list[Any]:
        items: list[Any] = []
        for node in nodes:
            items += self.of(node.value) if isinstance(node, ast.Starred) else [self.of(node)]
        return items

    def _called(self, node: ast.Call) -> Any:
        is_model = isinstance(node.func, ast.Name) and node.func.id == "model"
        code = ast.unparse(node)
        if is_model and code in self._models:
            return self._models[code]
        keywords: dict[str, Any] = {}
        for each in node.keywords:
            value = self.of(each.value)
            keywords |= value if each.arg is None else {each.arg: value}
        result = self.of(node.func)(*self._each(node.args), **keywords)
        if is_model:
            self._models[code] = result
        return result
