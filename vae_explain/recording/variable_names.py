"""Finding out what the user's own code calls each value.

From what was seen at each operation (`frames`) we read which variable of the user's held
which tensor; from the `forward` frames we know the module at work and what it returned.

A name goes to a value once, the first time any variable holds it. A variable that held
several values in turn gives each of them its name and a number.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from types import FrameType
from typing import Any

from ..trace import Operation
from .frames import FINAL, FrameWatcher, Sight, Variables


class _Entry:
    """A frame on the way to the operation at work, of those that matter."""

    __slots__ = ("frame", "module", "owner", "value")

    def __init__(self, frame: int, module: str, owner: bool) -> None:
        self.frame = frame  # its number
        self.module = module  # the path of the module at work in it
        self.owner = owner  # whether it is that module's own `forward`
        self.value: int | None = None  # what was last made in it


class NameReader:
    """Reads names from what was seen of a run, in the order in which it was seen.

    `names` fills with `{value: variable}`, `returned` with `{value: path of the innermost
    module that returned it}`.

    Parameters
    ----------
    known
        The number of each value, by `id` of the tensor, which somebody keeps alive; it may
        grow meanwhile.
    frames
        Have seen the run, and say what a frame's variables were when it ended.
    """

    def __init__(self, known: Mapping[int, int], frames: FrameWatcher) -> None:
        self.names: dict[int, str] = {}
        self.returned: dict[int, str] = {}
        self._known = known
        self._paths: dict[int, str] = {}  # of every module, by `id` of the module
        self._frames = frames
        self._stack: list[_Entry] = []

    def know(self, path: str, module: Any) -> None:
        """Note where a module is; one that is in two places is called by the first."""
        self._paths.setdefault(id(module), path)

    def see(self, sight: Sight) -> None:
        """Read what was seen at the next operation; nothing, when all has ended.

        Only a frame that ran since the last operation can have changed its variables: those
        that have ended, the innermost of those that go on, and the new ones.
        """
        stack = self._stack
        new = len(sight)
        kept = 0
        if sight:
            outermost = sight[-1][0]  # of those seen; what is above it goes on as it was
            kept = len(stack)
            while kept and stack[kept - 1].frame != outermost:
                kept -= 1
            if kept:
                new -= 1
                while new and kept < len(stack) and stack[kept].frame == sight[new - 1][0]:
                    new -= 1
                    kept += 1
        while len(stack) > kept:
            self._end()
        if kept and (held := self._held(*sight[new][:2])) is not None:
            self._read(held)
        while new:
            new -= 1
            self._begin(*sight[new])

    @property
    def module(self) -> str:
        """The path of the module at work at the last sight; empty outside of all."""
        return self._stack[-1].module if self._stack else ""

    def made(self, value: int) -> None:
        """Note what the operation that was seen last has made."""
        if self._stack:
            self._stack[-1].value = value

    def gave_back(self, module: Any, result: Any) -> None:
        """Note what a module of the user's own has returned."""
        number = self._known.get(id(result))
        path = self._paths.get(id(module))
        if number is not None and path:
            self.returned.setdefault(number, path)

    def _held(self, frame: int, seen: Variables | None) -> Variables | None:
        """Return the variables of a frame, which may be those that it is going to have.

        No value gets its name from those too early: what is not made has no number.
        """
        return self._frames.final(frame) if seen is FINAL else seen

    def _begin(self, frame: int, seen: Variables | None, forward: FrameType | None) -> None:
        variables = self._held(frame, seen)
        path = None if forward is None else self._paths.get(id(forward.f_locals.get("self")))
        module = self.module if path is None else path
        self._stack.append(_Entry(frame, module, path is not None))
        if variables is not None:
            self._read(variables)

    def _end(self) -> None:
        entry = self._stack.pop()
        variables = self._frames.ended(entry.frame)
        if variables is not None:
            self._read(variables)
        elif entry.value is not None:
            # PyTorch's own modules return what they made last. The user's may do
            # otherwise; what they return they tell by `gave_back`.
            if entry.owner and entry.module:
                self.returned.setdefault(entry.value, entry.module)
            if self._stack:
                self._stack[-1].value = entry.value

    def _read(self, variables: Variables) -> None:
        names = self.names
        known = self._known
        for name, candidate in variables.items():
            number = known.get(id(candidate))
            if number is not None and number not in names and name[0] not in "_.":
                names[number] = name


