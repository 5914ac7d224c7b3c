"""Which lists of a document must be as long as each other, by its formulas.

`z = μ + σ ⊙ ε` has four lists of one length, and `h = x·W` one number in x for each row of W. What
is no list that is stated, or unknown, says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise

from ..arithmetic.alike import OF_EACH
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Symbol,
    Total,
    Transposed,
    Tree,
    inside,
    is_numeric,
    key_of,
    literals,
    quantities,
)
from .chains import Chain
from .lists import key_of_numbers, tells, term_columns, terms_of
from .scope import FAMILY
from .shaped import (
    Axis,
    Form,
    MatrixUse,
    Shaped,
    ShapedValues,
    are_row_and_column,
    every_index,
    form_of,
    shape_of,
    summed,
)
from .sides import Side

AS_MANY = OF_EACH | {"softmax"}  # functions of a list that give as many numbers
OF_ALL = {"sum", "mean", "norm", "norm1"}
ANY_FUNCTION = ("f", "g", "φ")  # before brackets
LIMIT = re.compile(r"\\sum(?:\\limits)?_\{?\w\s*=\s*1\}?\^\{?(\d{1,3})(?!\d)")


class Sizes:
    """What must be as long as what.

    Attributes
    ----------
    pairs
        Two axes of one length.
    uses
        The products of a list and a matrix.
    """

    def __init__(self, chains: Sequence[Chain]) -> None:
        self.values = ShapedValues(chains)
        self.pairs: list[tuple[Axis, Axis]] = []
        self.uses: list[MatrixUse] = []
        self.number = 0  # of the equation at hand
        self.letters: set[str] = set()  # that run over all, in the side at hand
        self.limit = 0  # up to which it sums
        self.single_rows: set[int] = set()  # lists that are matrices of one row
        for self.number, chain in enumerate(chains):
            self._equation(chain)
        self._multiplied_out(chains)
        self._restated()
        self._latents()

    def _multiplied_out(self, chains: Sequence[Chain]) -> None:
        """Take a list to be as long as a sum of products that has its numbers in order."""
        sums: dict[tuple[float, ...], Shaped] = {}
        for number, chain in enumerate(chains):
            for column in term_columns(chain):
                place = number, id(column.tree)
                shape = (len(column.numbers),)
                if column.ordered and tells(column.numbers):
                    written = Shaped("", column.tree, column.result.line, place, shape)
                    sums[key_of_numbers(column.numbers)] = written
        for stated in self.values.stated.values() if sums else ():
            for one in stated:
                out = sums.get(key_of_numbers(literals(one.tree)))
                if out is not None and len(one.shape) == 1 and not one.elements:
                    self.pairs.append((Axis(one, 0), Axis(out, 0)))

    def _restated(self) -> None:
        """Take what is stated one by one, and then as a list, to be as long."""
        for elements, whole in self.values.restated():
            self.pairs.append((Axis(elements, 0), Axis(whole, 0)))

    def _latents(self) -> None:
        """Take the mean, deviation and noise of one distribution to be as long as each other.

        Another mean, or deviation, begins another distribution.
        """
        every = self.values.stated
        noise = [key for key in every if key.startswith("ε")]
        drawn = [f"z{key[1:]}" for key in noise if key[1:]]
        family = [one for key in (*FAMILY, "μ", *noise, *drawn) for one in every.get(key, ())]
        last: dict[str, Shaped] = {}  # of the mean and the deviations at hand
        for one in sorted(family, key=lambda stated: stated.place):
            if one.elements or len(one.shape) != 1:
                continue
            of_own = one.name in (*FAMILY, "μ")
            if of_own and one.name in last and last[one.name].tree != one.tree:
                last = {}
            self.pairs += ((Axis(other, 0), Axis(one, 0)) for other in last.values())
            if of_own:
                last[one.name] = one

    def _equation(self, chain: Chain) -> None:
        """Take the sides of an equation to be as long as each other."""
        first = chain.sides[0].tree
        forms: list[Form | None] = []
        if first is not None and key_of(first) is not None and chain.formulas:
            own = self.values.meant(first, self.number, own=True)
            forms = [] if own is None else [form_of(own)]
        for place, side in enumerate(chain.sides):
            if side.tree is None or (not place and key_of(side.tree) is not None):
                continue
            forms.append(self._side(side, place))
        reduce(self._both, forms, None)
        for one, other in pairwise(chain.sides):
            if one.tree is not None and other.tree is not None:
                self._put_in(one.tree, other.tree)
                self._written_out(one.tree, other.tree)

    def _written_out(self, formula: Tree, written: Tree) -> None:
        """Take a list whose numbers are summed to be as long as the sum that is written out."""
        bodies = [body for part in inside(formula) for body in summed(part)]
        terms = terms_of(written)[0] if is_numeric(written) else ()
        if len(bodies) == 1 and len({len(literals(term)) for term in terms}) == 1:
            self.letters = _letters(bodies[0])
            self._up_to(len(terms), written, self._of(bodies[0]))

    def _side(self, side: Side, place: int) -> Form | None:
        assert side.tree is not None, "only what was read has a length"
        limits = LIMIT.findall(side.text)
        self.limit = int(limits[0]) if len(limits) == 1 else 0
        self.letters = _letters(side.tree)
        for part in inside(side.tree):
            if isinstance(part, Product):
                pairs = pairwise(part.factors)
                self.single_rows |= {
                    id(one) for one, other in pairs if are_row_and_column(one, other)
                }
        return (
            self._written(side.tree, place) if isinstance(side.tree, Row) else self._of(side.tree)
        )

    def _put_in(self, formula: Tree, written: Tree) -> None:
        """Take the lists that are put into a product to be as long as those that they are."""
        products = [part for part in inside(formula) if isinstance(part, Product)]
        if not isinstance(written, Product) or not any(isinstance(f, Row) for f in written.factors):
            return
        alike = [p for p in products if len(p.factors) == len(written.factors)]
        self.letters = set()
        for one, other in zip(alike[0].factors, written.factors, strict=True) if alike else ():
            if isinstance(other, Row) and not isinstance(one, Row):
                self._both(self._of(one), self._of(other))

    def _of_name(self, name: Tree) -> Form | None:
        """Return how long a quantity is; of `x_i` beside `y_k`, or beside all of y, nothing."""
        if self.letters != ({every_index(name)} - {""}):
            return None
        stated = self.values.meant(name, self.number)
        return None if stated is None else form_of(stated)

    def _written(self, tree: Row, place: int) -> Form | None:
        """Return how long a list is that stands in arithmetic."""
        shape = (1, len(tree.entries)) if id(tree) in self.single_rows else shape_of(tree)
        if shape is None or not is_numeric(tree):  # `[x; h]` is as long as both
            return None
        line = next((number.line for number in literals(tree)), 0)
        return form_of(Shaped("", tree, line, (self.number, place), shape))

    def _of(self, tree: Tree) -> Form | None:
        """Return how long a formula's result is; None if that is not known."""
        if not isinstance(tree, Literal) and key_of(tree) is not None:
            return self._of_name(tree)
        match tree:
            case Literal():
                return Form(())
            case Row():
                return self._written(tree, id(tree))
            case Negative(body) | Power(body, Literal()):
                return self._of(body)
            case Transposed(body):
                inner = self._of(body)
                return None if inner is None else Form(inner.axes[::-1], not inner.turned)
            case Sum(terms):
                return reduce(self._both, map(self._of, terms), None)
            case Product():
                return self._product(tree)
            case FunctionCall(function, (body,)) if function in AS_MANY:
                return self._of(body)
            case FunctionCall(function, (body,)) if function in OF_ALL:
                self._of(body)
                return Form(())
            case Total(_, body, None):
                self._up_to(self.limit, tree, self._of(body))
                return Form(())
        return None

    def _up_to(self, count: int, tree: Tree, body: Form | None) -> None:
        """Take what is summed to have as many numbers as its sum says."""
        if count > 1:
            terms = Shaped("", tree, 0, (self.number, id(tree)), (count,))
            self._both(form_of(terms), body)

    def _both(self, one: Form | None, other: Form | None) -> Form | None:
        """Take two terms to be as long as each other; what is unknown or a number may be added."""
        if one is None or other is None or not (one.axes and other.axes):
            return one if other is None or (one is not None and one.axes) else other
        if len(one.axes) == len(other.axes):
            self.pairs += zip(one.axes, other.axes, strict=True)
        return max(one, other, key=lambda form: len(form.axes))

    def _product(self, tree: Product) -> Form | None:
        first, *rest = tree.factors
        if isinstance(first, Symbol) and first.base in ANY_FUNCTION and isinstance(rest[0], Sum):
            return self._of(rest[0]) if len(rest) == 1 else None
        form = self._of(first)
        for factor, sign in zip(rest, tree.signs[1:], strict=True):
            other = self._of(factor)
            if sign in ("/", "⊙"):
                form = self._both(form, other)
            elif form is None or other is None:
                form = None
            elif not (form.axes and other.axes):
                form = form if form.axes else other
            else:
                form = self._multiplied(form, other)
        return form

    def _multiplied(self, one: Form, other: Form) -> Form | None:
        """Return how long the product of two lists or matrices is, where it is one of matrices."""
        if self.letters:
            return self._both(one, other)
        match one.axes, other.axes:
            case (vector,), (rows, columns) if rows.size == 1 < vector.size == columns.size:
                self.pairs.append((vector, columns))  # the one column of a matrix, written as a row
                return None
            case (a,), (b,):
                if not (other.turned and not one.turned):  # each number with each
                    self.pairs.append((a, b))
                return None
            case (vector,), (rows, columns):
                return self._used(vector, rows, columns, first=False)
            case (rows, columns), (vector,):
                return self._used(vector, columns, rows, first=True)
            case (_, a), (b, _):
                self.pairs.append((a, b))
                return Form((one.axes[0], other.axes[1]))
        return None

    def _used(self, vector: Axis, inner: Axis, given: Axis, first: bool) -> Form | None:
        if inner.of.place != given.of.place:
            self.pairs.append((vector, inner))
            return Form((given,))
        use = MatrixUse(inner.of, vector, inner, given, first)
        self.uses.append(use)
        if use.is_turned:
            return Form((inner,))
        self.pairs.append((vector, inner))
        return Form((given,))

    def beside(self, axis: Axis) -> set[tuple[int, int, int]]:
        """Return what a formula has beside something."""
        pairs = ({one.key, other.key} for one, other in self.pairs)
        return {key for pair in pairs if axis.key in pair for key in pair}

    def alike(self) -> Iterator[list[Axis]]:
        """Yield all that must be as long as each other."""
        axes: dict[tuple[int, int, int], Axis] = {}
        leads: dict[tuple[int, int, int], tuple[int, int, int]] = {}

        def lead(key: tuple[int, int, int]) -> tuple[int, int, int]:
            while leads[key] != key:
                leads[key] = key = leads[leads[key]]
            return key

        for pair in self.pairs:
            for axis in pair:
                axes.setdefault(axis.key, axis)
                leads.setdefault(axis.key, axis.key)
            leads[lead(pair[0].key)] = lead(pair[1].key)
        groups: dict[tuple[int, int, int], list[Axis]] = {}
        for key, axis in axes.items():
            groups.setdefault(lead(key), []).append(axis)
        yield from groups.values()


def _letters(tree: Tree) -> set[str]:
    """Return the letters that run over all in a formula."""
    return {index for name in quantities(tree) if (index := every_index(name))}
