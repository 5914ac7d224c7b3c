"""From a run to its whole document: hold it against the oracles, take one step, compose.

What needs the model, and so PyTorch, is loaded where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..analysis import gradient_check, replayed_step
from ..analysis.gradient_check import Check
from ..analysis.training_records import CannotTrain, Update
from ..engine.index_ranges import NotLive
from ..engine.run import Run
from ..models.builtin_config import Architecture
from . import display
from .blocks import Walkthrough
from .display import DocumentPage
from .walkthrough import document

if TYPE_CHECKING:
    from ..models.prepared_model import RunWithModel
    from ..models.request import Request

MOST_CHANGED = 5_000  # numbers of input, noise and parameters that a live page lets one change
MOST_FOLLOWED = 1_000_000  # of which it computes all that depends on input and noise
NO_MODEL = "a recorded run has no model that could be run again"


def composed(
    request: Request, recorded: RunWithModel, lr: float, beside: bool = True
) -> DocumentPage:
    """Compose the document of a run.

    Parameters
    ----------
    request
        What was run: other oracles than autograd run it once more.
    recorded
        Its run with its model, which takes one step of gradient descent and is put back.
    lr
        The learning rate of that step, which is left out where the loss depends on no
        parameter that is trained.
    beside
        Whether the gradients in the other arithmetic are said beside.
    """
    from .. import pipeline
    from ..analysis.gradient_step import gradient_step
    from ..models.loading.user_code import CannotRun
    from ..recording.random_draws import OtherDraws

    check = checked(request, recorded.run, in_a_moment=True)
    moved: Update | str = ""
    if recorded.run.learning:
        try:
            moved = gradient_step(recorded, lr).with_ends_alone
        except CannotRun as reason:
            moved = f"After it the model raises {reason.what}."
        except (CannotTrain, OtherDraws) as reason:
            moved = f"{str(reason)[0].upper()}{str(reason)[1:]}."
    other = pipeline.in_the_other_arithmetic(request) if beside else None
    page = document.document(recorded.run, check, moved, request.architecture, other)
    return DocumentPage(*page, check, moved)


def weighing(request: Request, page: DocumentPage) -> Callable[[float], tuple[Run, Walkthrough]]:
    """Return what makes the built-in VAE's run, and its document, with another weight of the KL."""
    from .. import pipeline

    assert request.architecture is not None, "only the built-in VAE's weight is known by name"
    architecture = request.architecture

    def weighed(weight: float) -> tuple[Run, Walkthrough]:
        other = replace(architecture, beta=weight)
        run = pipeline.run(replace(request, source=other))
        walkthrough, _ = document.document(run, page.check, page.moved, other)
        return run, walkthrough

    return weighed


def what_stays(run: Run, option: str = "") -> str:
    """Say what of a run cannot be changed on its live page; empty where all can.

    Parameters
    ----------
    option
        The option that says what is run, for the error.

    Raises
    ------
    NotLive
        If the run is too large for a live page.
    """
    leaves = [value for value in run.trace.values if value.kind in ("input", "noise", "parameter")]
    count = sum(value.array.size for value in leaves)
    if count <= MOST_CHANGED:
        return ""
    has = f"this run has {count:,} numbers of input, noise and parameters"
    if count > MOST_FOLLOWED:
        raise NotLive(
            f"{has}, and a live page can follow at most {MOST_FOLLOWED:,}; play a smaller "
            "model of the same kind, or read this one with document",
            option,
        )
    names = [value.name for value in leaves if value.kind != "parameter" and value.name]
    return (
        f"{has}, and a page can change {MOST_CHANGED:,}: here {' and '.join(names)} can be "
        "changed, and all that depends on them follows; the parameters stay as they are"
    )


def live(
    page: DocumentPage,
    run: Run,
    request: Request | None,
    architecture: Architecture | None,
    lr: float,
    **settings: object,
) -> str:
    """Return a document as a page whose numbers can be changed.

    Parameters
    ----------
    request
        What was run; None for a recorded run, whose weight of the KL stays.
    settings
        What the page has to know besides, as the command that makes it.
    """
    stays = what_stays(run)
    again = weighing(request, page) if request and request.architecture and not stays else None
    settings_of_page = {
        "lr": lr,
        "digits": None,
        "decimals": run.decimals,
        "stays": stays,
        **settings,
    }
    if architecture:
        settings_of_page["beta"] = architecture.beta
    return display.live(page, run, settings_of_page, again)


def composed_from(
    run: Run, architecture: Architecture | None, lr: float, other: Run | None = None
) -> DocumentPage:
    """Compose the document of a recorded run: the step of learning is replayed by hand.

    Parameters
    ----------
    architecture
        That of the built-in VAE; None for another model, whose gradients autograd alone speaks of.
    other
        The run in the other arithmetic, if it was recorded.
    """
    if architecture:
        check = gradient_check.check_in_reach(run, architecture)
    else:
        check = gradient_check.check_own(run, NO_MODEL)
    moved = replayed_step.gradient_step(run, lr) if run.learning else ""
    page = document.document(run, check, moved, architecture, other)
    return DocumentPage(*page, check, moved)


def checked(request: Request, run: Run | None = None, in_a_moment: bool = False) -> Check:
    """Hold a run's gradients against the oracles that can speak of it.

    Parameters
    ----------
    run
        The run, if it was made already.
    in_a_moment
        Whether oracles that take long for a large model are left out.
    """
    from .. import pipeline
    from ..analysis import finite_differences

    run = pipeline.run(request) if run is None else run
    again = partial(pipeline.run_in_float64, request, run)
    if request.architecture:
        check = gradient_check.check_in_reach if in_a_moment else gradient_check.check
        return check(run, request.architecture, again)
    nudged = finite_differences.nudge(request, run, in_a_moment)
    return gradient_check.check_own(run, nudged, again)
