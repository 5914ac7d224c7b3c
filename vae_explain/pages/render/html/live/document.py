"""The document as one HTML file whose numbers can be changed, and all that follows from them.

It is the document, with two things more. The page's data has the run's formulas, each once,
and how each block follows from the arrays. The script is the modules beside this file, joined:
it computes all numbers anew and writes the blocks again, as `html/` does in Python. Until it
has found that it writes what Python wrote, the page is the document and nothing else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .....engine.index_ranges import Source, contract
from .....engine.run import Run
from .....trace import is_whole
from ....blocks import (
    Block,
    Heading,
    Lines,
    Matrix,
    Note,
    Recipe,
    Statement,
    Summary,
    Table,
    Walkthrough,
)
from ....pictured import Diagram, Edge
from ...diagram_layout import MOST_CIRCLES
from ...numbers import Numbers
from .. import breaking
from ..arithmetic import named
from ..document import HtmlPage, assembled
from ..keys import Key, anchor_of
from ..links import Links
from ..mathml import indices_in_signs, symbol
from ..mathml import name as name_in_signs
from .script import script, style
from .shape import beside, grouped, kind_of, without_signs
from .weighing import PROBES, varying
from .weighing import formulas as formulas_by_weight

# Of a region: positions of arrays, which may be 0.
PLACES = "of", "by", "less", "before", "after", "arriving", "gate", "parameter"

# What the script needs of a block as it is.
COPIED: Mapping[type[Block], str] = {
    Lines: "head places omitted quiet leaves",
    Matrix: "places role accent",
    Summary: "places role accent name",
}
FEWEST_PACKED = 100  # numbers of an array that is written by its bytes
# Makes a run and its document with another weight of the KL.
Weighing = Callable[[float], tuple[Run, Walkthrough]]
_TAG = re.compile(r"<[a-z][^<>]*>")
_QUOTES = re.compile(r"""( [\w-]+)="([^\s"'=<>`/]+)"(?=[ >])""")
_ENDS = re.compile(r"</t[dhr]>(?=<t[dhr][ >]|</t)|</li>(?=<li[ >]|</[ou]l)")
_COUNTED = re.compile(r' data-n="\d+"')


def write(
    walkthrough: Walkthrough,
    run: Run,
    settings: Mapping[str, Any],
    picture: str = "",
    weighing: Weighing | None = None,
) -> str:
    """Return the live page of a run.

    Parameters
    ----------
    weighing
        Makes the run and its document with another weight of the KL, if that can be changed.
    settings
        What the page has to know besides: its learning rate, the command that makes it.

    Raises
    ------
    NotLive
        If some number of the run cannot be computed from formulas alone.
    """
    formulas = contract(run)
    numbers = Numbers(settings.get("digits"))
    recipe, shape = None, walkthrough
    if weighing is not None:
        if settings.get("beta") == 0:  # whose document leaves out what another weight needs
            shape = weighing(PROBES[0])[1]
        recipe = by_weight(shape, run, picture, numbers, weighing)
    texts, sets = recipe or ({}, None)
    if sets is not None:
        formulas = {**formulas, **sets}
        del formulas["formulas"]
    shape = shape if recipe else walkthrough
    page, body = written(walkthrough, run, picture, numbers, formulas, texts, shape)
    bound = _probabilities(run)
    arrays = [
        _packed(_derivable(each), run.decimals)
        | ({"ends": [0, 1]} if each["name"] in bound else {})
        for each in formulas["arrays"]
    ]
    brief = {**formulas, "arrays": arrays}
    data = {"run": brief, "signs": page.signs(formulas), "regions": page.regions, **settings}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return assembled(
        walkthrough.title,
        _lean(body),
        text.replace("<", "\\u003c"),
        style(),
        script(),
        picture,
    )


def by_weight(
    walkthrough: Walkthrough, run: Run, picture: str, numbers: Numbers, weighing: Weighing
) -> tuple[dict[int, dict[str, Any]], dict[str, Any]] | None:
    """Return the texts and formulas that depend on the KL's weight; None if they are unclear."""
    contracts: dict[float, Mapping[str, Any]] = {}

    def fixed(walkthrough: Walkthrough, run: Run, formulas: Mapping[str, Any]) -> list[str]:
        page, _ = written(walkthrough, run, picture, numbers, formulas)
        return page.fixed

    def with_weight(weight: float) -> list[str]:
        other, its_walkthrough = weighing(weight)
        contracts[weight] = contract(other)
        return fixed(its_walkthrough, other, contracts[weight])

    texts = varying(fixed(walkthrough, run, contract(run)), with_weight)
    if texts is None:
        return None
    both = formulas_by_weight({weight: contracts[weight] for weight in (1.0, *PROBES)})
    return None if both is None else (texts, both)


