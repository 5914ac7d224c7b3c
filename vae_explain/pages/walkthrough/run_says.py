"""What a run says: a few sentences on its numbers, each by a rule of its own.

A rule is a function from a run to one sentence with its numbers, or to none where there is
nothing of its kind to say. None goes by a variable's name: what is a latent, an answer of the
encoder, a reconstruction is read from the recorded graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from ...analysis.replayed_step import CannotReplay, gradient_step
from ...engine.backward_pass import shares
from ...engine.forward_pass import InFloat64, replays_of_part
from ...engine.gradient_ways import answers
from ...engine.run import Run
from ...ops import NotExplained
from ...symbolic.expression import Add, Div, Index, Ref
from ...trace import Array, rows_of
from ..blocks import Quantity, Statement
from .answer import Sentence
from .captions import term_words
from .facts import RATE, Facts
from .run_wording import (
    CARRIED,
    MOST_LISTED,
    MOST_NAMED,
    Parts,
    joined,
    listed,
    places,
    worded,
)
from .tensors import largest_of

TITLE = "What this run says"

Rule = Callable[[Facts], Statement | None]


def loss_parts(facts: Facts) -> Statement | None:
    """Say what the loss adds up, and which outputs carry the error."""
    run, said = facts.run, Sentence()
    terms = [facts.term(term.name) for term in run.trace.terms]
    if len(terms) < 2 or run.values[run.trace.output].size != 1:
        return None
    loss = facts.value(run.trace.output)
    numbers: list[Quantity] = []
    for _, value_id, weight in terms:
        amount = weight * float(run.values[value_id].sum())
        at = () if weight == 1 else None  # else it is not the number that the page has
        ref = Ref(facts.name(value_id), at, "value", amount)
        numbers.append(Quantity(ref, "gradient", "added" if numbers else "number"))
    said.claim(loss, Add(tuple(number.number for number in numbers)))
    each = [
        worded("term", amount=number, term=word)
        for number, (word, *_) in zip(numbers, terms, strict=True)
    ]
    carried = _carried(facts, said)
    return said.done(worded("loss", loss=loss, terms=joined(each, " "), carried=carried))


def _carried(facts: Facts, said: Sentence) -> Parts:
    """Say which few outputs carry the squared error, if a few do."""
    if facts.error is None:
        return []
    made, shape = facts.error.made, facts.run.values[facts.error.made].shape
    total = sum(float(some.sum()) for some in facts.error.amounts())
    most = largest_of(facts.error.amounts(), MOST_NAMED)
    running = np.cumsum([amount for amount, _ in most])
    few = int(np.searchsorted(running, CARRIED * total)) + 1
    if not total or few > len(most) or few >= prod(shape):
        return []
    numbers = [said.number(amount) for amount, _ in most[:few]]
    share = said.number(float(running[few - 1] / total))._replace(form="percent")
    whole = said.number(total)
    said.claim(share, Div(Add(tuple(number.number for number in numbers)), whole.number))
    indices = [tuple(map(int, np.unravel_index(at, shape))) for _, at in most[:few]]
    outputs = listed([facts.named(facts.value(made, index))] for index in indices)
    listed_amounts = listed([number] for number in numbers)
    return worded(
        "carried", few > 1, outputs=outputs, share=share, amounts=listed_amounts, whole=whole
    )


def pulls(facts: Facts) -> Statement | None:
    """Say which of two terms pulls harder at the encoder's answers, and where they oppose."""
    shares_of: dict[int, tuple[Array, Array]] = {}
    for value_id in answers(facts.run):
        terms = facts.terms.by_term(value_id)
        if len(terms) != 2:
            return None
        shares_of[value_id] = terms[0].array, terms[1].array
    total = sum(one.size for one, _ in shares_of.values())
    if not total:
        return None
    said = Sentence()

    def there(value_id: int, index: Index, which: int) -> Parts:
        both = [float(share[index]) for share in shares_of[value_id]]
        one, other = said.number(both[which]), said.number(both[1 - which])
        return worded("there", place=facts.place(value_id, index), one=one, other=other)

    sides = []
    for which in (0, 1):
        many, at = _most(
            {n: _where_larger(each[which], each[1 - which]) for n, each in shares_of.items()}
        )
        if many:
            most, word = there(*at, which), terms[which].word
            sides.append(worded("side", many > 1, term=word, count=many, there=most))
    signs = worded("same")
    many, at = _most({n: _where_opposite(*each) for n, each in shares_of.items()})
    if many:
        signs = worded("opposite", many > 1, count=many, there=there(*at, 0))
    names = " and ".join(map(facts.name, shares_of))
    return said.done(worded("pulls", count=total, answers=names, sides=joined(sides), signs=signs))


