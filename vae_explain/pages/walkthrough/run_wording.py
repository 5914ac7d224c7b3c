"""How a run's sentences are worded: templates with slots, which Python and the live page fill.

The rules of `run_says.py` and of `says.mjs` find the numbers; every word stands here. Of several
templates in a row the rule takes the one for its case: for one and for more than one, mostly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..blocks import Quantity

Part = str | Quantity
Parts = list[Part]

MOST_NAMED = 3  # outputs, parameters or layers of one sentence
MOST_LISTED = 8  # units of a layer, or dimensions of the code
CARRIED = 0.5  # of a sum: what the few that are named bring at least

TEMPLATES = {
    "loss": "The loss is {loss}: {terms}{carried}.",
    "term": "{amount} from the {term}",
    "carried": (
        "; {outputs} brings {share} of the squared error ({amounts} of {whole})",
        "; {outputs} bring {share} of the squared error ({amounts} of {whole})",
    ),
    "pulls": "Of the {count} gradients at {answers} {sides}; the parts have {signs}.",
    "side": (
        "the {term} has the larger part in 1, {there}",
        "the {term} has the larger part in {count}, the largest at {there}",
    ),
    "opposite": ("opposite signs only at {there}", "opposite signs in {count}, most at {there}"),
    "same": "the same sign everywhere",
    "there": "{place} ({one} against {other})",
    # Of one unit, of several, and of too many to be listed.
    "off": (
        "unit {units} of {layer} is off (at {nearest}{end}",
        "units {units} of {layer} are off (unit {unit} is the closest to on, at {nearest}{end}",
        "{units} of {layer} are off (unit {unit} is the closest to on, at {nearest}{end}",
    ),
    "prior": (
        "Latent {latents} (of {count}, counted from 0) carries {part} of the KL's {kl}: there "
        "q(z|x) is nearly the prior, so that z tells little about x.",
        "Latents {latents} (of {count}, counted from 0) carry {part} of the KL's {kl}: there "
        "q(z|x) is nearly the prior, so that z tells little about x.",
    ),
    "luck": "{count} other draws of {noise} give losses of {mean} ± {spread} (their mean and their "
    "spread); {below} of them give less than this run's {loss}. In this draw {place} matters most, "
    "with a gradient of {slope}.",
    # The loss rises, or it falls.
    "step": (
        "One step of lr = {lr} raises the loss by {moved}, though the gradients alone predict a "
        "fall of {predicted} ({squares}){earned}.",
        "One step of lr = {lr} lowers the loss by {moved}: {share} of the {predicted} that the "
        "gradients alone predict ({squares}){earned}.",
    ),
    "squares": "lr times the sum of the squares of all gradients",
    "earned": "; of this prediction {parameters}",
    # The first parameter, and each further one.
    "earning": ("{parameter} brings {share}", "{parameter} {share}"),
    "gaussian": "Up to a factor and a constant, this loss is the negative ELBO of a Gaussian "
    "p(x|z) of variance {variance}. The effective β is {beta} for the loss as it is written "
    "(squares {half}); beside a Gaussian of variance 1 it would be {variance}.",
}


def worded(name: str, case: int = -1, **slots: Part | int | Parts) -> Parts:
    """Fill a template: `case` says which of several, and a slot takes one part or several.

    Examples
    --------
    >>> worded("term", amount="0.5", term="KL")
    ['', '0.5', ' from the ', 'KL', '']
    """
    template = TEMPLATES[name]
    words = template if isinstance(template, str) else template[case]
    parts: Parts = []
    for at, text in enumerate(re.split(r"\{(\w+)\}", words)):
        part = slots[text] if at % 2 else text
        parts += part if isinstance(part, list) else [str(part) if isinstance(part, int) else part]
    return parts


def joined(phrases: Iterable[Parts], between: str = ", ", last: str = "") -> Parts:
    """Put phrases one behind the other; `last` stands before the last one instead."""
    whole, phrases = [], list(phrases)
    for position, phrase in enumerate(phrases):
        sign = last if last and position == len(phrases) - 1 else between
        whole += [*([sign] if position else []), *phrase]
    return whole


def listed(phrases: Iterable[Parts]) -> Parts:
    """List phrases: `a`, `a and b`, `a, b and c`."""
    return joined(phrases, last=" and ")


def places(numbers: Sequence[int]) -> str:
    """List some indices; of many the first."""
    more = ", …" if len(numbers) > MOST_LISTED else ""
    return ", ".join(map(str, numbers[:MOST_LISTED])) + more
