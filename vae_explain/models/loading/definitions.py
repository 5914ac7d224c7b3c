"""The classes and functions of a script or a notebook, without what it does when it runs.

Many scripts download their data and train at their top level. What is left then are the imports,
the definitions, and the assignments of plain values, which the definitions may need.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

DEFINITIONS = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip
# What may be called in an assignment, by its last name: it makes a value and does no more.
MAKERS = {
    "bool", "device", "dict", "float", "get", "int", "is_available", "join", "len", "list",
    "max", "min", "ones", "range", "set", "str", "sum", "tensor", "tuple", "zeros",
}  # fmt: skip
MODULES = ("nn", "math", "distributions")  # of which all may be


def definitions_of(path: Path) -> tuple[ast.Module, str]:
    """Return the definitions of a file as a tree, and its text.

    Raises
    ------
    SyntaxError
        If a script is none.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(_cells(json.loads(text)))
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if _defines(node)]
    return tree, text


def _cells(notebook: object) -> list[str]:
    """Return the code cells that are Python, without the lines that are the notebook's own."""
    cells = notebook.get("cells", []) if isinstance(notebook, dict) else []
    sources = []
    for cell in cells:
        if cell.get("cell_type") == "code":
            lines = "".join(cell.get("source", "")).splitlines()
            text = "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
            try:
                ast.parse(text)
            except SyntaxError:
                continue
            sources.append(text)
    return sources


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, DEFINITIONS):
        return True
    if isinstance(node, ast.Try):  # of a package that may be missing
        return all(map(_defines, [*node.body, *(s for h in node.handlers for s in h.body)]))
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test) or (
            not any(isinstance(each, ast.Call) for each in ast.walk(node.test))
            and "__name__" not in ast.unparse(node.test)
            and all(map(_defines, [*node.body, *node.orelse]))
        )
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
        return all(isinstance(each, ast.Name) for each in targets) and all(map(_makes, calls))
    return False


def _makes(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    *around, last = name.split(".")
    return last in MAKERS or any(each in MODULES for each in around)
