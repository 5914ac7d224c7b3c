"""A page on one run: which elements are worked out, and how their lines are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ...engine.formulas import Steps
from ...engine.graph import BoundOperation
from ...engine.index_ranges import Source
from ...engine.leaves import ROLES
from ...engine.provenance import shortened
from ...engine.run import Run
from ...engine.worked_lines import LineMaker, Worked
from ...ops.broadcasting import indices
from ...ops.linear.linear import LINEAR
from ...symbolic.expression import (
    Expression,
    Index,
    Number,
    Ref,
    Rest,
    references,
)
from ...trace import Array, is_whole
from ..blocks import (
    Lines,
    Matrix,
    Note,
    Places,
    Recipe,
    Summary,
    Walkthrough,
)
from ..checks import Checks
from .draft import Draft, checked, finished, summary_note
from .glossary import introduced
from .header import heading_line, run_remarks
from .not_finite import cause_section
from .products import MOST_PRODUCTS, products
from .run_says import TITLE, sentences
from .tensors import MOST_LARGEST, MOST_NUMBERS, is_big, largest, tensor

MOST_LINES = 16  # of one tensor on an overview page; a page for one step shows more
MOST_DETAILED = 64
# Of a run with more named values than this, or more numbers in all of its values, an overview
# works out so many elements of each, and shows so many numbers one by one.
MANY_VALUES, MANY_NUMBERS, FEW_LINES, FEW_NUMBERS = 60, 1_000_000, 3, 16
MOST_SUMMANDS = 24  # of one line; of a longer sum the largest are shown, and the rest
LONG_SUMS = "Of each long sum the largest parts are shown; the last is all others."


def is_large(run: Run) -> bool:
    """Whether a run has so many values, or numbers, that a page shows little of each."""
    named = sum(1 for _ in Steps(run).named())
    return named > MANY_VALUES or run.trace.numbers > MANY_NUMBERS


class RunPage(Draft):
    """A page on a run, with the formulas and the lines of its steps.

    Parameters
    ----------
    only
        Names of the values that the page is about, each with all of its lines; an overview
        of all values when empty.
    latex
        Add each line's LaTeX.
    """

    def __init__(self, run: Run, only: Sequence[str] = (), latex: bool = False) -> None:
        super().__init__()
        self.run = run
        self.steps = Steps(run)
        self.make = LineMaker(run, self.steps)
        self.targets = {run.value(name).id for name in only}
        self.latex = latex
        # Of many values an overview shows little each: nobody reads ten thousand lines.
        many = not self.targets and is_large(run)
        self.most_lines = FEW_LINES if many else MOST_LINES
        self.most_worked = FEW_LINES if many else MOST_DETAILED
        self.most_numbers = FEW_NUMBERS if many else MOST_NUMBERS

    def name(self, value_id: int) -> str:
        return self.run.trace.values[value_id].label

    def row_label(self, value_id: int, index: Index) -> str:
        """Return what a row of a table calls an element: `0,1`."""
        return self.steps.label(value_id, index).strip("[]")

    # --- what made a value ---

    def is_gated(self, value_id: int) -> bool:
        """Whether a value was made by what passes a number on as it is or stops it."""
        rule = self.run.graph.rule(value_id)
        return rule is not None and rule.gate

    def linear_layer(self, value_id: int) -> BoundOperation | None:
        """Return the linear layer that made a value; None where another op did."""
        bound = self.run.graph.producer(value_id)
        return bound if bound and bound.rule is LINEAR else None

    def layer_detail(self, value_id: int, activation: int | None, title: str) -> str:
        """Say which layer made a value: `fc1: Linear 4→8, then ReLU`; its name once."""
        bound = self.linear_layer(value_id)
        if bound is None or not bound.operation.module:
            return ""
        weight = self.run.trace.values[bound.operation.inputs[1]]
        after = self.run.graph.rule(activation) if activation else None
        then = f", then {after.title}" if after else ""
        # The module that called it need not be whose weight it is, as in an attention.
        of_weight, dot, _ = (weight.name or "").rpartition(".weight")
        layer = of_weight if dot and weight.kind == "parameter" else ""
        layer = layer or bound.operation.module
        named = "" if title == layer else f"{layer}: "
        return f"{named}Linear {weight.shape[1]}→{weight.shape[0]}{then}"

    def activation_of(self, value_id: int) -> int | None:
        """Return the named value that is an activation of this one, directly, if any."""
        for bound in self.run.graph.consumers(value_id):
            named = self.run.trace.values[bound.output].name is not None
            if named and bound.rule and bound.rule.activation:
                return bound.output
        return None

    # --- which elements ---

    def indices(self, value_id: int, most: int) -> list[Index]:
        """Return the first indices of a value, in order."""
        return list(islice(indices(self.run.trace.values[value_id].shape), most))

    def chosen(self, value_id: int, array: Array, most: int, detailed: bool) -> list[Index]:
        """Return which elements of a value are worked out.

        The first ones, in order; of a big one those that its summary lists, where `array`
        is largest, and some more on a page for it alone.
        """
        if not is_big(array, self.most_numbers):
            return self.indices(value_id, most)
        return largest(array, min(most, MOST_LINES if detailed else MOST_LARGEST))

    def shown_by(
        self, source: Source, shown: Sequence[object], chosen: Source
    ) -> dict[str, object]:
        """Say which elements `chosen` gave, for a page that chooses anew."""
        array = self.run.values[source.value_id]
        return {
            "of": source,
            "count": len(shown),
            "by": chosen if is_big(array, self.most_numbers) else None,
        }

    def omitted(self, value_id: int, shown: Sequence[object]) -> int:
        """Return how many elements of a value are not among those shown."""
        return self.run.values[value_id].size - len(shown)

    # --- whole tensors ---

    def value_block(self, value_id: int, places: Places) -> Matrix | Summary:
        """Return a value's numbers as far as they fit the page."""
        value, array = self.run.trace.values[value_id], self.run.values[value_id]
        places = "input" if is_whole(array) else places
        role, drop = ROLES[value.kind], self._hidden_axes(value_id)
        source = Source(value_id)
        return tensor(
            value.label,
            array,
            role,
            places,
            ask=value.label,
            drop=drop,
            source=source,
            most=self.most_numbers,
        )

    def gradient_block(
        self, value_id: int, name: str, gradient: Array, term: str | None = None
    ) -> Matrix | Summary:
        """Return the gradient at a value as far as it fits the page."""
        block = tensor(
            name,
            gradient,
            "gradient",
            "gradient",
            accent=True,
            ask=f"{self.name(value_id)}.grad",
            drop=self._hidden_axes(value_id),
            source=Source(value_id, True, term),
            most=self.most_numbers,
        )
        if isinstance(block, Summary):
            return block
        return block._replace(signed_zeros=is_reference(self.run))

    def _hidden_axes(self, value_id: int) -> int:
        """Return how many leading axes an index on the page leaves out."""
        rank = len(self.run.trace.values[value_id].shape)
        return rank - len(self.steps.shown_index(value_id, (0,) * rank))

    # --- lines ---

    def lines(
        self,
        name: str,
        lines: Sequence[Worked],
        head: str,
        places: Places,
        omitted: int = 0,
        quiet: bool = False,
        recipe: Recipe = None,
    ) -> Lines:
        """Return a block of lines, with long sums shortened to their largest terms and the rest.

        What is checked stays the whole sum: the lines were evaluated before.
        """
        short = (shortened(line.expression, MOST_SUMMANDS) for line in lines)
        fitted = [line._replace(expression=each) for line, each in zip(lines, short, strict=True)]
        return Lines(
            name,
            tuple(fitted),
            head,
            places,
            omitted=omitted,
            latex=self.latex,
            quiet=quiet,
            recipe=recipe,
        )

    def work_out(
        self,
        block: Lines,
        lines: Sequence[Worked],
        noun: str,
        whose: str = "PyTorch's",
        tail: str = "",
        long: str = LONG_SUMS,
        heads: Sequence[str] = (),
    ) -> None:
        """Add the block of some lines, and what came of checking them.

        Parameters
        ----------
        lines
            As they were evaluated; where the block has shortened them, `long` says so.
        noun, whose, tail
            As in `checked`.
        heads
            As in `products`.
        """
        self.add(block, *self.shortened_note(block, long))
        gates = block.recipe and block.recipe.get("gates")
        recipe = block.recipe and {
            "kind": "products", **{name: block.recipe[name] for name in ("of", "count", "by")}
        }  # fmt: skip
        for table in products(block.name, lines, heads):
            largest = table.columns[0].role == "text"
            cut = len(heads) > MOST_PRODUCTS and not largest
            own = recipe and {**recipe, "names": heads if cut else None, "largest": largest}
            self.add(table._replace(recipe=own))
        self.add(checked(lines, noun, whose, tail, gates=gates))

    def shortened_note(self, block: Lines, words: str = LONG_SUMS) -> list[Note]:
        """Say that some of a block's lines leave out parts of a sum, if they do."""
        refs = (ref for line in block.lines for ref in references(line.expression))
        shortened = not block.quiet and any(isinstance(ref, Rest) for ref in refs)
        return [Note(words)] if shortened else []

    def asides(self, lines: Sequence[Worked]) -> None:
        """Work out the numbers that only some lines speak of, as the means of a norm.

        Of a long sum these are the numbers of the parts that are shown.

        Parameters
        ----------
        lines
            As they are shown.
        """
        asides: dict[Ref, Worked] = {}
        for line in lines:
            self._collect_asides(line.expression, asides)
        if asides:
            block = self.lines("", tuple(asides.values()), "", "value")
            self.add(block, *self.shortened_note(block))

    def _collect_asides(self, expression: Expression, asides: dict[Ref, Worked]) -> None:
        """Work out what a line speaks of, and before it what that speaks of in turn."""
        for ref in references(expression):
            if ref.made is not None and ref not in asides:
                aside = self.make.aside(ref)
                self._collect_asides(shortened(aside.expression, MOST_SUMMANDS), asides)
                asides[ref] = aside

    def finish(
        self, command: str, remarks: Sequence[str] = (), says: bool = False
    ) -> tuple[Walkthrough, Checks]:
        """Return the page with its header and its footer, and its checks.

        Parameters
        ----------
        says
            Whether what the run says stands at its end.
        """
        if says:  # of a page on one step alone the reader knows the words
            self.blocks = introduced(self.blocks)
        said = sentences(self.run) if says else ()
        if said:
            self.open(TITLE)
            self.add(*said)
        self.add(*summary_note(self.blocks), *cause_section(self.run, self.sections + 1))
        header = heading_line(self.run), (*run_remarks(self.run), *remarks)
        return finished(command, *header, self.blocks, self.run)


def is_reference(run: Run) -> bool:
    """Whether a run is the reference's own, whose gradients have their zeros' signs as well."""
    name, x = "VAE 4→8→2→8→4", [[1.0, 2.0, 3.0, 4.0]]
    own = run.label == name and run.seed == 42 and run.arithmetic == "full"
    own = own and not (run.eps_given or run.weights_given)
    return own and run.array("x").tolist() == x


def passed_on(lines: Sequence[Worked]) -> bool:
    """Whether several numbers only moved, so that a grid says more than a line for each."""
    return len(lines) > 1 and all(isinstance(line.expression, Number | Ref) for line in lines)
