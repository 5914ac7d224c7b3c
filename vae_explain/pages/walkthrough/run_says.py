"""What a run says: a few sentences on its numbers, each by a rule of its own.

A rule is a function from a run to one sentence with its numbers, or to none where there is
nothing of its kind to say. None goes by a variable's name: what is a latent, an answer of the
encoder, a reconstruction is read from the recorded graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ...analysis.replayed_step import CannotReplay, gradient_step
from ...engine.backward_pass import shares
from ...engine.formulas import Steps, gradient_name
from ...engine.forward_pass import InFloat64, replays_of_part
from ...engine.gradient_ways import answers
from ...engine.roles import reconstruction, standard_draws
from ...engine.run import Run
from ...ops import NotExplained
from ...symbolic.expression import Add, Div, Index, Ref
from ...symbolic.text import index_text
from ...trace import Array, rows_of
from ..blocks import Claim, Quantity, Statement
from .answer import Sentence
from .captions import term_words
from .shares import TermShares

TITLE = "What this run says"
SQUARES = "lr times the sum of the squares of all gradients"
RATE = 0.01  # of the step that is tried, where no other is asked for
DRAWS = 64
MOST_NUMBERS = 200_000  # of a run that is replayed for this; of a larger one less is said
MOST_NAMED = 3  # outputs, parameters or layers of one sentence
GAUSSIAN = (
    "Up to a factor and a constant, this loss is the negative ELBO of a Gaussian p(x|z) of "
    "variance {variance}. The effective β is {beta} for the loss as it is written (squares "
    "{half}); beside a Gaussian of variance 1 it would be {variance}."
)
CARRIED = 0.5  # of a sum: what the few that are named bring at least


class Facts:
    """A run, and what several rules ask of it.

    Parameters
    ----------
    lr
        The learning rate of the step that is tried.
    """

    def __init__(self, run: Run, lr: float = RATE) -> None:
        self.run, self.lr = run, lr
        self.steps = Steps(run)
        self.terms = TermShares(self.steps, None)
        self.small = run.trace.numbers <= MOST_NUMBERS

    def name(self, value_id: int) -> str:
        return self.run.trace.values[value_id].label

    def named(self, number: Quantity) -> Quantity:
        """Return a link to a number that is named, not written: `mu[0]`."""
        ref = number.number
        return number._replace(words=ref.name.split("/∂")[-1] + index_text(ref.index or ()))

    def place(self, value_id: int, index: Index) -> Quantity:
        """Name a place by the gradient there."""
        return self.named(self.gradient(value_id, index))

    def value(self, value_id: int, index: Index = ()) -> Quantity:
        """Return a number of the run, which a page can link to where it is made."""
        number = float(self.run.values[value_id][index].item())
        at = self.steps.shown_index(value_id, index)
        return Quantity(Ref(self.name(value_id), at, "value", number), "gradient")

    def gradient(self, value_id: int, index: Index) -> Quantity:
        number = float(self.run.gradients[value_id][index])
        at = self.steps.shown_index(value_id, index)
        name = gradient_name(self.run, value_id)
        return Quantity(Ref(name, at, "gradient", number), "gradient")

    def term(self, name: str) -> tuple[str, int, float]:
        """Return a term's word, its value's id and its weight."""
        term = self.run.trace.term(name)
        return term_words(name), term.value, term.weight

    @cached_property
    def error(self) -> tuple[int, Array] | None:
        """The reconstruction, and what each of its numbers adds to the loss by a squared error.

        None where the loss has no squared error of the input, as its gradient tells.
        """
        made = reconstruction(self.run)
        if made is None or made not in self.run.gradients:
            return None
        recon = np.asarray(self.run.values[made], np.float64)
        slope = np.asarray(self.run.gradients[made], np.float64)
        for value in self.run.trace.values:
            if value.kind != "input" or value.shape != recon.shape:
                continue
            apart = recon - np.asarray(self.run.values[value.id], np.float64)
            size = float((apart * apart).sum())
            twice = float((slope * apart).sum()) / size if size else 0.0
            near = np.allclose(slope, twice * apart, rtol=1e-3, atol=1e-5 * np.abs(slope).max())
            if twice > 0 and near:
                return made, twice / 2 * apart * apart
        return None

    @cached_property
    def scales(self) -> tuple[str, float, float] | None:
        """How a squared error is written, the Gaussian's variance that it assumes, and the KL's β.

        None where the loss is not one squared error and one KL.
        """
        if not self.small or self.error is None:
            return None
        from ...analysis.audit.anatomy import Anatomy
        from ...analysis.audit.finding import NotApplied
        from ...analysis.audit.loss_scale import both_scales, effective_beta

        try:
            (error, *others), kls = both_scales(Anatomy(self.run.as_recorded))
        except NotApplied:
            return None
        of_one = not others and error.range is None and error.measure == "squared error"
        if not of_one or len(kls) != 1 or not kls[0].weight > 0:
            return None
        half = "with its ½" if error.halved else "without a ½"
        return half, kls[0].weight / (2 * error.weight), effective_beta(error, kls[0])


Rule = Callable[[Facts], Statement | None]


def loss_parts(facts: Facts) -> Statement | None:
    """Say what the loss adds up, and which outputs carry the error."""
    run, said = facts.run, Sentence()
    terms = [facts.term(term.name) for term in run.trace.terms]
    if len(terms) < 2 or run.values[run.trace.output].size != 1:
        return None
    loss = facts.value(run.trace.output)
    said.say("The loss is ", loss, ": ")
    numbers = []
    for position, (word, value_id, weight) in enumerate(terms):
        amount = weight * float(run.values[value_id].sum())
        at = () if weight == 1 else None  # else it is not the number that the page has
        number = Quantity(Ref(facts.name(value_id), at, "value", amount), "gradient")
        number = number._replace(form="added") if position else number
        said.say(" " if position else "", number, f" from the {word}")
        numbers.append(number)
    said.claims.append(Claim(1, Add(tuple(number.number for number in numbers))))
    _carried(facts, said)
    said.say(".")
    return said.done()


def _carried(facts: Facts, said: Sentence) -> None:
    """Say which few outputs carry the squared error, if a few do."""
    if facts.error is None:
        return
    made, amounts = facts.error
    total = float(amounts.sum())
    order = np.argsort(-amounts.ravel(), kind="stable")
    running = np.cumsum(amounts.ravel()[order])
    few = int(np.searchsorted(running, CARRIED * total)) + 1
    if not total or few > MOST_NAMED or few >= amounts.size:
        return
    indices = [tuple(map(int, np.unravel_index(at, amounts.shape))) for at in order[:few]]
    numbers = [said.number(float(amounts[index])) for index in indices]
    carried, whole = said.number(float(running[few - 1] / total)), said.number(total)
    said.say("; ")
    said.listed([facts.named(facts.value(made, index)) for index in indices])
    said.say(" brings " if few == 1 else " bring ", carried._replace(form="percent"))
    at = len(said.parts) - 1
    said.say(" of the squared error (")
    said.listed(numbers)
    said.say(" of ", whole, ")")
    parts = Add(tuple(number.number for number in numbers))
    said.claims.append(Claim(at, Div(parts, whole.number)))


def pulls(facts: Facts) -> Statement | None:
    """Say which of two terms pulls harder at the encoder's answers, and where they oppose."""
    found = []
    for value_id in answers(facts.run):
        terms = facts.terms.by_term(value_id)
        if len(terms) != 2:
            return None
        for index in np.ndindex(terms[0].array.shape):
            both = [float(share.array[index]) for share in terms]
            found.append((value_id, index, both))
    if not found:
        return None
    words = [share.word for share in terms]
    names = " and ".join(dict.fromkeys(facts.name(value_id) for value_id, *_ in found))
    said = Sentence()
    said.say(f"Of the {len(found)} gradients at {names} ")
    parts = []
    for which in (0, 1):
        mine = [each for each in found if abs(each[2][which]) > abs(each[2][1 - which])]
        if mine:
            parts.append((which, mine))
    for position, (which, mine) in enumerate(parts):
        value_id, index, both = max(mine, key=lambda each: abs(each[2][which]))
        said.say(", the " if position else "the ", f"{words[which]} has the larger part in ")
        many = f"{len(mine)}, the largest at " if len(mine) > 1 else "1, "
        said.say(many, facts.place(value_id, index))
        said.say(" (", said.number(both[which]))
        said.say(" against ", said.number(both[1 - which]), ")")
    against = [each for each in found if each[2][0] * each[2][1] < 0]
    if against:
        value_id, index, both = max(against, key=lambda each: min(map(abs, each[2])))
        many = f" in {len(against)}, most at " if len(against) > 1 else " only at "
        said.say(f"; the parts have opposite signs{many}", facts.place(value_id, index), " (")
        said.say(said.number(both[0]), " against ", said.number(both[1]), ")")
    else:
        said.say("; the parts have the same sign everywhere")
    said.say(".")
    return said.done()


