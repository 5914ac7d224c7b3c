"""`kl-form`: a KL that is not the closed form at this μ and σ, and by what it differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.closed_form import CLOSED_FORM, Fit
from ..evidence.element_form import element_form
from ..evidence.experiments import actual_scale
from ..evidence.finding import Finding, NotApplied, error, finding, if_applied, warning
from ..evidence.flow_form import flow_form
from ..evidence.kl import MeasuredKl, measure
from ..evidence.posterior import Site
from ..evidence.reductions import ROUNDED
from ..evidence.scales import SAME, kl_scale, reconstruction_scales
from .rule import AuditRule, Told, at_each_site

PARTS = "μ²", "σ²", "log σ²"
SLIPS = {
    2.0: "counts twice as much",
    0.5: "counts half as much",
    4.0: "counts 4 times as much",
    0.25: "counts a quarter as much",
    0.0: "is missing",
    -1.0: "has the wrong sign",
    -2.0: "has the wrong sign and counts twice as much",
    -0.5: "has the wrong sign and counts half as much",
}
MIXED_UP = {
    "log-variance as log-deviation": "it takes the logarithm of σ² for that of σ",
    "log-variance as variance": "it takes log σ² for σ²",
    "log-variance as deviation": "it takes log σ² for σ",
    "log-deviation as deviation": "it takes log σ for σ",
}
LEARNED_PRIOR = "½·Σ((μ - m)²/s² + σ²/s² - 1 - log σ² + log s²)"


def look(anatomy: Anatomy, site: Site) -> tuple[Told, ...]:
    try:
        return tuple(_of_fixed_prior(anatomy, site))
    except NotApplied:
        for look_again in (_through_a_flow, _of_each_element):
            with suppress(NotApplied):
                return tuple(look_again(anatomy, site))
        raise


def _through_a_flow(anatomy: Anatomy, site: Site) -> Iterator[Told]:
    form = flow_form(anatomy, site)
    weights = form.determinant, form.at_after, form.at_before
    before, after = anatomy.name(form.before), anatomy.name(form.after)
    if any(np.allclose(weights, right, atol=ROUNDED) for right in ((1, 1, 0), (0, 0, 1))):
        yield f"the KL is that of {before} and of the flow that makes {after} of it"
        return
    of_after, of_before = (np.allclose(weights[1:], p, atol=ROUNDED) for p in ((1, 0), (0, 1)))
    slips = []
    if abs(form.determinant + 1) < ROUNDED:
        slips.append("the log-determinant of the flow enters with the wrong sign")
    elif abs(form.determinant) < ROUNDED:
        slips.append("the log-determinant of the flow is missing")
    if of_before:
        slips.append(f"log p is that of {before}, before the flow, and not of {after}")
    # Beside another prior nothing is known of the determinant, which may not belong there.
    if not slips or not (of_after or of_before):
        raise NotApplied("what a flow adds to the KL has weights by none of the slips that we know")
    parts = f"-log |det ∂{after}/∂{before}|", f"½·{after}²", f"½·{before}²"
    yield error(
        f"{form.name} of what a flow makes of {before} is wrong: {'; '.join(slips)}.",
        ("part", "found", "of the KL"),
        zip(parts, weights, (1.0, 1.0, 0.0), strict=True),
        f"Write log q({before}) - log |det| - log p({after}).",
    )


def _of_each_element(anatomy: Anatomy, site: Site) -> Iterator[Told]:
    """Judge a KL whose prior is learned, and one of the prior from the posterior."""
    form = element_form(anatomy, site)
    name, low, high = form.name, *form.variance
    where = f"between {low:.4g} and {high:.4g}" if low < high else f"{low:.4g}"
    if form.kind == "reversed":
        yield warning(
            f"{name} has prior and posterior in each other's place: it is KL(p‖q), and the ELBO "
            "has KL(q‖p), of the posterior from the prior.",
            ("what", "found", "of KL(q‖p)"),
            [("of (μ - m)²", "1/σ²", "1/s²")],
            "Exchange the two: the posterior first, as in kl_divergence(q, p).",
        )
    elif form.kind == "undivided":
        yield error(
            f"{name} divides (μ - m)² by the prior's variance, here {where}, and not σ²: by the "
            "two the prior has two variances.",
            ("what", "found", "of the KL"),
            [("of σ²", "1", "1/s²")],
            "Divide σ² by the prior's variance s² too.",
        )
    elif form.logs is not None and abs(form.logs - 1) > ROUNDED:
        yield error(
            f"{name} is the KL from no prior: by (μ - m)²/s² the prior's variance is {where}, and "
            f"beside it stands {form.logs:.4g}·log s² in place of log s².",
            ("what", "found", "of the KL"),
            [("log s²", form.logs, 1.0)],
            f"Take one s² in both: {LEARNED_PRIOR}.",
        )
    else:
        yield "the KL is the closed form against a prior for each element"


def _of_fixed_prior(anatomy: Anatomy, site: Site) -> Iterator[Told]:
    measured = measure(anatomy, site)
    form, name = measured.fit, measured.name
    if (form is None or form.kind == "weights") and (over := _square_of_sum(anatomy, site)):
        yield _of_sum(anatomy, site, over)
        return
    if form is None:
        raise NotApplied(
            "the numbers are those of no closed form that we know: another divergence, or another "
            "posterior"
        )
    if form.kind == "another prior":
        yield f"the KL is the closed form against the fixed prior {form.detail}"
        return
    if form.kind == "closed form":
        yield f"the KL is the closed form{f', inside of {measured.bent}' if measured.bent else ''}"
        yield from _half(anatomy, site)
        return
    if form.kind == "weights":
        message, mend = _weights(form)
    elif form.kind == "part":
        message = f"it has {form.detail}"
        mend = f"write the closed form, {CLOSED_FORM}"
    elif form.detail in MIXED_UP:
        message = MIXED_UP[form.detail]
        mend = f"write the KL as {CLOSED_FORM} for the σ that scales the noise"
    else:
        yield "the KL is the closed form, of another σ than z has: see sampling-scale"
        return
    as_it_is, closed = _at_this_run(anatomy, site, measured)
    rows: list[tuple[str, float, float]] = [(f"{name} at this μ and σ", as_it_is, closed)]
    if form.kind == "weights":
        share = _reference(form.weights)
        rows += [
            (f"½·{part}", sign * weight / share, sign)
            for part, weight, sign in zip(PARTS, form.weights, (1.0, 1.0, -1.0), strict=True)
        ]
    yield error(
        f"{name} is not the closed form at this μ and σ: {message}.",
        ("what", "found", "closed form"),
        rows,
        f"Where {name} is made, {mend}.",
        facts={"kl": as_it_is, "closed_form": closed, "difference": as_it_is - closed},
    )


def _square_of_sum(anatomy: Anatomy, site: Site) -> str:
    """Say over what the means are added up before they are squared; empty where they are not.

    Two means that are moved together add to Σμ² what each adds alone, and to (Σμ)² twice their
    product more.
    """
    parts, shape = measure(anatomy, site).parts, anatomy.values[site.location].shape

    def kl(*moved: int) -> float:
        means = np.zeros(shape)
        means.flat[list(moved)] = 1.0
        return anatomy.total_with(parts, {site.location: means})

    size = int(np.prod(shape))
    per_row = size // anatomy.rows
    beside = {"a row's latents": (per_row, 1), "all latents and rows": (size, size - 1)}
    squared = ""
    for over, (enough, other) in beside.items():
        if enough < 2:
            continue
        alone = kl(0) - kl()
        together = kl(0, other) - kl(0) - kl(other) + kl()
        if alone > 0 and abs(together / alone - 2) <= ROUNDED:
            squared = over
    return squared


def _of_sum(anatomy: Anatomy, site: Site, over: str) -> Finding:
    name = measure(anatomy, site).name
    mu = anatomy.array(site.location)
    sums = mu.reshape(anatomy.rows, -1).sum(axis=1) if over == "a row's latents" else mu.sum()
    return error(
        f"{name} has the square of the sum of the means, over {over}, where the sum of their "
        "squares belongs: means of both signs cancel in it.",
        ("what", "value"),
        (("(Σμ)²", (sums**2).sum()), ("Σμ²", (mu**2).sum())),
        f"Square μ first, where {name} is made: {CLOSED_FORM}.",
    )


def _reference(weights: tuple[float, float, float]) -> float:
    """Return the weight that two of the three parts share; 0 where no two do."""
    a, b, c = weights
    for first, second in ((b, c), (a, b), (a, c)):
        if abs(first - second) <= SAME * max(abs(first), abs(second)) and first != 0:
            return first
    return 0.0


def is_slip(form: Fit) -> bool:
    """Whether a KL's parts have other weights than the closed form's, by a slip that we know."""
    return form.kind == "weights" and if_applied(_weights, form) is not None


def _weights(form: Fit) -> tuple[str, str]:
    share = _reference(form.weights)
    zeros = [abs(weight) <= SAME * max(map(abs, form.weights)) for weight in form.weights]
    if form.detail or sum(zeros) > 1:
        raise NotApplied("it has parts of the closed form only, as a penalty on μ or σ alone has")
    for part, weight in zip(PARTS, form.weights, strict=True):
        ratio = weight / share if share else None
        for slip, words in SLIPS.items():
            if ratio is not None and abs(ratio - slip) <= SAME and share > 0:
                return (
                    f"beside the other parts, ½·{part} {words}",
                    f"give μ², σ² and -log σ² one weight: {CLOSED_FORM}",
                )
    raise NotApplied("its parts have weights of their own, by none of the slips that we know")


def _at_this_run(anatomy: Anatomy, site: Site, measured: MeasuredKl) -> tuple[float, float]:
    """Return the KL as the run has it, in units of the closed form, and the closed form."""
    assert measured.fit is not None, "asked of a known form"
    weights = measured.fit.weights
    unit = (_reference(weights) or measured.fit.scale) / anatomy.values[site.location].size
    total = anatomy.total(measured.parts, anatomy.values)
    return total / unit, float(closed_form(anatomy, site).sum())


def closed_form(anatomy: Anatomy, site: Site) -> Array:
    """Return ½·(μ² + σ² − 1 − log σ²) of each latent, in the shape of μ, by this run's numbers."""
    mu = anatomy.array(site.location)
    sigma = actual_scale(anatomy, site)
    if sigma.shape != mu.shape:  # several draws a row: the scale before it was spread to them
        assert site.scale is not None, "a constant scale has no closed form to ask for"
        before = anatomy.walk_back(site.scale, anatomy.copies)[-1]
        sigma = np.broadcast_to(anatomy.array(before), mu.shape)
    with np.errstate(all="ignore"):
        return np.asarray(0.5 * (mu**2 + sigma**2 - 1 - np.log(sigma**2)))


