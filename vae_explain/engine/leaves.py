"""Where a formula goes no further: a number of a tensor, or one of the user's code."""

from __future__ import annotations

import numpy as np

from ..ops.at_once import is_many
from ..quick_classes import NamedTuple, dataclass
from ..symbolic.expression import Each, Expression, Index, Number, Ref, Role
from ..trace import Array, Kind

ROLES: dict[Kind, Role] = {
    "input": "input",
    "parameter": "parameter",
    "buffer": "parameter",
    "noise": "noise",
    "constant": "input",
    "intermediate": "value",
}


class TensorRefs(NamedTuple):
    """Makes the references to one tensor, each once: a long sum has thousands of them.

    `hidden_axes` is how many leading axes a written index leaves out.
    """

    name: str
    role: Role
    array: Array
    hidden_axes: int
    number_type: type[int | float]  # a whole number stays one
    refs: dict[Index | None, Ref]

    def at(self, index: Index | None) -> Ref:
        if index is not None and is_many(index):
            return self.each(index)
        ref = self.refs.get(index)
        if ref is None:
            if index is None:
                ref = Ref(self.name, None, self.role, self.array)
            else:
                element = self.number_type(self.array.item(index))
                ref = Ref(self.name, index[self.hidden_axes :], self.role, element)
            self.refs[index] = ref
        return ref

    def each(self, index: Index) -> Each:
        """Return the elements at an index of arrays, for the formula of all of them."""
        # Where arrays are the same the numbers are; that is enough to add up like terms.
        key = tuple(id(at) if isinstance(at, np.ndarray) else -int(at) - 1 for at in index)
        numbers = np.asarray(self.array[index], dtype=np.float64)
        one = self.at
        return Each(self.name, None, self.role, numbers, key=key, places=index, one=one)


@dataclass(frozen=True, slots=True)
class ConstantOperand:
    """A plain number of the user's code."""

    value: float
    shape: tuple[int, ...] = ()

    @property
    def array(self) -> Array:
        return np.asarray(self.value)

    def at(self, index: Index) -> Expression:
        return Number(self.value)

    def whole(self) -> Expression:
        return Number(self.value)