def _where_larger(one: Array, other: Array) -> Array:
    """Return the sizes of the numbers that are larger than others, and 0 for the rest."""
    size = np.abs(one)
    return np.where(size > np.abs(other), size, 0)


def _where_opposite(one: Array, other: Array) -> Array:
    """Return the smaller size of two numbers of opposite signs, and 0 for other pairs."""
    opposite = (one < 0) & (other > 0) | (one > 0) & (other < 0)
    return np.where(opposite, np.minimum(np.abs(one), np.abs(other)), 0)


def _most(sizes_of: Mapping[int, Array]) -> tuple[int, tuple[int, Index]]:
    """Return how many sizes of some values are not 0, and whose and where the largest is."""
    tops = {n: sizes.max(initial=0) for n, sizes in sizes_of.items()}
    best = max(tops, key=tops.__getitem__)
    sizes = sizes_of[best]
    index = np.unravel_index(sizes.argmax(), sizes.shape) if sizes.size else ()
    return int(sum(map(np.count_nonzero, sizes_of.values()))), (best, tuple(map(int, index)))


def units_off(facts: Facts) -> Statement | None:
    """Say which units are off, how far from on, and whether they can come back."""
    run, said = facts.run, Sentence()
    layers: list[Parts] = []
    for value_id, before in facts.gates:
        inputs = rows_of(np.asarray(run.values[before], np.float64))
        off = np.flatnonzero((inputs <= 0).all(axis=0))
        if not off.size:
            continue
        if len(layers) == MOST_NAMED:
            break
        nearest = int(off[np.argmax(inputs[:, off].max(axis=0))])
        row = int(np.argmax(inputs[:, nearest]))
        count = inputs.shape[1]
        few = off.size <= MOST_LISTED
        shape = run.values[before].shape
        index = tuple(map(int, np.unravel_index(row * count + nearest, shape)))
        is_named = run.trace.values[before].name is not None
        number = said.number(float(inputs[row, nearest]))
        parts = worded(
            "off",
            int(off.size > 1) if few else 2,
            units=places(off.tolist()) if few else f"{off.size:,} of {count:,}",
            layer=facts.name(value_id),
            unit=nearest,
            nearest=facts.value(before, index) if is_named else number,
            end=comes_back(facts, before),
        )
        layers.append(parts)
    if not layers:
        return None
    first, *others = joined(layers, "; ")
    return said.done([str(first).capitalize(), *others, "."])


def comes_back(facts: Facts, before: int) -> str:
    """Say whether what goes into a layer of gates moves when the model learns."""
    values, graph = facts.run.trace.values, facts.run.graph
    own = graph.step_inputs(before)
    moving = [n for n in own if values[n].kind == "intermediate" and n in facts.run.gradients]
    moving = [n for n in moving if any(graph.depends(n, [p]) for p in facts.run.learning)]
    if moving:
        return f"), and may come on when {facts.name(moving[0])} changes"
    return "), and a step on this input does not change that"


def luck(facts: Facts) -> Statement | None:
    """Say how much the draw of ε decides: by the slope of the loss at it, and by other draws."""
    run = facts.run
    if facts.other_draws is None or run.values[run.trace.output].size != 1:
        return None
    draw, others = facts.other_draws
    values, output = InFloat64(run.values), run.trace.output
    slope = np.zeros(run.values[draw].shape)
    try:
        for bound in run.graph.consumers(draw):
            if bound.output in run.gradients:
                upstream = np.asarray(run.gradients[bound.output], np.float64)
                for _, share in shares(bound, upstream, values, {draw}):
                    slope = slope + share
        replayed = replays_of_part(run.graph, run.values, {draw}, [output])
        losses = [replayed({draw: each})[output].item() for each in others]
    except NotExplained:
        return None
    mean, spread = float(np.mean(losses)), float(np.std(losses, ddof=1))
    if not np.isfinite(mean) or not slope.any():
        return None
    loss = run.values[output].item()
    below = sum(each < loss for each in losses)
    index = tuple(map(int, np.unravel_index(int(np.abs(slope).argmax()), slope.shape)))
    said = Sentence()
    parts = worded(
        "luck",
        count=len(losses),
        noise=facts.name(draw),
        mean=said.number(mean),
        spread=said.number(spread),
        below=below,
        loss=facts.value(output),
        place=facts.named(facts.value(draw, index)),
        slope=said.number(float(slope[index])),
    )
    return said.done(parts)