def _half(anatomy: Anatomy, site: Site) -> Iterator[Finding]:
    """Find a KL without its ½: twice the closed form, with no factor that could be a β."""
    scale = if_applied(kl_scale, anatomy, site)
    if scale is None:
        return  # another sign, which kl-sign speaks of
    measured = measure(anatomy, site)
    written = measured.parts[0].summand.constants
    weights = [c for c in written if abs(c * anatomy.rows - 1) > SAME]
    if weights or abs(scale.factor - 2) > ROUNDED:
        return
    closed, name = float(closed_form(anatomy, site).sum()), measured.name
    parts = if_applied(reconstruction_scales, anatomy) or ()
    on_purpose = not parts or any(p.measure == "squared error" and not p.halved for p in parts)
    aside = (
        "; if the ½ was left out of the squared error on purpose too, the loss is twice the "
        "ELBO of a decoder of variance 1"
        if on_purpose
        else ""
    )
    yield finding(
        "warning" if on_purpose else "error",
        f"{name} is twice the closed form at this μ and σ: a ½ is missing{aside}.",
        ("what", "found", "closed form"),
        [(f"{name} at this μ and σ", 2 * closed, closed)],
        f"Multiply {name} by ½ where it is made: {CLOSED_FORM}.",
        facts={"kl": 2 * closed, "closed_form": closed, "difference": closed},
    )


RULE = AuditRule(
    "kl-form",
    "a KL other than the closed form",
    "experiments on the replay",
    "the KL's closed form",
    at_each_site(look),
)
