"""What can be asked of a run beyond its own numbers; for most of it the model runs again."""

from __future__ import annotations

import os
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..engine.run import Recordings, Run
from ..errors import did_you_mean
from ..models.builtin_config import Architecture
from ..models.spelled_names import read_name
from ..pages.blocks import Level
from ..pages.display import (
    AuditPage,
    CheckPage,
    DocumentPage,
    Picture,
    SamplePage,
    Shown,
    TrainingPage,
    UpdatePage,
)
from ..pages.reading_level import for_reader
from .command import as_command

if TYPE_CHECKING:
    from ..analysis.training_records import OptimizerName
    from ..models.request import Request


PageType = TypeVar("PageType", bound=Shown)


class Questions:
    """What can be asked of a run when its model is at hand."""

    run: Run
    level: Level
    _given: Request | None
    _architecture: Architecture | None

    @property
    def _request(self) -> Request:
        if self._given is None:
            raise ValueError("this needs the model itself, which a recording does not have")
        return self._given

    def _for_reader(self, page: PageType) -> PageType:
        page.walkthrough = for_reader(page.walkthrough, self.level)
        return page

    def audit(self, *, only: Sequence[str] = (), ignore: Sequence[str] = ()) -> AuditPage:
        """Look for what is wrong with the loss, with numbers as evidence.

        The model runs again, as it is now, on the same input with the same draws, and with every
        row twice; always in `full` arithmetic. A loaded recording has no model, so rules that
        need a second run are not applied.

        Parameters
        ----------
        only
            Ids of the findings to look for; all when empty.
        ignore
            Ids of the findings to leave out.

        Raises
        ------
        KeyError
            If no finding has this id; it lists the ids.

        Examples
        --------
        >>> import torch
        >>> from torch import nn
        >>> from vae_explain import explain
        >>> def loss(model, x):
        ...     mu, logvar = model(x).chunk(2, dim=1)
        ...     eps = torch.randn_like(mu)
        ...     z = mu + torch.exp(logvar) * eps
        ...     kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        ...     return (z - x).pow(2).sum() + kl
        >>> x = [[0.2, 0.9], [0.7, 0.4]]
        >>> page = explain(nn.Linear(2, 4), x, objective=loss, seed=1).audit()
        >>> page.passed, [finding.id for finding in page.findings if finding.severity == "error"]
        (False, ['sampling-scale'])
        """
        from ..analysis.audit.report import audit
        from ..analysis.audit.rules.all_rules import ALL
        from ..pages.walkthrough.auditing import auditing

        known = [rule.id for rule in ALL]
        for name in (*only, *ignore):
            if name not in known:
                guess = did_you_mean(name, known)
                raise KeyError(f"{name} is not a finding; {guess}known: {', '.join(known)}")
        if self._given is None:
            if self.run.arithmetic != "full":
                raise ValueError("an audit needs the run in full arithmetic")
            recordings = Recordings(self.run)
        else:
            from .. import pipeline

            recordings = pipeline.recordings(self._given)
        report = audit(recordings, ALL, only, ignore)
        return self._for_reader(AuditPage(auditing(report), report))

    def check(self) -> CheckPage:
        """Compare the gradient of every parameter with oracles that share no code with it.

        These are autograd and central differences, for which the model runs again, as it is
        now; for the built-in VAE also complex steps.

        Raises
        ------
        ValueError
            If there is no model, because a recording was loaded.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42).check()
        >>> page.passed, page.check.oracles
        (True, ('autograd', 'complex_step', 'central_differences'))
        """
        from ..pages.build_document import checked
        from ..pages.walkthrough.checking import checking as page

        result = checked(self._request, self.run if self._request.architecture else None)
        return self._for_reader(CheckPage(page(result), result))

    def document(self, *, lr: float = 0.01) -> DocumentPage:
        """Return the whole walkthrough: forward pass, loss, backward pass and one update step.

        For the step and the oracles the model runs again, as it is now, and is restored
        afterwards. For a loaded recording, the step is computed by hand.

        Parameters
        ----------
        lr
            Learning rate of the step.

        Raises
        ------
        ValueError
            If the model cannot run again (`CannotRun`).

        Examples
        --------
        >>> from vae_explain import explain
        >>> text = explain(seed=42, arithmetic="printed").document().to_markdown()
        >>> [line for line in text.splitlines() if line.startswith("## ")][1:4]
        ['## 2 What a VAE is', '## 3 The model', '## 4 The parameters']
        """
        from ..pages import build_document

        if self._given is None:
            page = build_document.composed_from(self.run, self._architecture, lr)
            return self._for_reader(page)
        from .. import pipeline

        recorded = pipeline.run_with_model(self._request)
        return self._for_reader(build_document.composed(self._request, recorded, lr))

    def play(
        self, path: str | os.PathLike[str] | None = None, *, lr: float = 0.01, show: bool = True
    ) -> Path:
        """Write the document as a page whose numbers can be changed, and open it in the browser.

        The model runs again, and the page has its parameters and noise as they are printed,
        rounded. "Copy as command" gives the command that prints the same run, if there is one:
        for the built-in VAE, or a model given as `FILE.py:NAME`.

        Parameters
        ----------
        path
            The file to write; a new temporary file when None.
        lr
            Learning rate of the steps that the page takes.
        show
            Whether to open the page in the browser.

        Returns
        -------
        Path
            The file.

        Examples
        --------
        >>> import tempfile
        >>> from vae_explain import explain
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explain(seed=42).play(Path(folder) / "play.html", show=False).name
        'play.html'
        """
        from .. import pipeline
        from ..pages import build_document

        request = replace(self._request, arithmetic="printed")
        recorded = pipeline.run_with_model(request)
        page = build_document.composed(request, recorded, lr, beside=False)
        command, typed = as_command(request)
        text = build_document.live(
            page, recorded.run, request, request.architecture, lr, command=command, typed=typed
        )
        target = Path(path or Path(tempfile.mkdtemp(prefix="vae-explain-"), "play.html"))
        target.write_text(text, encoding="utf-8")
        if show:
            webbrowser.open(target.resolve().as_uri())
        return target

    def sample(self, draws: int | None = None) -> SamplePage:
        """Repeat the run with many draws of the noise; the first is that of the run itself.

        Parameters
        ----------
        draws
            How many, at least 2; None for 100, or fewer for a model that takes long.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42).sample(50)
        >>> page
        <SamplePage: 50 draws, checks passed>
        """
        from ..analysis.noise_stream import sampled
        from ..pages.walkthrough.sampling import sampling

        if draws is not None and draws < 2:
            raise ValueError(f"draws is {draws}; give at least 2")
        result = sampled(replace(self._request, eps=None), draws)
        return self._for_reader(SamplePage(sampling(result), result))

    def update(self, *names: str, lr: float = 0.01) -> UpdatePage:
        """Take one step of gradient descent, and show what it does.

        The model runs again, as it is now, and is restored afterwards. For a loaded recording,
        the step is computed by hand.

        Parameters
        ----------
        names
            Parameters whose update to show, element by element.
        lr
            Learning rate.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42).update("fc_mu.bias")
        >>> page
        <UpdatePage: lr 0.01, loss 31.5104 → 29.035>
        """
        from ..pages.walkthrough.update import update

        if self._given is None:
            from ..analysis.replayed_step import gradient_step

            step = gradient_step(self.run, lr)
        else:
            from ..analysis.gradient_step import first_step

            step = first_step(replace(self._given, arithmetic="full"), lr)
        parameters = list(step.step.after)
        chosen = [self._parameter(name, parameters) for name in names]
        return self._for_reader(UpdatePage(*update(step, parameters, chosen), step))

    def train(
        self,
        steps: int = 200,
        *,
        lr: float = 0.01,
        optimizer: OptimizerName = "sgd",
        explain_step: int | None = None,
        names: Sequence[str] = (),
    ) -> TrainingPage:
        """Run the usual training loop on the input of this run.

        A model of your own is restored afterwards.

        Parameters
        ----------
        steps
            How many updates.
        lr
            Learning rate.
        optimizer
            The optimizer of `torch.optim`: `sgd` or `adam`.
        explain_step
            The step to show in full, counted from 0: forward pass, backward pass and update.
        names
            Parameters whose update to show at that step, element by element.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42).train(5)
        >>> len(page.training.losses), page.training.diverged_at
        (5, None)
        """
        from ..analysis import training
        from ..analysis.training_records import TrainingPlan
        from ..pages.walkthrough.training import training as written

        request = replace(self._request, arithmetic="full", eps=None)
        chosen: list[str] = []

        def accept(valid: Sequence[str]) -> None:
            chosen.extend(self._parameter(name, valid) for name in names)

        plan = TrainingPlan(request, steps, lr, optimizer, explain_step)
        training_run = training.train(plan, accept=accept)
        return self._for_reader(TrainingPage(*written(training_run, chosen), training_run))

    def diagram(self) -> Picture:
        """Draw the layers, with the numbers of this run as shades.

        Examples
        --------
        >>> from vae_explain import explain
        >>> explain(seed=42).diagram()
        <Picture of VAE 4→8→2→8→4>
        """
        from ..pages.render import diagram
        from ..pages.walkthrough.header import heading_line
        from ..pages.walkthrough.network import network

        title = heading_line(self.run)
        return Picture(self.run.label, diagram.svg(network(self.run), title))

    @staticmethod
    def _parameter(name: str, valid: Sequence[str]) -> str:
        parameter = read_name(name, valid)
        if parameter is None:
            guess = did_you_mean(name, valid)
            raise KeyError(f"{name} is not a parameter; {guess}known: {', '.join(valid)}")
        return parameter
