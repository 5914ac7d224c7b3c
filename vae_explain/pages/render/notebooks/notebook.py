"""A Jupyter notebook: the Markdown, with cells that compute each step in plain PyTorch.

After each formula stands the line of PyTorch that computes it, from the same expression,
and a comparison with the page's numbers. So a student can change an input, run on, and see
what differs. The notebook is JSON of format 4.5, written here: it is a list of cells.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

import numpy as np

from ....symbolic.expression import Expression, Opaque, Ref, nodes, references
from ....symbolic.printable import printable
from ....symbolic.shapes import shape_of
from ....symbolic.text import gradient_parts
from ....trace import Array
from ...blocks import Block, Formula, Heading, Lines, Matrix, Summary, Walkthrough
from ..markdown import Markdown
from .torch_calls import helpers_of
from .torch_code import Identifiers, NoCode, code
from .torch_numbers import MOST_WRITTEN, UNPACK, numbers, tensor

PICTURE = "diagram.svg"
SOURCES = ("input", "parameter", "noise")
INTRODUCTION = (
    "Every formula below is followed by the same step in PyTorch. Run the cells from top to "
    "bottom; then change a number in one of them, run again, and see how far the change reaches."
)
SETUP = '''\
import base64
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype({dtype})


def compare(name, computed, page):
    """Say how far a tensor is from the numbers that the page has for it."""
    computed = torch.as_tensor(computed).detach()
    page = torch.as_tensor(page, dtype=computed.dtype).detach().reshape(computed.shape)
    apart = {apart}.abs().max().item()
    if apart <= {allowed} * (1 + {size}.abs().max().item()):
        print(f"{{name}}: agrees")
    else:
        print(f"{{name}}: differs by up to {{apart:.3g}}")'''
# How far apart two tensors are, and how large: over all numbers when all are finite. Where
# some are not, an infinity agrees with an infinity and a NaN with a NaN.
FINITE = {"apart": "(computed - page)", "size": "page"}
WITH_GAPS = {
    "apart": "(computed - page).where(~computed.isclose(page, 0, 0, equal_nan=True), 0)",
    "size": "page.nan_to_num(0, 0, 0)",
}
SLOPE = '''\
def slope(function, x, **options):
    """Return how fast an elementwise function rises at each number of x, by autograd."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x, **options).sum(), x)[0]'''
BACK = '''\
def back(forward, upstream, v):
    """Return the gradient at v that arrives from behind a step, by autograd."""
    v = v.detach().requires_grad_()
    output = forward(v)
    upstream = torch.as_tensor(upstream, dtype=output.dtype).detach().expand(output.shape)
    return torch.autograd.grad(output, v, upstream)[0]'''
CLASSES = '''\
def classes(x, target):
    """Return targets as a loss takes them: their numbers, or the probability of each."""
    return target if target.shape == x.shape else target.long()'''
PUT = """\
class place:
    \"\"\"What stands between the brackets behind it.\"\"\"

    def __class_getitem__(cls, key):
        return key


def put(x, key, new):
    \"\"\"Return a tensor with new numbers in a part of it.\"\"\"
    x = x.clone()
    x[key] = new
    return x"""
HELPERS = {"slope": SLOPE, "back": BACK, "classes": CLASSES, "put": PUT}


def write(walkthrough: Walkthrough, picture: str = "", digits: int | None = None) -> str:
    """Return a walkthrough as a notebook with the SVG `picture` inside."""
    return document(_Notebook(walkthrough, picture, digits).cells())