def units_off(facts: Facts) -> Statement | None:
    """Say which units are off, how far from on, and whether they can come back."""
    run, said = facts.run, Sentence()
    ends: list[str] = []
    for value_id in facts.steps.named():
        bound = run.graph.producer(value_id)
        if bound is None or bound.rule is None or not bound.rule.gate:
            continue
        before = bound.sources.get(0)
        if before is None or run.values[value_id].ndim == 0:
            continue
        given = rows_of(np.asarray(run.values[before], np.float64))
        off = np.flatnonzero((given <= 0).all(axis=0))
        if not off.size:
            continue
        if len(ends) == MOST_NAMED:
            break
        nearest = int(off[np.argmax(given[:, off].max(axis=0))])
        row = int(np.argmax(given[:, nearest]))
        count = given.shape[1]
        few = off.size <= 8
        listed = ", ".join(map(str, off)) if few else f"{off.size:,} of {count:,}"
        noun = ("unit " if off.size == 1 else "units ") if few else ""
        said.say("; " if ends else "", f"{noun}{listed} of {facts.name(value_id)} ")
        said.say("is" if off.size == 1 else "are", " off ")
        said.say(f"(unit {nearest} is the closest to on, at " if off.size > 1 else "(at ")
        shape = run.values[before].shape
        index = tuple(map(int, np.unravel_index(row * count + nearest, shape)))
        is_named = run.trace.values[before].name is not None
        number = said.number(float(given[row, nearest]))
        said.say(facts.value(before, index) if is_named else number)
        ends.append(comes_back(facts, before))
        said.say(ends[-1])
    if not ends:
        return None
    said.say(".")
    first = str(said.parts[1])
    said.parts[1] = first[0].upper() + first[1:]
    return said.done()


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
    draws = standard_draws(run)
    if len(draws) != 1 or not facts.small or run.values[run.trace.output].size != 1:
        return None
    (draw,) = draws
    values, output = InFloat64(run.values), run.trace.output
    slope = np.zeros(run.values[draw].shape)
    try:
        for bound in run.graph.consumers(draw):
            if bound.output in run.gradients:
                upstream = np.asarray(run.gradients[bound.output], np.float64)
                for _, share in shares(bound, upstream, values, {draw}):
                    slope = slope + share
        chance = np.random.default_rng(0)
        replayed = replays_of_part(run.graph, run.values, {draw}, [output])
        losses = [
            replayed({draw: chance.standard_normal(slope.shape)})[output].item()
            for _ in range(DRAWS)
        ]
    except NotExplained:
        return None
    mean, spread = float(np.mean(losses)), float(np.std(losses, ddof=1))
    if not np.isfinite(mean) or not slope.any():
        return None
    loss = run.values[output].item()
    below = sum(each < loss for each in losses)
    index = tuple(map(int, np.unravel_index(int(np.abs(slope).argmax()), slope.shape)))
    said = Sentence()
    said.say(f"{DRAWS} other draws of {facts.name(draw)} give losses of ")
    said.say(said.number(mean), " ± ", said.number(spread))
    said.say(f" (their mean and their spread); {below} of them give less than this run's ")
    said.say(facts.value(output), ". In this draw ")
    said.say(facts.named(facts.value(draw, index)), " matters most, with a gradient of ")
    said.say(said.number(float(slope[index])), ".")
    return said.done()


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
    verb = "lowers" if change > 0 else "raises"
    moved, expected = said.number(abs(change)), said.number(predicted)
    said.say(f"One step of lr = {facts.lr:g} {verb} the loss by ", moved)
    if change > 0:
        share = said.number(change / predicted)._replace(form="percent")
        said.claims.append(Claim(len(said.parts) + 1, Div(moved.number, expected.number)))
        said.say(
            ": ", share, " of the ", expected, f" that the gradients alone predict ({SQUARES})"
        )
    else:
        said.say(", though the gradients alone predict a fall of ", expected, f" ({SQUARES})")
    order = sorted(squares, key=lambda n: -squares[n])
    earned = [n for n in order if squares[n] >= 0.1 * norm][:MOST_NAMED]
    for position, n in enumerate(earned):
        share = said.number(squares[n] / norm)._replace(form="percent")
        lead = "; of this prediction " if not position else " and " if n == earned[-1] else ", "
        said.say(lead, facts.name(n), " brings " if not position else " ", share)
    said.say(".")
    return said.done()