def written(
    walkthrough: Walkthrough,
    run: Run,
    picture: str,
    numbers: Numbers,
    formulas: Mapping[str, Any],
    texts: Mapping[int, Any] | None = None,
    shape: Walkthrough | None = None,
) -> tuple[LivePage, str]:
    """Return a page and its body, written a second time with all links known.

    Parameters
    ----------
    texts
        The fixed texts that go by the weight of the KL, by position.
    shape
        Another document, which has the regions; that of the page itself when None.
    """
    first = LivePage(walkthrough, picture, Links(numbers), run, formulas, texts, shape)
    first.body()
    links = Links(numbers, first.links)
    page = LivePage(walkthrough, picture, links, run, formulas, texts, shape)
    # The script finds a number by its anchor, and counts anew.
    return page, _COUNTED.sub("", page.body())


class LivePage(HtmlPage):
    """The body of the page, whose regions are marked: what the script writes anew."""

    def __init__(
        self,
        walkthrough: Walkthrough,
        picture: str,
        links: Links,
        run: Run,
        formulas: Mapping[str, Any],
        by_weight: Mapping[int, Any] | None = None,
        shape: Walkthrough | None = None,
    ) -> None:
        super().__init__(walkthrough, picture, links)
        self.shape = shape or walkthrough
        self.run = run
        self.by_weight = by_weight or {}
        self.fixed: list[str] = []  # the texts that are in no region
        # Where each array stands in the contract, by its name.
        self.positions = {
            (
                each.get("at", each.get("moved", each["name"])),
                each["role"] == "gradient",
                each.get("term"),
                each.get("through"),
                "moved" in each,
            ): at
            for at, each in enumerate(formulas["arrays"])
        }
        self.regions: list[dict[str, Any]] = []

    def tools(self) -> str:
        return TOOLS

    def section(self, heading: Heading, anchor: str) -> str:
        recorded = " data-recorded" if heading.recorded else ""
        return super().section(heading, anchor).replace("<section", f"<section{recorded}", 1)

    def written(self, blocks: Sequence[Block]) -> Iterator[str]:
        pairs = [(group, group) for group in grouped(blocks)]
        if self.shape is not self.walkthrough:
            end = len(blocks) - len(self.walkthrough.blocks) or None  # without the footer, if so
            pairs = list(beside(grouped(blocks), grouped(self.shape.blocks[:end])))
        for own, (block, *_) in pairs:
            text = "\n".join(map(self.block, map(without_signs, own)))
            recipe = getattr(block, "recipe", None)
            if self.is_recorded(block):
                within = any(heading.recorded for heading in self.open)
                yield text if within else f"<div data-recorded>{text}</div>"
            elif made := self.region(block, recipe):
                if [*map(kind_of, own)][:1] != [kind_of(block)]:
                    made["unlike"] = True  # of the document that the page begins with
                if made["kind"] == "checked" and own:
                    made["words"] = getattr(own[0], "text", "")
                self.regions.append(_brief(made))
                yield f"<!--[{len(self.regions) - 1}-->{text}<!--{len(self.regions) - 1}]-->"
            else:
                yield self._fixed(text)

    def _fixed(self, text: str) -> str:
        """Return a text that stays, in a region of its own if the weight of the KL changes it."""
        texts = self.by_weight.get(len(self.fixed))
        self.fixed.append(text)
        if texts is None:
            return text
        self.regions.append({"kind": "weighed", "texts": texts})
        at = len(self.regions) - 1
        return f"<!--[{at}-->{text}<!--{at}]-->"

    def is_recorded(self, block: Block) -> bool:
        """Whether a block has numbers that the page cannot compute again, and must not change."""
        if getattr(block, "recipe", None) is not None:
            return False
        numbers = isinstance(block, Lines | Matrix | Statement | Summary | Table)
        return numbers and not _is_fixed(block)

    def region(self, block: Block, recipe: Recipe) -> dict[str, Any] | None:
        """Return what the script needs to write a block anew; None for one that stays."""
        if isinstance(block, Diagram) and block.network and self.picture:
            nodes = [Source(self.run.value(node.name).id) for node in block.network.nodes]
            losses = [
                {"of": Source(self.run.value(loss.name).id), "inputs": ", ".join(loss.inputs)}
                for loss in block.network.losses
            ]
            edges = [self._edge(edge, nodes) for edge in block.network.edges]
            drawn = {"kind": "diagram", "nodes": nodes, "edges": edges, "losses": losses}
            picture: dict[str, Any] = self._placed({**drawn, "most": MOST_CIRCLES})
            return picture
        if recipe is None:
            return None
        region: dict[str, Any] = self._placed(dict(recipe))
        region |= {name: getattr(block, name) for name in COPIED.get(type(block), "").split()}
        if isinstance(block, Lines):
            region |= {
                "columns": list(map(named, block.columns)),
                "named": named(block.name),
                "label": name_in_signs(block.name) if block.total else "",
            }
            if block.after:
                region["afterNamed"] = named(block.after.name)
                region["formula"] = self.arithmetic.after_formula(block.after)
        elif isinstance(block, Note):
            region["words"] = block.text
        elif isinstance(block, Matrix):
            region["whole"] = is_whole(np.asarray(block.array))
        elif isinstance(block, Table):
            region["heads"] = [named(column.header) for column in block.columns]
            if names := region.get("names"):
                region["names"] = list(map(named, names))
        return region

    def _edge(self, edge: Edge, nodes: Sequence[Source]) -> dict[str, Any]:
        weight = self.run.trace.by_name.get(f"{edge.layer}.weight") if edge.layer else None
        through = None if weight is None else Source(weight.id)
        return {"from": nodes[edge.start], "to": nodes[edge.end], "weight": through}

    def _placed(self, data: Any) -> Any:
        """Write the position of each array in place of its source."""
        if isinstance(data, Source):
            return self.place(data)
        if isinstance(data, Mapping):
            return {key: self._placed(part) for key, part in data.items()}
        if isinstance(data, list | tuple):
            return [self._placed(part) for part in data]
        return data

    def place(self, source: Source) -> int:
        values = self.run.trace.values
        through = None if source.through is None else values[source.through].label
        name = values[source.value_id].name
        return self.positions[(name, source.gradient, source.term, through, source.moved)]

    def signs(self, formulas: Mapping[str, Any]) -> list[dict[str, Any] | None]:
        """Return how each array is written in markup; None for one that has no name."""
        arrays = formulas["arrays"]
        return [None if array.get("term") else self._signs(array) for array in arrays]

    def _signs(self, array: Mapping[str, Any]) -> dict[str, Any]:
        name, rank = array["name"], len(array["shape"]) - array["hidden"]
        probe = (-1,) * rank
        index = indices_in_signs(probe) if rank else "\x00"
        mark = symbol(name, probe, fraction=False)
        label = breaking.name(name, probe)
        signs: dict[str, Any] = {"sign": mark.body.split(index, 1)}
        if label != f"<math>{mark.body}</math>":
            signs["label"] = label.split(index, 1)
        if anchor_of(Key(name, ())) != name:
            signs["anchor"] = anchor_of(Key(name, ()))
        if mark.compound:
            signs["compound"] = True
        return signs


