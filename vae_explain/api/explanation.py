"""One run of a model, and every question that can be asked about its numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.provenance import Provenance, Target
from ..engine.run import Run
from ..errors import did_you_mean
from ..models.builtin_config import Architecture
from ..models.spelled_names import read_target, read_term, without_index
from ..pages.blocks import Level
from ..pages.display import Page
from ..pages.walkthrough.backward import backward
from ..pages.walkthrough.forward import forward
from ..pages.walkthrough.why import why
from ..symbolic.expression import Index
from ..symbolic.text import index_text
from ..trace import Array
from .questions import Questions

if TYPE_CHECKING:
    from ..models.request import Request


class Explanation(Questions):
    """One run of a model, and every question that can be asked about its numbers.

    `explain` and `load` return it. Arrays have the tensors' shapes; in `full` arithmetic they also
    have their precision, in `printed` float64.

    Attributes
    ----------
    run
        The numbers, by the ids of values.
    level
        How much its pages explain: `intro`, `standard` or `expert`.
    doubts
        The names of the values and gradients of a loaded recording that differ from what their
        operations give; empty unless the file was changed.

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
        level: Level = "standard",
    ) -> None:
        self.run, self.level = run, level
        # What takes another run of the model is only on the page of a request.
        self._given = request
        self._architecture = request.architecture if request else architecture
        self.doubts = tuple(doubts)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run to a safetensors file, which `load` and `--run` read without PyTorch.

        The run is saved only in the arithmetic of this explanation.

        Parameters
        ----------
        path
            The file, which is written completely or not at all.

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
        from ..models.recorded.recorded_run import Recording, save

        save(Recording({self.run.arithmetic: self.run}, self._architecture), Path(path))

    @cached_property
    def values(self) -> Mapping[str, Array]:
        """Every named value of the run by name, including inputs and parameters."""
        trace = self.run.trace
        return {value.name: self.run.values[value.id] for value in trace.values if value.name}

    @cached_property
    def gradients(self) -> Mapping[str, Array]:
        """The gradient of the loss at every named value that has one, in the value's shape."""
        values = self.run.trace.values
        pairs = ((values[value_id].name, array) for value_id, array in self.run.gradients.items())
        return {name: array for name, array in pairs if name}

    @property
    def not_explained(self) -> tuple[str, ...]:
        """The ops on the way to the loss that have no rule; their numbers are PyTorch's own."""
        return self.run.graph.not_explained

    def forward(self, *steps: str) -> Page:
        """Return the forward page, or a page of only some values.

        Parameters
        ----------
        steps
            Names of the values to show, with every line in full.

        Raises
        ------
        KeyError
            If no value has this name; it lists the names.
        """
        return self._for_reader(Page(*forward(self.run, [self._named(step) for step in steps])))

    def backward(self, *names: str, term: str | None = None) -> Page:
        """Return the backward page, or the chain rule down to only some names.

        Parameters
        ----------
        names
            Parameters or values to derive, with or without `.grad`.
        term
            The term of the loss to derive, such as `kl`; the whole loss when None.

        Raises
        ------
        KeyError
            If no value or term has this name, or the loss does not depend on the value.
        """
        term = self._known_term(term)
        plain = [self._named(name, gradient=True) for name in names]
        return self._for_reader(Page(*backward(self.run, plain, term)))

    def why(
        self, target: str, *, term: str | None = None, depth: int | None = None, full: bool = False
    ) -> Page:
        """Return the page of one number: `z[0]`, `fc1.weight.grad[0,1]`, `∂kl/∂mu[0]`.

        Parameters
        ----------
        target
            A value or, with `.grad`, its gradient, and an index; without an index, the largest
            element is explained. With one row of x, the first axis may be left out.
        term
            The term of the loss whose gradient is explained; the whole loss when None.
        depth
            How many levels to go down; as many as fit on a screen when None.
        full
            Whether to go all the way down to inputs, parameters and noise.

        Raises
        ------
        KeyError
            If no value or term has this name, or the value has no gradient.
        IndexError
            If the index is out of range.

        Examples
        --------
        >>> from vae_explain import explain
        >>> page = explain(seed=42, arithmetic="printed").why("z[1]", depth=0)
        >>> page.checks.lines
        1
        """
        term = self._known_term(term)
        meant, chosen = self.target(target, term)
        page = why(self.run, meant, chosen=chosen, depth=depth, full=full)
        return self._for_reader(Page(*page))

    def target(self, text: str, term: str | None = None) -> tuple[Target, bool]:
        """Read the name of a number, in any spelling; also say whether its element was chosen.

        Raises
        ------
        KeyError
            If no value has this name, or it has no gradient.
        IndexError
            If the index is out of range.
        """
        place = read_target(text, list(self.values), self._terms)
        if place is None:
            self._known(without_index(text))
            raise KeyError(f"{text} is not a value of this run")
        plain = self.run.known_as(place.name)
        self._known(plain, place.gradient)
        term = self._known_term(place.term) if term is None else term
        value, view = self.run.value(plain), Provenance(self.run)
        if place.inside is None:
            return view.target(plain, place.gradient, None, term), value.shape != ()
        index = view.steps.full_index(value.id, tuple(map(int, place.inside.split(","))))
        return view.target(plain, place.gradient, _checked(plain, index, value.shape), term), False

    def _named(self, name: str, gradient: bool = False) -> str:
        """Return the value that a name spells, which must be one of this run."""
        place = read_target(name, list(self.values))
        plain = name if place is None or place.inside is not None else place.name
        self._known(plain, gradient)
        return plain

    def _known(self, name: str, gradient: bool = False) -> None:
        names = list(self.gradients if gradient else self.values)
        if self.run.known_as(name) not in names:
            what = "has no gradient" if name in self.values else "is not a value of this run"
            raise KeyError(f"{name} {what}; {_guess(name, names)}")

    @property
    def _terms(self) -> list[str]:
        return [entry.name for entry in self.run.trace.terms]

    def _known_term(self, term: str | None) -> str | None:
        if term is None:
            return None
        known = read_term(term, self._terms)
        if known is None:
            listed = ", ".join(self._terms) or "none: the loss is in one piece"
            raise KeyError(f"{term} is not a term of this loss (known: {listed})")
        return known

    def to_json(self) -> str:
        """Return everything as one JSON object, as `--format json` prints it."""
        from ..pages.render.structured import json

        _, checks = forward(self.run)
        return "".join(json.dump(self.run, "explain", checks))

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
    """Return what an error says of an unknown name: similar names, and all that there are."""
    return f"{did_you_mean(name, known)}known: {', '.join(known)}"


def _checked(name: str, index: Index, shape: tuple[int, ...]) -> Index:
    inside = len(index) == len(shape) and all(
        -size <= at < size for at, size in zip(index, shape, strict=False)
    )
    if not inside:
        raise IndexError(f"{name}{index_text(index)}: {name} has shape {list(shape)}")
    return tuple(at % size for at, size in zip(index, shape, strict=True))
