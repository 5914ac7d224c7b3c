"""`watch`: a training loop is watched as it runs, and does the same to the bit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pages.display import Shown

if TYPE_CHECKING:
    from ..analysis.audit.evidence.finding import Finding
    from ..analysis.watch import Told, Watched, Watcher
    from ..models.request import Loss, Model, Objective
    from ..models.training_loop import Optimizer

SUFFIXES = (".txt", ".html", ".jsonl")


class WatchPage(Shown):
    """What was seen of a training run: text to print, an HTML file, or JSON lines.

    Attributes
    ----------
    findings
        What is wrong, worst first, each with its `id`, `severity`, `title`, `evidence` and
        `mend`, the change to make.
    when
        For each finding, in words, since which step it holds.
    passed
        Whether there is no error among the findings.
    """

    def __init__(self, watched: Watched, written: Sequence[str] = ()) -> None:
        from ..analysis.watch import findings, is_sound
        from ..pages.walkthrough import watching as page

        super().__init__(page.watching(watched, written))
        watch_findings: tuple[Told, ...] = findings(watched)
        self._watched = watched
        self.findings: tuple[Finding, ...] = tuple(each.finding for each in watch_findings)
        self.when: tuple[str, ...] = tuple(each.when for each in watch_findings)
        self.passed: bool = is_sound(watch_findings)

    def to_jsonl(self) -> str:
        """Return the page as JSON lines: one for each step and close look, one for all."""
        from ..pages.render.structured import watch_lines

        return watch_lines.write(self._watched)


class Watching:
    """A training loop under watch, as `watch` returns it."""

    def __init__(
        self,
        watcher: Watcher,
        pages: Sequence[Path],
        record: Path | None,
    ) -> None:
        self._watcher, self._pages, self._record = watcher, pages, record
        self.is_open = False

    def __enter__(self) -> Watching:
        self._watcher.__enter__()
        self.is_open = True
        return self

    def starts(self, x: Any) -> None:
        """Say which tensor the next step starts from, before the step draws any noise.

        A loop that calls the model as `model(x)` need not call this.
        """
        self._watcher.loop.starts(x)

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        self.is_open = False
        self._watcher.__exit__(kind)
        written = self._keep_frozen()
        page = self.page(written)
        for path in self._pages:
            write_page(page, path)

    def _keep_frozen(self) -> list[str]:
        run = self._watcher.watched.frozen
        if run is None or self._record is None:
            return []
        from ..models.recorded.recorded_run import Recording, save

        save(Recording({"full": run}), self._record)
        return [kept_words(self._record)]

    def page(self, written: Sequence[str] = ()) -> WatchPage:
        """Return what was seen so far."""
        return WatchPage(self._watcher.watched, written)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, worst first."""
        return self.page().findings

    @property
    def losses(self) -> tuple[float, ...]:
        """The loss of each step, before its update."""
        return tuple(self._watcher.watched.losses)

    def __repr__(self) -> str:
        watched = self._watcher.watched
        return f"<Watching {watched.label}: {watched.steps} steps, {len(watched.looks)} looks>"


def kept_words(path: Path) -> str:
    """Say where the first step that is not finite was kept, and how to ask it."""
    return f"The first step that is not finite is in {path}: vae-explain why loss --run {path}"


def write_page(page: WatchPage, path: Path) -> None:
    """Write what was seen into a file, in the format that its name ends with."""
    from ..models.whole_file import write_whole

    written = {".txt": page.text, ".html": page.to_html, ".jsonl": page.to_jsonl}
    write_whole(path, written[path.suffix]().encode("utf-8"))


def watch(
    model: Model,
    loss: Loss | None = None,
    optimizer: Optimizer | Sequence[Optimizer] = (),
    *,
    objective: Objective | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
    loss_sum: bool = False,
    every: int = 200,
    page: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    record: str | os.PathLike[str] | None = None,
    around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    refuse: str = "",
) -> Watching:
    """Watch a training loop that runs inside a `with` block, without changing it.

    Each step is seen in passing: its loss, whether it is finite, whether the gradients were reset,
    the mode. The first step, one in `every`, and each at which something happens are run again
    with the same draws, recorded and audited.

    Parameters
    ----------
    model
        The model, which the loop calls as `model(x)`.
    loss, objective, loss_arguments, loss_sum
        The loss that the loop computes, as for `vae_explain.explain`.
    optimizer
        The optimizer, or a list of all that train the model.
    every
        Steps from one audit to the next.
    page
        Files to write at the end; their names end in .txt, .html or .jsonl.
    record
        A .safetensors file to save the first step to that is not finite, for `--run`.
    around
        Makes a context manager for each audit, such as one that silences the model's logging.
    refuse
        Why steps cannot be run again; if given, all steps are only seen in passing.

    Returns
    -------
    Watching
        Its `page()` says what was found; `findings` has the same for a program.

    Raises
    ------
    ValueError
        If `every` is not positive, or a file's name has another ending.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from vae_explain import watch
    >>> def objective(model, x):
    ...     mu, logvar = model(x).chunk(2, dim=1)
    ...     z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    ...     kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    ...     return (z - x).pow(2).sum() + kl
    >>> model = nn.Linear(2, 4)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    >>> with watch(model, objective=objective, optimizer=optimizer) as watching:
    ...     for _ in range(3):
    ...         objective(model, torch.rand(5, 2)).backward()
    ...         optimizer.step()
    >>> [finding.id for finding in watching.findings if finding.severity == "error"]
    ['gradients-kept']
    """
    from ..analysis.watch import Watcher
    from ..models.prepare import user_code_errors
    from ..models.request import Request, UserModel
    from ..models.training_loop import ready_of

    if every < 1:
        raise ValueError(f"every is {every}, but must be at least 1")
    pages = [Path(page)] if isinstance(page, str | os.PathLike) else [Path(each) for each in page]
    for path in pages:
        if path.suffix not in SUFFIXES:
            raise ValueError(f"{path}: a page's name ends in {', '.join(SUFFIXES)}")
    optimizers = optimizer if isinstance(optimizer, Sequence) else [optimizer]
    source = UserModel(model, loss, objective, loss_arguments or {}, loss_sum=loss_sum)
    errors = partial(user_code_errors, Request((), None, arithmetic="full", source=source))
    watcher = Watcher(ready_of(source), optimizers, errors, every, around, refuse)
    return Watching(watcher, pages, None if record is None else Path(record))