TOOLS = (
    '<div id="page:live" role="region" aria-label="Change the numbers" hidden></div>'
    "<noscript><p>Without JavaScript this page is the document: nothing in it can be changed."
    "</p></noscript>"
)


def _lean(body: str) -> str:
    """Leave out the quotes and the ends of cells, rows and items that HTML does not need."""
    body = _TAG.sub(lambda tag: _QUOTES.sub(r"\1=\2", tag[0]), body)
    return _ENDS.sub("", body)


def _derivable(array: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out what the array of a gradient, or of a step, has from that of the value."""
    own = {key: array[key] for key in ("at", "term", "through", "moved") if key in array}
    return own or array


def _probabilities(run: Run) -> set[str | None]:
    """Return the names of the inputs that a cross-entropy takes for probabilities."""
    values = run.trace.values
    calls = [each for each in run.trace.operations if each.name == "binary_cross_entropy"]
    return {
        values[each].name for call in calls for each in call.inputs if values[each].kind == "input"
    }


def _packed(array: Mapping[str, Any], decimals: int | None) -> dict[str, Any]:
    """Write the numbers of a big array by their bytes, in the shortest type that has them all."""
    numbers = np.asarray(array.get("numbers", ()))
    if numbers.size < FEWEST_PACKED:
        return dict(array)
    scale = 10.0 ** (decimals or 0)
    whole = np.clip(np.rint(numbers * scale), -(2**15), 2**15 - 1)
    single = numbers.astype("<f4")
    if (whole / scale == numbers).all():
        packed, kind = whole.astype("<i2"), "Int16"
    elif (single == numbers).all():
        packed, kind, scale = single, "Float32", 1.0
    else:
        packed, kind, scale = numbers.astype("<f8"), "Float64", 1.0
    text = base64.b64encode(packed.tobytes()).decode()
    return {**array, "numbers": [kind, scale, text]}


def _brief(region: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a region has not; the script takes it for false."""
    given = {key: part for key, part in region.items() if not (part is None or part is False)}
    return {
        key: part
        for key, part in given.items()
        if key in PLACES or (part not in ("", 0) and (part or key != "columns"))
    }


def _is_fixed(block: Block) -> bool:
    """Whether a table speaks of the model and not of the run's numbers: it has words and counts."""
    if not isinstance(block, Table):
        return False
    return all(isinstance(cell, str | int) for row in block.rows for cell in row)
