"""The page of one number: its derivation, and for a gradient the ways to the loss."""

from __future__ import annotations

import math

import numpy as np

from ...engine.gradient_paths import Path, Paths
from ...engine.leaves import ROLES
from ...engine.provenance import Derivation, Provenance, Target, shortened
from ...engine.run import Run
from ...engine.sensitivity import Sensitivity
from ...engine.value_formulas import if_explained
from ...ops import NotExplained
from ...symbolic.expression import Ref
from ...trace import is_whole
from ..blocks import (
    Block,
    Heading,
    Matrix,
    Note,
    Places,
    Prose,
    Share,
    Shares,
    Tree,
    TreeNode,
    Walkthrough,
)
from ..checks import Checks
from ..phrases import BLANK, counted
from .answer import answer
from .captions import drawing_words
from .draft import footer, verdict
from .floors import floor_notes
from .header import heading_line, run_remarks
from .not_finite import cause_section
from .other_arithmetic import one_beside


def why(
    run: Run,
    target: Target,
    *,
    chosen: bool = False,
    depth: int | None = None,
    full: bool = False,
    other: Run | None = None,
) -> tuple[Walkthrough, Checks]:
    """Compose the page of one number.

    Parameters
    ----------
    chosen
        Whether the element was picked here, for a tensor that was named whole.
    depth, full
        How far down the tree goes; as far as fits a screen by default.
    other
        The same run in the other arithmetic, whose number is said where its digits differ.
    """
    view = Provenance(run)
    root = view.derive(target, depth, full)
    blocks: list[Block] = [Heading(1, view.name(target), "where it comes from")]
    first = if_explained(lambda: answer(view, target))
    if first is not None:
        blocks.append(first)
    blocks += one_beside(run, other, target)
    if chosen:
        words = "The largest element of the tensor stands for it; an index names another."
        blocks.append(Prose(words))
    if root.status == "given":
        role = ROLES[run.trace.values[target.value_id].kind]
        places: Places = "parameter" if role in ("parameter", "noise") else "input"
        given = _given_words(run, target.value_id)
        blocks.append(Prose(f"{root.name} is {given}, not computed:"))
        blocks.append(Matrix(root.name, np.array(root.value), role, places))
    checks = Checks()
    nodes: list[TreeNode] = []
    for level, node in root.walk():
        if node.status in ("derived", "not explained"):
            nodes.append(_derived(run, level, node))
            nodes += _listed(level + 1, node)
        if node.line is not None:  # also where the tree is cut
            checks.count(node.line.difference, node.line.agrees)
    if nodes:
        blocks.append(Tree(tuple(nodes)))
        lines = [node.line for _, node in root.walk() if node.line and node.status != "cut"]
        blocks += floor_notes(run, lines)
    left = len({node.target for _, node in root.walk() if node.status == "cut"})
    if left:
        blocks.append(Note(f"{counted(left, 'number')} not derived here; --full derives all."))
    term = (f"term: {target.term} alone",) if target.term else ()
    # What is not finite is no sum of ways, and has no shares.
    ways = target.gradient and math.isfinite(root.value)
    blocks += _paths(view, target, root.value, checks) if ways else []
    blocks += cause_section(run, 3 if ways else 2)
    blocks.append(footer(run, checks))
    remarks = (*run_remarks(run), *term)
    return Walkthrough("why", heading_line(run), remarks, tuple(blocks)), checks


def _given_words(run: Run, value_id: int) -> str:
    """Say what a value is that no operation computed."""
    if value_id in run.trace.uninitialised:
        return BLANK
    kind = run.trace.values[value_id].kind
    if kind == "noise":
        return f"noise, {drawing_words(run, value_id)}"
    return {"input": "an input", "parameter": "a parameter"}.get(kind, "given")


def _derived(run: Run, level: int, node: Derivation) -> TreeNode:
    line = node.line
    if line is not None:
        line = line._replace(expression=shortened(line.expression))
    word = "" if line else "not explained; PyTorch's number"
    return TreeNode(level, node.name, node.value, line, word, _places(run, node))


