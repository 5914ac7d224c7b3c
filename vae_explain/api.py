"""The library's front door: explain a model, then ask for its numbers and pages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engine.provenance import Provenance, Target
from .engine.run import Arithmetic, Recordings, Run
from .models.builtin_config import BUILT_IN, Architecture
from .models.request import Request, UserModel
from .pages.display import AuditPage, CheckPage, DocumentPage, Page
from .pages.walkthrough.backward import backward
from .pages.walkthrough.forward import forward
from .pages.walkthrough.why import why
from .symbolic.expression import Index
from .symbolic.text import index_text
from .trace import Array

if TYPE_CHECKING:
    from .models.request import Input, Loss, Model, Objective


class Explanation:
    """One run of a model, and every question that can be asked about its numbers.

    It comes from `explain`, or from `load`. Arrays have the tensors' own shapes; in the
    arithmetic `full` also their precision, in `printed` float64.

    Attributes
    ----------
    run
        The numbers, by the ids of values.
    doubts
        The names of the values and gradients of a loaded recording that are not what their
        operations give: none, unless the file was changed.

    Examples
    --------
    >>> from vae_explain import explain
    >>> explanation = explain(seed=42)
    >>> explanation
    <Explanation of VAE 4→8→2→8→4: loss 31.5104, 25 values>
    >>> explanation.not_explained
    ()
    >>> explanation.values["mu"].shape, explanation.gradients["fc1.weight"].shape
    ((1, 2), (8, 4))
    >>> explanation.why("fc1.weight.grad[0,1]").checks.failed
    0
    """

    def __init__(
        self,
        run: Run,
        request: Request | None,
        architecture: Architecture | None = None,
        doubts: Sequence[str] = (),
    ) -> None:
        self.run = run
        # What a page can only tell by running the model again is told of a request alone.
        self._given = request
        self._architecture = request.architecture if request else architecture
        self.doubts = tuple(doubts)

    @property
    def _request(self) -> Request:
        if self._given is None:
            raise ValueError("this needs the model itself, which a recording has not")
        return self._given

    def save(self, path: str | os.PathLike[str]) -> None:
        """Keep the run in a safetensors file, which `load` and `--run` ask without PyTorch.

        It has the run in the arithmetic of this explanation alone.

        Parameters
        ----------
        path
            The file, which is written whole or not at all.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from vae_explain import explain, load
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explain(seed=42).save(Path(folder) / "run.safetensors")
        ...     again = load(Path(folder) / "run.safetensors")
        >>> again
        <Explanation of VAE 4→8→2→8→4: loss 31.5104, 25 values>
        """
        from .models.recorded_run import Recording, save

        save(Recording({self.run.arithmetic: self.run}, self._architecture), Path(path))

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """Every named value of the run, inputs and parameters among them, by name."""
        trace = self.run.trace
        return {value.name: self.run.values[value.id] for value in trace.values if value.name}

    @cached_property
    def gradients(self) -> Mapping[str, Array]:
        """The gradient of the loss at every named value that has one, in the value's shape."""
        values = self.run.trace.values
        pairs = ((values[number].name, array) for number, array in self.run.gradients.items())
        return {name: array for name, array in pairs if name}

    @property
    def not_explained(self) -> tuple[str, ...]:
        """The ops on the way to the loss that have no rule; their numbers are PyTorch's."""
        return self.run.graph.not_explained

    def forward(self, *steps: str) -> Page:
        """Return the forward page, or the page of some steps alone.

        Parameters
        ----------
        steps
            Names of values, each shown with every line in full.

        Raises
        ------
        KeyError
            If no value has the name; it says which have.
        """
        for step in steps:
            self._known(step)
        return Page(*forward(self.run, steps))

    def backward(self, *names: str, term: str | None = None) -> Page:
        """Return the backward page, or the chain rule down to some names alone.

        Parameters
        ----------
        names
            Parameters or values to derive; `.grad` may follow.
        term
            The name of a loss term to derive alone, as `kl`; the whole loss when None.

        Raises
        ------
        KeyError
            If no value has the name, or the loss does not reach it, or no term has it.
        """
        self._known_term(term)
        plain = [name.removesuffix(".grad") for name in names]
        for name in plain:
            self._known(name, gradient=True)
        return Page(*backward(self.run, plain, term))

    def why(
        self, target: str, *, term: str | None = None, depth: int | None = None, full: bool = False
    ) -> Page:
        """Return the page of one number: `z[0]`, `fc1.weight.grad[0,1]`.

        Parameters
        ----------
        target
            A value or, with `.grad`, its gradient, and an index; the largest element stands
            for a tensor without one. The first axis may be left out in a batch of one.
        term
            The loss term whose gradient is meant; the whole loss when None.
        depth, full
            How many levels down the derivation goes, or down to what was given; as far as
            fits a screen by default.

        Raises
        ------
        KeyError
            If no value has the name, or it has no gradient, or no term has the name.
        IndexError
            If the index is outside.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42, arithmetic="printed").why("z[1]", depth=0)
        >>> page.checks.lines
        1
        """
        self._known_term(term)
        meant, chosen = self.target(target, term)
        return Page(*why(self.run, meant, chosen=chosen, depth=depth, full=full))

    def audit(self, *, only: Sequence[str] = (), ignore: Sequence[str] = ()) -> AuditPage:
        """Look for what is wrong with the loss, with numbers as evidence.

        For this the model runs again, as it is now, on the same input with the same draws,
        and on every row of it twice; always in the arithmetic `full`. Of a recording that was
        loaded, what a second run would tell is not looked for.

        Parameters
        ----------
        only, ignore
            Ids of the findings to look for alone, or to leave out.

        Raises
        ------
        KeyError
            If no finding has the id; it says which there are.

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
        from .analysis.audit import ALL, audit
        from .pages.walkthrough.auditing import auditing

        known = [rule.id for rule in ALL]
        for name in (*only, *ignore):
            if name not in known:
                raise KeyError(f"{name} is no finding{_guess(name, known)}")
        if self._given is None:
            if self.run.arithmetic != "full":
                raise ValueError("an audit needs the run in the arithmetic full")
            recordings = Recordings(self.run)
        else:
            from . import pipeline

            recordings = pipeline.recordings(self._given)
        report = audit(recordings, ALL, only, ignore)
        return AuditPage(auditing(report), report)

    def check(self) -> CheckPage:
        """Hold the gradient of every parameter against oracles that share no code with it.

        These are autograd and central differences, for which the model runs again, as it is
        now; for the built-in VAE complex steps too.

        Raises
        ------
        ValueError
            If there is no model, as of a recording that was loaded.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42).check()
        >>> page.passed, page.check.oracles
        (True, ('autograd', 'complex_step', 'central_differences'))
        """
        from .pages.build_document import checked
        from .pages.walkthrough.checking import checking as page

        found = checked(self._request, self.run if self._request.architecture else None)
        return CheckPage(page(found), found)

    def document(self, *, lr: float = 0.01) -> DocumentPage:
        """Return the whole walkthrough: forward, loss, backward and a step of learning.

        For the step and for the oracles the model runs again, as it is now; it is put back
        behind them. Of a recording that was loaded, the step is done by hand.

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
        ['## 2 The model', '## 3 The parameters', '## 4 The forward pass']
        """
        from .pages import build_document

        if self._given is None:
            return build_document.composed_from(self.run, self._architecture, lr)
        from . import pipeline

        recorded = pipeline.run_with_model(self._request)
        return build_document.composed(self._request, recorded, lr)

    def target(self, text: str, term: str | None = None) -> tuple[Target, bool]:
        """Read a number's name; also whether its element had to be chosen.

        Raises
        ------
        KeyError
            If no value has the name, or it has no gradient.
        IndexError
            If the index is outside.
        """
        name, _, inside = text.strip().removesuffix("]").partition("[")
        gradient = name.endswith(".grad")
        plain = self.run.known_as(name.removesuffix(".grad"))
        self._known(plain, gradient)
        value, view = self.run.value(plain), Provenance(self.run)
        if not inside:
            return view.target(plain, gradient, None, term), value.shape != ()
        index = view.steps.full_index(value.id, tuple(map(int, inside.split(","))))
        return view.target(plain, gradient, _checked(plain, index, value.shape), term), False

    def _known(self, name: str, gradient: bool = False) -> None:
        names = list(self.gradients if gradient else self.values)
        if name not in names:
            what = "has no gradient" if name in self.values else "is not a value of this run"
            raise KeyError(f"{name} {what}{_guess(name, names)}")

    def _known_term(self, term: str | None) -> None:
        names = [entry.name for entry in self.run.trace.terms]
        if term is not None and term not in names:
            listed = ", ".join(names) or "none: the loss is in one piece"
            raise KeyError(f"{term} is no term of this loss (known: {listed})")

    def to_json(self) -> str:
        """Return everything as one JSON object, as `--format json` prints it."""
        from .pages.render import json

        _, checks = forward(self.run)
        return json.dump(self.run, "explain", checks)

    def __str__(self) -> str:
        return str(self.forward())

    def __repr__(self) -> str:
        loss = float(self.run.values[self.run.trace.output].reshape(()))
        return f"<Explanation of {self.run.label}: loss {loss:.6g}, {len(self.values)} values>"

    def __rich_console__(self, console: Any, options: Any) -> Any:
        return self.forward().__rich_console__(console, options)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return self.forward()._repr_mimebundle_(**options)


def _guess(name: str, known: Sequence[str]) -> str:
    """Return what an error says of a name that there is not: what is like it, and what is."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    guess = f"; did you mean {close[0]}?" if close else ""
    return f"{guess} (known: {', '.join(known)})"