def gaussian(facts: Facts) -> Statement | None:
    """Say which Gaussian a squared error assumes, and the β that the KL has beside it."""
    if facts.scales is None:
        return None
    half, variance, beta = facts.scales
    return Statement((GAUSSIAN.format(half=half, variance=f"{variance:.4g}", beta=f"{beta:.4g}"),))


def near_the_prior(facts: Facts) -> Statement | None:
    """Say which dimensions of the code have all but the prior: they say next to nothing of x."""
    run = facts.run
    kl = [facts.term(term.name) for term in run.trace.terms if term_words(term.name) == "KL"]
    found = answers(run)
    if len(kl) != 1 or len(found) != 2:
        return None
    _, value_id, _ = kl[0]
    pair = [np.asarray(run.values[n], np.float64) for n in found]
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
    listed = ", ".join(map(str, few[:8])) + (", …" if len(few) > 8 else "")
    noun = "Latent" if len(few) == 1 else "Latents"
    number = said.number(float(sum(carried[at] for at in few)))
    verb = "carries" if len(few) == 1 else "carry"
    said.say(f"{noun} {listed} (of {len(carried)}, counted from 0) {verb} ")
    said.say(number, " of the KL's ", facts.value(value_id))
    said.say(": there q(z|x) is nearly the prior, so that z tells little about x.")
    return said.done()


RULES: tuple[Rule, ...] = (loss_parts, pulls, units_off, near_the_prior, luck, step, gaussian)


def sentences(run: Run, lr: float = RATE) -> tuple[Statement, ...]:
    """Return what a run says; nothing of one whose numbers are no numbers."""
    return told(Facts(run, lr))


def told(facts: Facts) -> tuple[Statement, ...]:
    if not facts.run.is_finite or not len(facts.run.gradients):
        return ()
    said = (rule(facts) for rule in RULES)
    return tuple(statement for statement in said if statement is not None)