def document(cells: Iterable[dict[str, Any]]) -> str:
    """Return cells as a notebook, with their numbers as ids."""
    content = {
        "cells": [
            {"cell_type": cell.pop("cell_type"), "id": f"cell-{number:03d}", **cell}
            for number, cell in enumerate(cells, start=1)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def text_cell(source: str) -> dict[str, Any]:
    """Return a cell of Markdown."""
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(source)}


def code_cell(source: str) -> dict[str, Any]:
    """Return a cell of code that has not been run."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(source),
    }


class _Notebook:
    def __init__(self, walkthrough: Walkthrough, picture: str, digits: int | None) -> None:
        self.walkthrough = walkthrough
        self.picture = picture
        name = f"attachment:{PICTURE}" if picture else ""
        self.markdown = Markdown(name, fenced=False, digits=digits)
        self.names = Identifiers()
        self.known = _tensors(walkthrough.blocks)
        self.single = any(array.dtype == np.float32 for array in self.known.values())
        self.defined: set[str] = set()
        self.parameters: list[str] = []
        self.complete = True  # whether autograd can follow: no step came from the page's numbers
        self._cells: list[dict[str, Any]] = []
        self._text: list[str] = []

    def cells(self) -> list[dict[str, Any]]:
        """Return the cells."""
        self._text += [*self.markdown.title(self.walkthrough), INTRODUCTION]
        self._add_code(self._setup())
        blocks = self.walkthrough.blocks
        for position, block in enumerate(blocks):
            if isinstance(block, Heading):
                if not block.chapter:
                    self._autograd()
                self._end_text()
            self._text += self.markdown.block(block)
            self._add_code("\n".join(self._code(block, blocks[position + 1 :])))
        self._autograd()
        self._end_text()
        return self._cells

    # --- cells ---

    def _end_text(self) -> None:
        if not self._text:
            return
        source = "\n\n".join(self._text)
        cell = text_cell(source)
        if f"(attachment:{PICTURE})" in source:
            data = base64.b64encode(self.picture.encode()).decode()
            cell["attachments"] = {PICTURE: {"image/svg+xml": data}}
        self._cells.append(cell)
        self._text = []

    def _add_code(self, source: str) -> None:
        if not source:
            return
        self._end_text()
        self._cells.append(code_cell(source))

    def _setup(self) -> str:
        dtype, allowed = ("torch.float32", "1e-5") if self.single else ("torch.float64", "1e-7")
        gaps = not all(np.isfinite(array).all() for array in self.known.values())
        setup = SETUP.format(dtype=dtype, allowed=allowed, **(WITH_GAPS if gaps else FINITE))
        large = any(array.size > MOST_WRITTEN for array in self.known.values())
        used = {
            helper
            for block in self.walkthrough.blocks
            if isinstance(block, Formula)
            for node in nodes(block.expression)
            if isinstance(node, Opaque)
            for helper in helpers_of(node.name, len(node.arguments))
        }
        helpers = [text for name, text in HELPERS.items() if name in used] + [UNPACK] * large
        return "\n\n\n".join([setup, *helpers])

    # --- code ---

    def _code(self, block: Block, rest: tuple[Block, ...]) -> Iterator[str]:
        """Yield the code of a block: a tensor that a run starts from, or a step."""
        if isinstance(block, Formula):
            yield from self._step(block.left, block.expression, rest, block.held)
        elif isinstance(block, Lines) and block.after is not None:
            yield from self._step(block.after.name, block.after.expression, ())
        elif isinstance(block, Matrix | Summary) and block.name not in self.defined:
            gradient = block.name.endswith(".grad")  # by the formula above it, if that has code
            if not gradient:
                learns = block.role == "parameter"
                self.complete &= block.role in SOURCES
                self.parameters += [block.name] if learns else []
                yield self._source(block.name, block.array, learns)

    def _source(self, name: str, array: Array, learns: bool = False) -> str:
        self.defined.add(name)
        written = tensor(np.asarray(array), self.single)
        if learns:
            written += ".requires_grad_()"
        return f"{self.names(name)} = {written}"

    def _step(
        self, name: str, expression: Expression, rest: tuple[Block, ...], held: bool = False
    ) -> Iterator[str]:
        """Yield the line that computes a formula, after what it needs, and the comparison."""
        page = self.known.get(name)
        if page is None:
            page = _from_lines(name, rest)
        for ref in references(expression):
            if ref.name not in self.defined and ref.name != name:
                array = np.asarray(ref.value)
                if array.ndim == 0 and ref.role == "constant":
                    self.defined.add(ref.name)
                    yield f"{self.names(ref.name)} = {float(array)!r}"
                else:
                    # A value that has no step here is one of a large model's that are left out.
                    self.complete &= ref.role != "value"
                    yield self._source(ref.name, array)
        try:
            line = code(expression, self.names)
        except NoCode as reason:
            if page is not None:
                self.complete = False
                yield f"# No line of its own for {reason} here: these are the page's numbers."
                yield self._source(name, page)
            return
        if held and not line.endswith(".detach()"):
            line = f"({line}).detach()"
        self.defined.add(name)
        yield f"{self.names(name)} = {_spread(line, shape_of(expression), page)}"
        if page is not None:
            yield self._comparison(name, page)

    def _comparison(self, name: str, page: Array) -> str:
        computed = self.names(name)
        title = json.dumps(printable(name), ensure_ascii=False)
        if page.size <= MOST_WRITTEN:
            return f"compare({title}, {computed}, {numbers(page, 'value', self.single)})"
        norm = float(np.sqrt(np.sum(np.square(page.astype(np.float64)))))
        largest = float(np.max(np.abs(page)))
        return (
            f"compare({json.dumps(f'norm of {printable(name)}', ensure_ascii=False)}, "
            f"{computed}.norm(), {norm!r})\n"
            f"compare({json.dumps(f'largest size in {printable(name)}', ensure_ascii=False)}, "
            f"{computed}.abs().max(), {largest!r})"
        )

    def _autograd(self) -> None:
        """Add the cell in which autograd finds the same gradients, once there are any."""
        gradients = {at: name for name in self.defined if (at := gradient_parts(name)[1]) != name}
        learned = [name for name in self.parameters if name in gradients]
        if not learned or not self.complete:
            return
        self.complete = False  # the cell is written once
        top, _ = gradient_parts(gradients[learned[0]])
        if top not in self.defined:
            return
        lines = ["by_hand = {"]
        lines += [
            f"    {json.dumps(name, ensure_ascii=not name.isprintable())}: "
            f"({self.names(name)}, {self.names(gradients[name])}),"
            for name in learned
        ]
        lines += [
            "}",
            "parameters = [parameter for parameter, _ in by_hand.values()]",
            f"autograd = torch.autograd.grad({self.names(top)}, parameters, retain_graph=True)",
            "for (name, (_, gradient)), found in zip(by_hand.items(), autograd):",
            "    compare(name, gradient, found)",
        ]
        self._end_text()
        self._text.append(
            "PyTorch's autograd goes back from the same loss by itself, and this is how it "
            "compares with the gradients above:"
        )
        self._add_code("\n".join(lines))


def _spread(line: str, shape: tuple[int, ...], page: Array | None) -> str:
    """Broadcast a line whose formula is the same along an axis to its full shape."""
    if page is None or prod(shape) >= page.size:
        return line
    whole = f"torch.as_tensor({line}, dtype=torch.get_default_dtype())" if not shape else line
    return f"torch.broadcast_to({whole}, {page.shape!r})"


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def _tensors(blocks: Iterable[Block]) -> dict[str, Array]:
    """Return the numbers of every tensor that a walkthrough names, by its name."""
    tensors: dict[str, Array] = {}
    for block in blocks:
        if isinstance(block, Formula):
            for ref in references(block.expression):
                _keep(tensors, ref)
        elif isinstance(block, Matrix | Summary):
            tensors.setdefault(block.name, np.asarray(block.array))
    for block in blocks:
        if isinstance(block, Formula):
            of, at = gradient_parts(block.left)
            if of and f"{at}.grad" in tensors:
                tensors.setdefault(block.left, tensors[f"{at}.grad"])
    return tensors


def _keep(tensors: dict[str, Array], ref: Ref) -> None:
    if ref.index is None and ref.role != "constant":
        tensors.setdefault(ref.name, np.asarray(ref.value))


def _from_lines(name: str, rest: Iterable[Block]) -> Array | None:
    """Return a tensor's numbers from its worked lines, when those are all of it."""
    for block in rest:
        if isinstance(block, Heading):
            return None
        if isinstance(block, Lines) and block.name == name:
            if block.total is not None:
                return np.asarray(block.total.shown)
            if block.omitted:
                return None
            shown = [line.shown for line in block.lines]
            return np.asarray(shown[0] if block.lines[0].label == "" else shown)
    return None
