"""The library's front door: explain a model, or a run that was saved to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.run import Arithmetic
from ..models.builtin_config import ActivationName, Architecture
from ..models.changes import Change
from ..models.request import Request, UserModel
from ..pages.blocks import Level
from ..pages.display import ComparisonPage
from .explanation import Explanation

if TYPE_CHECKING:
    from typing import Literal

    from ..models.request import Input, Loss, Model, Objective

__all__ = ["Explanation", "compare", "explain", "load"]


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
    dims: Sequence[int] | None = None,
    activation: ActivationName | None = None,
    recon: Literal["mse", "bce"] | None = None,
    reduction: Literal["sum", "mean"] | None = None,
    beta: float | None = None,
    set: Mapping[str, float] | None = None,
    level: Level = "standard",
) -> Explanation:
    """Run a model and its loss once, and return an explanation of every number.

    Parameters
    ----------
    model
        Any `torch.nn.Module`, which is not changed; the built-in VAE when None.
    x
        The input, a tensor or nested lists, in the shape that the model takes. Of a batch from a
        `DataLoader`, such as `(x, y)` or `{"image": x}`, the first tensor is used.
    loss
        A function of what the model returned, and of x, which are matched by name, then by order.
        Not needed when the model returns its loss or has it as a method.
    objective
        A function of model and x that returns the loss, used instead of `loss`.
    loss_arguments
        Further arguments of the loss, by name, such as the weight of the KL.
    loss_sum
        Whether the parts that the loss returns are added up, as a training loop does.
    seed
        Seed for the run; the generator's state is restored afterwards. For the built-in VAE, 42
        when None.
    eps
        Numbers to use instead of the first draw from the standard normal.
    arithmetic
        `full`, PyTorch's own numbers, or `printed`, from parameters rounded to 4 decimals.
    dims, activation, recon, reduction, beta
        The built-in VAE's layer widths, activation and loss; by default (4, 8, 2, 8, 4), relu, mse,
        sum and 1.
    set
        Entries of parameters, x and noise to set before the run: `{"fc1.weight[0,1]": 0.5}`.
    level
        How much the pages explain: `intro`, `standard` or `expert`.

    Returns
    -------
    Explanation
        The numbers of the run, and pages about them.

    Raises
    ------
    ValueError
        If it is unclear which argument of the loss gets what (`CannotBind`, which shows the
        objective to write), if `eps` does not fit (`NoiseMismatch`), or if a value is not
        finite (`NotFinite`, which names the first).

    Examples
    --------
    >>> from vae_explain import explain
    >>> explanation = explain(seed=42, arithmetic="printed")
    >>> explanation.values["z"].round(4).tolist()
    [[0.6483, -0.6332]]
    >>> explanation.gradients["mu"].shape
    (1, 2)
    >>> explain(dims=(4, 6, 3, 6, 4), activation="tanh", beta=4)
    <Explanation of VAE 4→6→3→6→4: loss 26.9478, 25 values>

    A model of your own, with its loss:

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
    from .. import pipeline
    from ..models import prepare
    from ..models.input_tensors import of_batch

    shaping = {
        "dims": None if dims is None else tuple(dims),
        "activation": activation,
        "recon": recon,
        "reduction": reduction,
        "beta": beta,
    }
    shaping = {name: value for name, value in shaping.items() if value is not None}
    if model is None:
        architecture = Architecture(**shaping)  # type: ignore[arg-type]  # each is its own
        rows = architecture.default_x if x is None else prepare.as_rows(x)
        request = Request(rows, 42 if seed is None else seed, source=architecture)
    elif shaping:
        raise ValueError(f"{', '.join(shaping)} shape the built-in VAE, not a model of your own")
    else:
        source = UserModel(model, loss, objective, loss_arguments or {}, loss_sum=loss_sum)
        generator = prepare.generator_state()
        if x is None:
            raise ValueError("x is missing: give the model's input")
        request = Request(of_batch(x), seed, source=source, generator=generator)
    noise = None if eps is None else tuple(eps)
    changes = tuple(Change(target, float(number)) for target, number in (set or {}).items())
    request = replace(request, eps=noise, arithmetic=arithmetic, changes=changes)
    return Explanation(pipeline.run(request), request, level=level)


def compare(first: Explanation, second: Explanation, *only: str) -> ComparisonPage:
    """Show two runs side by side: only what differs, and why.

    Parameters
    ----------
    first, second
        The runs, in the same arithmetic.
    only
        Values, or gradients such as `z.grad`, to show in full; all that differs when left out.

    Raises
    ------
    KeyError
        If no value of that name and shape is in both runs.

    Examples
    --------
    >>> from vae_explain import compare, explain
    >>> compare(explain(seed=42), explain(seed=42, beta=4))
    <ComparisonPage: loss 31.5104 and 32.739; loss differs>
    """
    from ..analysis.comparison import Comparison
    from ..pages.reading_level import for_reader
    from ..pages.walkthrough.comparing import comparing

    comparison = Comparison(first.run, second.run)
    for name in only:
        plain = name.removesuffix(".grad")
        known = [
            pair.name for pair in (comparison.pairs if plain == name else comparison.with_gradient)
        ]
        if plain not in known:
            raise KeyError(f"{name} is not in both runs; known: {', '.join(known)}")
    return ComparisonPage(for_reader(comparing(comparison, only), first.level), comparison)


def load(path: str | os.PathLike[str], arithmetic: Arithmetic | None = None) -> Explanation:
    """Return the explanation of a run that was saved to a file, without loading PyTorch.

    Parameters
    ----------
    path
        A file that `Explanation.save`, `vae-explain record` or `--record` wrote.
    arithmetic
        The run to explain, `full` or `printed`; when None, `full` if the file has it.

    Raises
    ------
    ValueError
        If the file is not a recording, is damaged or contradicts itself (`BadRecording`), or has
        no run in that arithmetic (`MissingArithmetic`).
    """
    from ..models.recorded import recorded_run

    recording = recorded_run.load(Path(path))
    chosen = arithmetic or recording.first
    run = recording.run(chosen)
    return Explanation(run, None, recording.architecture, recording.doubts[chosen])
