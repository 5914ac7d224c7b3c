"""Pages that show themselves: printed, in a notebook, and in Rich's terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import document_formats
from .blocks import Walkthrough
from .checks import Checks

if TYPE_CHECKING:
    from ..analysis.audit.evidence.finding import Finding
    from ..analysis.audit.report import Report
    from ..analysis.comparison import Comparison
    from ..analysis.gradient_check import Check
    from ..analysis.monte_carlo import Sample
    from ..analysis.training_records import Training, Update
    from ..engine.run import Run

NOTEBOOK_WIDTH = 100


def live(
    page: DocumentPage,
    run: Run,
    settings: Mapping[str, Any],
    weighing: Callable[[float], tuple[Run, Walkthrough]] | None = None,
) -> str:
    """Return a document as a page whose numbers can be changed.

    Parameters
    ----------
    settings, weighing
        See `render.html.live.document.write`.
    """
    from .render import diagram
    from .render.html.live import document

    walkthrough = page.walkthrough._replace(command="play")
    picture = diagram.picture_of(walkthrough)
    return document.write(walkthrough, run, settings, picture, weighing)


def _verdict(passed: bool) -> str:
    return "passed" if passed else "failed"


class Shown:
    """A page: text to print, which shows itself in a notebook or a terminal.

    Attributes
    ----------
    walkthrough
        What is on the page, without formatting.
    """

    def __init__(self, walkthrough: Walkthrough) -> None:
        self.walkthrough = walkthrough

    def text(self, width: int = NOTEBOOK_WIDTH) -> str:
        """Return the page as plain text.

        Parameters
        ----------
        width
            How many columns it may take, at least 40.
        """
        from .render.terminal import terminal

        return terminal.plain(terminal.lay_out(self.walkthrough, width))

    def to_html(self) -> str:
        """Return the page as one HTML file, which needs no network."""
        return document_formats.write("html", self.walkthrough)

    def to_markdown(self) -> str:
        """Return the page in Markdown, with the picture of the model in words."""
        return document_formats.write("markdown", self.walkthrough)

    def to_latex(self) -> str:
        """Return the page as a LaTeX document."""
        return document_formats.write("latex", self.walkthrough)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._said()}>"

    def _said(self) -> str:
        return self.walkthrough.title

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from .render.terminal import terminal

        lines = terminal.lay_out(self.walkthrough, options.max_width)
        yield terminal.segments(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from .render.terminal import terminal

        lines = terminal.lay_out(self.walkthrough, NOTEBOOK_WIDTH)
        return {"text/plain": terminal.plain(lines), "text/html": terminal.html(lines)}


class Page(Shown):
    """A page of an explanation, whose lines of arithmetic were evaluated.

    Attributes
    ----------
    checks
        How many of its lines were evaluated and compared with PyTorch, and how many failed.

    Examples
    --------
    >>> from vae_explain import explain
    >>> page = explain(seed=42, arithmetic="printed").forward("z")
    >>> page.checks.lines, page.checks.failed
    (2, 0)
    >>> print(next(line for line in page.text(80).splitlines() if "z[0] =" in line).strip())
    z[0] = 0.88977581 + 1.01163815·(-0.2387) = 0.64829778
    """

    def __init__(self, walkthrough: Walkthrough, checks: Checks) -> None:
        super().__init__(walkthrough)
        self.checks = checks

    def _said(self) -> str:
        failed = f", {self.checks.failed} failed" if self.checks.failed else ""
        return f"{self.walkthrough.title}, {self.checks.lines} lines evaluated{failed}"


class AuditPage(Shown):
    """What an audit found.

    Attributes
    ----------
    findings
        What is wrong, worst first; each has its `id`, its `severity` (error, warning or note), a
        `title`, what to change (`mend`) and its `evidence`, a table of numbers.
    passed
        Whether there is no error among them.
    """

    def __init__(self, walkthrough: Walkthrough, report: Report) -> None:
        super().__init__(walkthrough)
        self.findings: tuple[Finding, ...] = report.findings
        self.passed: bool = report.passed

    def _said(self) -> str:
        listed = ", ".join(finding.id for finding in self.findings) or "no findings"
        return f"{listed}; {_verdict(self.passed)}"


class ComparisonPage(Shown):
    """Two runs side by side, and only what differs.

    Attributes
    ----------
    comparison
        What was changed, what follows from it, and how much each change did.
    """

    def __init__(self, walkthrough: Walkthrough, comparison: Comparison) -> None:
        super().__init__(walkthrough)
        self.comparison = comparison

    def _said(self) -> str:
        first, second = self.comparison.loss
        differ = ", ".join(self.comparison.differing) or "nothing"
        return f"loss {first:.6g} and {second:.6g}; {differ} differs"


class CheckPage(Shown):
    """How far every gradient is from those of the oracles.

    Attributes
    ----------
    check
        The differences, parameter by parameter.
    passed
        Whether rounding explains all of them.
    """

    def __init__(self, walkthrough: Walkthrough, check: Check) -> None:
        super().__init__(walkthrough)
        self.check = check
        self.passed: bool = check.passed

    def _said(self) -> str:
        return f"{len(self.check.oracles)} oracles, checks {_verdict(self.passed)}"


class SamplePage(Shown):
    """How values and gradients vary over many draws of the noise.

    Attributes
    ----------
    sample
        Mean and spread of the values and gradients, and the KL's estimate.
    passed
        Whether the replayed run agrees with PyTorch's.
    """

    def __init__(self, walkthrough: Walkthrough, sample: Sample) -> None:
        super().__init__(walkthrough)
        self.sample = sample
        self.passed: bool = sample.first.passed

    def _said(self) -> str:
        return f"{self.sample.draws} draws, checks {_verdict(self.passed)}"


class UpdatePage(Page):
    """One step of gradient descent.

    Attributes
    ----------
    update
        The parameters before and after the step, and the run after it with the same noise.
    """

    def __init__(self, walkthrough: Walkthrough, checks: Checks, update: Update) -> None:
        super().__init__(walkthrough, checks)
        self.update = update

    def _said(self) -> str:
        runs = (self.update.step.run, self.update.after)
        losses = [float(run.values[run.trace.output].reshape(())) for run in runs if run]
        return f"lr {self.update.step.lr:g}, loss {' → '.join(f'{loss:.6g}' for loss in losses)}"


class TrainingPage(Page):
    """A training run.

    Attributes
    ----------
    training
        The losses of every step, and the parameters after the last.
    """

    def __init__(self, walkthrough: Walkthrough, checks: Checks, training: Training) -> None:
        super().__init__(walkthrough, checks)
        self.training = training

    def _said(self) -> str:
        losses = self.training.losses
        return f"{len(losses)} steps, loss {losses[0].loss:.6g} → {losses[-1].loss:.6g}"


class Picture:
    """A drawing of a model, which a notebook shows.

    Attributes
    ----------
    svg
        The picture as the text of an SVG file.
    """

    def __init__(self, label: str, svg: str) -> None:
        self.label, self.svg = label, svg

    def __repr__(self) -> str:
        return f"<Picture of {self.label}>"

    def _repr_svg_(self) -> str:
        return self.svg


class DocumentPage(Page):
    """The whole walkthrough, which each format writes as the text of a file.

    Attributes
    ----------
    passed
        Whether every line agrees with its number and every gradient with the oracles, and the
        update step could be done.
    step_done
        Whether the loss after the update step is finite.
    """

    def __init__(
        self, walkthrough: Walkthrough, checks: Checks, check: Check, moved: Update | str = ""
    ) -> None:
        super().__init__(walkthrough, checks)
        self.check, self.moved = check, moved
        self.step_done: bool = isinstance(moved, str) or moved.finite
        self.passed: bool = self.step_done and not checks.failed and check.passed

    def to_notebook(self) -> str:
        """Return the page as a Jupyter notebook, whose cells compute everything again."""
        return document_formats.write("notebook", self.walkthrough)