# Ops of which one element is made from many.
MIXING = {
    "linear", "matmul", "mm", "mv", "bmm", "addmm", "baddbmm", "addmv", "einsum", "dot", "vdot",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "interpolate", "fold", "scatter_add", "cumsum", "cumprod", "prod", "sum", "mean", "var", "std",
    "norm", "linalg_norm", "linalg_vector_norm", "weight_norm", "normalize",
    "cdist", "pairwise_distance", "cosine_similarity", "scaled_dot_product_attention",
    "softmax", "softmin", "log_softmax", "logsumexp", "argmax", "argmin",
    "special_softmax", "special_log_softmax", "special_logsumexp",
    "layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss", "kl_div",
    "gaussian_nll_loss", "poisson_nll_loss",
    "logcumsumexp", "trace", "var_mean", "std_mean",
    "linalg_det", "det", "logdet", "linalg_slogdet", "slogdet", "linalg_inv", "inverse",
    "linalg_solve", "linalg_solve_triangular", "linalg_cholesky", "cholesky", "cholesky_solve",
    "nansum", "bilinear", "embedding_bag", "scatter_reduce", "soft_margin_loss",
}  # fmt: skip
# Ops of which one element is made from others of the same output, with what that is called
# where no variable holds it: written out in full, it would be all of them in each other.
SUBSTITUTING = {
    "linalg_cholesky": "cholesky_factor", "cholesky": "cholesky_factor",
    "linalg_solve_triangular": "solution", "linalg_solve": "solution",
    "linalg_inv": "inverse", "inverse": "inverse",
}  # fmt: skip
DEEPEST = 3
# Ops that speak of the mean, the length or the rows of what they are given, with how many of
# their operands they do so: of one without a name they would have to write all of it.
SPEAKING = {
    "normalize": 1, "layer_norm": 1, "batch_norm": 1, "group_norm": 1, "instance_norm": 1,
    "rms_norm": 1, "weight_norm": 1, "var": 1, "std": 1, "scaled_dot_product_attention": 3,
    "var_mean": 1, "std_mean": 1, "argmax": 1, "argmin": 1,
    "linalg_cholesky": 1, "cholesky": 1, "linalg_inv": 1, "inverse": 1,
    "linalg_solve_triangular": 1, "linalg_solve": 1, "linalg_det": 1, "det": 1, "logdet": 1,
    "linalg_slogdet": 1, "slogdet": 1,
}  # fmt: skip


def name_the_deepest(
    names: dict[int, str],
    fixed: Container[int],
    operations: Sequence[Operation],
) -> None:
    """Name a value by its op where too many such ops in a row have left none with a name.

    A value without a name is written out where it is used, so that a few in a row, as the
    power iteration of a spectral norm has, would make a line of millions of numbers. One that
    such an op made and whose length or mean a norm speaks of gets a name at once.

    Parameters
    ----------
    names
        The names so far, which this adds to.
    fixed
        Values that have a name of another kind.
    operations
        The operations in the order in which they ran.
    """
    for operation in operations:
        if operation.name in SUBSTITUTING and operation.outputs[0] not in fixed:
            names.setdefault(operation.outputs[0], SUBSTITUTING[operation.name])
    ops = [operation.name for operation in operations]
    if SPEAKING.keys().isdisjoint(ops) and sum([op in MIXING for op in ops]) < DEEPEST:
        return
    depths: dict[int, int] = {}
    makers: dict[int, str] = {}
    for operation in operations:
        for number in operation.inputs[: SPEAKING.get(operation.name, 0)]:
            if depths.pop(number, 0):
                names[number] = makers[number]
        depth = max((depths.get(number, 0) for number in operation.inputs), default=0)
        depth += operation.name in MIXING
        for output in operation.outputs:
            if output in names or output in fixed:
                continue
            if depth >= DEEPEST:
                names[output] = operation.name
            else:
                depths[output] = depth
                makers[output] = operation.name


# What leaves numbers as they are, but for their precision.
CONVERTING = {"float", "double", "half", "to", "type", "type_as"}


def name_the_classes(
    names: dict[int, str],
    fixed: Container[int],
    operations: Sequence[Operation],
) -> None:
    """Name rows of zeros and ones for what they are, where they have no name as numbers.

    Parameters
    ----------
    names
        The names so far, which this adds to.
    fixed
        Values that have a name of another kind.
    operations
        The operations in the order in which they ran.
    """
    unnamed: dict[int, None] = {}
    for operation in operations:
        if operation.name == "one_hot":
            unnamed.update(dict.fromkeys(operation.outputs))
        elif operation.name in CONVERTING and operation.inputs[0] in unnamed:
            del unnamed[operation.inputs[0]]
            unnamed.update(dict.fromkeys(operation.outputs))
    for number in unnamed:
        if number not in fixed:
            names.setdefault(number, "one_hot")


def numbered(names: Mapping[int, str], taken: Sequence[str]) -> dict[int, str]:
    """Make names unique: a base that several values share gets `_1`, `_2`, … in order.

    Examples
    --------
    >>> numbered({4: "h", 7: "z", 9: "h"}, taken=["x"])
    {4: 'h_1', 7: 'z', 9: 'h_2'}
    """
    sharing: dict[str, list[int]] = {}
    for value in sorted(names):
        sharing.setdefault(names[value], []).append(value)
    used = set(taken)
    result: dict[int, str] = {}
    for base, values in sharing.items():
        alone = len(values) == 1 and base not in used
        count = 0
        for value in values:
            name = base
            while not alone and (name in used or name == base):
                count += 1
                name = f"{base}_{count}"
            used.add(name)
            result[value] = name
    return {value: result[value] for value in sorted(result)}