def _checked(name: str, index: Index, shape: tuple[int, ...]) -> Index:
    inside = len(index) == len(shape) and all(
        -size <= at < size for at, size in zip(index, shape, strict=False)
    )
    if not inside:
        raise IndexError(f"{name}{index_text(index)}: {name} has shape {list(shape)}")
    return tuple(at % size for at, size in zip(index, shape, strict=True))


def explain(
    model: Model | None = None,
    x: Input | None = None,
    loss: Loss | None = None,
    *,
    objective: Objective | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
    loss_sum: bool = False,
    seed: int | None = None,
    eps: Sequence[float] | None = None,
    arithmetic: Arithmetic = "full",
) -> Explanation:
    """Run a model and its loss once and return an explanation of every number.

    Parameters
    ----------
    model
        Any `torch.nn.Module`, left as it is; the built-in VAE when None.
    x
        The input, a tensor or nested lists, in the shape that the model takes; of a batch of a
        `DataLoader`, as `(x, y)`, the first tensor is taken.
    loss
        Takes what the model returned, and x, under its own names. Not needed when the
        model returns its loss or has it as a method.
    objective
        Takes model and x and returns the loss; decides alone when given.
    loss_arguments
        What else the loss is given, by name, such as the weight of the KL.
    loss_sum
        Whether the loss is the sum of the parts that are returned, as a training loop takes it.
    seed
        Set before the run; the generator's state is put back afterwards.
    eps
        Numbers to use in place of the first draw from the standard normal.
    arithmetic
        `full`, PyTorch's own numbers, or `printed`, from parameters rounded to 4 decimals.

    Returns
    -------
    Explanation
        The numbers of the run, and pages on them.

    Raises
    ------
    ValueError
        If the loss cannot be told from what the model returned (`CannotBind`, which shows the
        objective to write), if the noise does not fit (`NoiseMismatch`), or if a value is not
        finite (`NotFinite`, which names the first).

    Examples
    --------
    >>> from vae_explain import explain
    >>> explanation = explain(seed=42, arithmetic="printed")
    >>> explanation.values["z"].round(4).tolist()
    [[0.6483, -0.6332]]
    >>> explanation.gradients["mu"].shape
    (1, 2)

    A model of one's own, whose loss stands apart:

    >>> import torch
    >>> from torch import nn
    >>> layer = nn.Linear(2, 2)
    >>> def loss(out, x):
    ...     error = ((out - x) ** 2).sum()
    ...     return error
    >>> explained = explain(layer, [[0.5, 1.0]], loss)
    >>> sorted(explained.gradients)
    ['bias', 'error', 'out', 'weight']
    """
    from . import pipeline
    from .models import prepare
    from .models.input_tensors import of_batch

    if model is None:
        rows = BUILT_IN.default_x if x is None else prepare.as_rows(x)
        request = Request(rows, 42 if seed is None else seed)
    else:
        source = UserModel(model, loss, objective, loss_arguments or {}, loss_sum=loss_sum)
        generator = prepare.generator_state()
        if x is None:
            raise ValueError("x is missing: give the model's input")
        request = Request(of_batch(x), seed, source=source, generator=generator)
    noise = None if eps is None else tuple(eps)
    request = replace(request, eps=noise, arithmetic=arithmetic)
    return Explanation(pipeline.run(request), request)


def load(path: str | os.PathLike[str], arithmetic: Arithmetic | None = None) -> Explanation:
    """Return the explanation of a run that was kept in a file; this does not load PyTorch.

    Parameters
    ----------
    path
        What `Explanation.save`, `vae-explain record` or `--record` has written.
    arithmetic
        Which of the runs to explain, where the file has one in each arithmetic: `full` when
        it is not said.

    Raises
    ------
    ValueError
        If the file is no recording, is damaged, or says what cannot be (`BadRecording`), or
        has no run in that arithmetic (`MissingArithmetic`).
    """
    from .models import recorded_run

    recording = recorded_run.load(Path(path))
    chosen = arithmetic or recording.first
    run = recording.run(chosen)
    return Explanation(run, None, recording.architecture, recording.doubts[chosen])