def _places(run: Run, node: Derivation) -> Places:
    if isinstance(node.target, Ref):
        return "value"
    if node.target.gradient:
        return "gradient"
    if is_whole(run.values[node.target.value_id]):
        return "input"
    return "value" if node.target.index else "exact"


def _listed(level: int, node: Derivation) -> list[TreeNode]:
    """Name in one line what was derived above already, and in one what was left out."""
    listed = []
    for status, word in (("again", "derived above"), ("cut", "not derived here")):
        names = [child.name for child in node.children if child.status == status]
        if names:
            listed.append(TreeNode(level, _enumerated(names), 0.0, None, word, "value"))
    return listed


def _enumerated(names: list[str]) -> str:
    """Write the elements of each tensor as one: `encoder_hidden[0], [1], [2]`.

    Examples
    --------
    >>> _enumerated(["w[0]", "x[0]", "w[1]", "x[1]", "mean(h[0,:])", "mean(h[1,:])"])
    'w[0], [1], x[0], [1], mean(h[0,:]), mean(h[1,:])'
    """
    of_tensor: dict[str, list[str]] = {}
    for name in names:
        # A number with a name of its own, as `mean(h[0,:])`, is written out each time.
        base, bracket, index = (name, "", "") if name.endswith(")") else name.partition("[")
        of_tensor.setdefault(base, []).append(bracket + index)
    return ", ".join(base + ", ".join(indices) for base, indices in of_tensor.items())


def _paths(view: Provenance, target: Target, value: float, checks: Checks) -> list[Block]:
    try:
        paths, left_out = Paths(view.run, view.steps).of(target)
    except NotExplained as reason:
        words = f"They are not followed, since one passes an op without a rule ({reason})."
        return [Heading(2, "The ways to the loss"), Note(words, "warning")]
    detail = f"{counted(len(paths), 'path')} along named values"
    blocks: list[Block] = [Heading(2, "The ways to the loss", detail)]
    size = sum(abs(path.amount) for path in paths) + abs(left_out)
    shares = [
        Share(
            path.amount,
            abs(path.amount) / size if size else 0.0,
            " → ".join(path.through),
            path.blocked_by or _closed_words(path),
        )
        for path in paths
    ]
    if left_out:
        shares.append(Share(left_out, abs(left_out) / size, "all further paths together", ""))
    blocks.append(Shares(tuple(shares)))
    total = sum(path.amount for path in paths) + left_out
    off = Sensitivity(view.run, view.run.precision, target.term)
    apart, scale = abs(total - value), max(size, abs(value)) or 1.0
    agrees = apart <= off.usual(size) or apart <= off.of("gradients", target.value_id)[target.index]
    difference = apart / scale
    checks.count(difference, agrees)
    further = " and all further ones together" if left_out else ""
    adds = "add" if left_out or len(paths) != 1 else "adds"
    words = f"{counted(len(paths), 'path')}{further} {adds} up to {value:.4f}"
    words += ", as autograd has it; shares are of the sum of sizes."
    failed = f"the paths add up to {total!r}, autograd has {value!r}"
    exactly = f"relative difference {difference:.1e}"
    passed = Note(words, "check", exactly=exactly)
    blocks.append(passed if agrees else verdict(failed, agrees))
    zero = sum(not path.amount for path in paths)
    if zero:
        blocks.append(Note(f"{counted(zero, 'path')} deliver{'s' if zero == 1 else ''} nothing."))
    return blocks


def _closed_words(path: Path) -> str:
    parts = []
    for name, units in path.closed.items():
        listed = ", ".join(map(str, units[:8])) + (", …" if len(units) > 8 else "")
        one = "unit" if len(units) == 1 else "units"
        parts.append(f"{one} {listed} of {name} off")
    return "; ".join(parts)