def step(facts: Facts) -> Statement | None:
    """Say what one step would change, who earns it, and what the gradient predicts."""
    run = facts.run
    if not facts.small or not run.learning or run.values[run.trace.output].size != 1:
        return None
    try:
        after = gradient_step(run, facts.lr).after
    except CannotReplay:
        return None
    output = run.trace.output
    squares = {n: float(np.square(np.asarray(run.gradients[n], float)).sum()) for n in run.learning}
    norm = sum(squares.values())
    if after is None or not norm or not np.isfinite(after.values[output]).all():
        return None
    predicted = facts.lr * norm
    change = run.values[output].item() - after.values[output].item()
    said = Sentence()
    moved, expected = said.number(abs(change)), said.number(predicted)
    share = said.number(change / predicted)._replace(form="percent")
    if change > 0:
        said.claim(share, Div(moved.number, expected.number))
    order = sorted(squares, key=lambda n: -squares[n])
    earned = [n for n in order if squares[n] >= 0.1 * norm][:MOST_NAMED]
    each = [
        worded(
            "earning",
            int(n != earned[0]),
            parameter=facts.name(n),
            share=said.number(squares[n] / norm)._replace(form="percent"),
        )
        for n in earned
    ]
    parts = worded(
        "step",
        int(change > 0),
        lr=f"{facts.lr:g}",
        moved=moved,
        share=share,
        predicted=expected,
        squares=worded("squares"),
        earned=worded("earned", parameters=listed(each)) if each else [],
    )
    return said.done(parts)


def gaussian(facts: Facts) -> Statement | None:
    """Say which Gaussian a squared error assumes, and the β that the KL has beside it."""
    if facts.scales is None:
        return None
    half, variance, beta = facts.scales
    return Statement(
        tuple(worded("gaussian", half=half, variance=f"{variance:.4g}", beta=f"{beta:.4g}"))
    )


def near_the_prior(facts: Facts) -> Statement | None:
    """Say which dimensions of the code have all but the prior: they say next to nothing of x."""
    run = facts.run
    kl = [facts.term(term.name) for term in run.trace.terms if term_words(term.name) == "KL"]
    heads = answers(run)
    if len(kl) != 1 or len(heads) != 2:
        return None
    _, value_id, weight = kl[0]
    pair = [np.asarray(run.values[n], np.float64) for n in heads]
    if pair[0].shape != pair[1].shape or pair[0].ndim != 2 or pair[0].shape[1] < 2:
        return None
    with np.errstate(all="ignore"):
        each = 0.5 * (np.exp(pair[1]) + pair[0] ** 2 - 1 - pair[1])
    total = float(run.values[value_id].sum())
    scale = total / float(each.sum()) if each.sum() else 0.0
    reductions = 1.0, 1 / each.size, 1 / each.shape[0], 1 / each.shape[1]
    if not scale or not any(np.isclose(scale, s, rtol=1e-3) for s in reductions):
        return None  # another KL than that of two Gaussians with a diagonal
    carried = each.sum(axis=0) * scale
    few = [int(at) for at in np.flatnonzero(carried < 0.1 * total / len(carried))]
    if not few:
        return None
    said = Sentence()
    part = float(carried[few].sum())
    if run.values[value_id].size == 1:
        whole = facts.value(value_id)
    else:  # one of each row: what they bring to the loss
        part *= weight
        whole = Quantity(Ref(facts.name(value_id), None, "value", weight * total), "gradient")
    parts = worded(
        "prior",
        len(few) > 1,
        latents=places(few),
        count=len(carried),
        part=said.number(part),
        kl=whole,
    )
    return said.done(parts)


RULES: tuple[Rule, ...] = (loss_parts, pulls, units_off, near_the_prior, luck, step, gaussian)


def sentences(run: Run, lr: float = RATE) -> tuple[Statement, ...]:
    """Return what a run says; nothing of one whose numbers are no numbers."""
    return statements(Facts(run, lr))


def statements(facts: Facts) -> tuple[Statement, ...]:
    """Return what each rule says of a run, as `sentences` does."""
    if not facts.run.is_finite or not len(facts.run.gradients):
        return ()
    said = (rule(facts) for rule in RULES)
    return tuple(statement for statement in said if statement is not None)
