"""A user's own model once more, in float64, with one parameter moved up and down.

An oracle that knows neither the rules nor autograd: it runs the model and nothing else. What
a gradient takes as given is held still, as it was in the first run: the draws, and whatever
the model detaches or computes without gradients, as a straight-through estimator does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..engine.run import Run
from ..models.kept_state import KeptState
from ..models.prepare import prepared, user_code_errors
from ..models.prepared_model import PreparedModel, default_precision, draws_of
from ..models.request import Request
from ..recording.call_info import Call
from ..recording.call_mode import CallMode
from ..recording.random_draws import OTHER_DRAWS, GivenDraws
from ..recording.tensor_arrays import tensors_in
from ..trace import UNSEEN, Array
from .differences import FINE, noise_of, quotients
from .gradient_check import Judge, Nudged, gradient_scale

MOST_NUMBERS = 1500  # that are moved, of all parameters together
MOST_OF_ONE, LEAST_OF_ONE = 64, 4


def run_and_nudge(request: Request) -> tuple[Run, Mapping[str, Nudged] | str]:
    """Run a user's model, and take central differences of its loss in float64.

    Returns
    -------
    tuple
        The run; and by parameter's name the differences, at every number of a small
        parameter and at some of a large one, or a sentence on why there are none.
    """
    with prepared(request) as ready, user_code_errors(request):
        printed = request.arithmetic == "printed"
        exact = ready.rounded() if printed else ready.in_float64()
        run = ready.run_in(request.arithmetic).run
        run.require_finite()
        if any(name.endswith(UNSEEN) for name in run.graph.not_explained):
            return run, "the model writes to a value where autograd does not see it"
        drawn = [draw.double() for draw in draws_of(run.trace)]
        with default_precision(torch.float64), torch.random.fork_rng(devices=[]), _one_thread():
            rewritten = {
                name for name, _ in exact.model.named_parameters() if _is_rewritten(run, name)
            }
            evaluation = _Evaluation(exact, drawn, rewritten)
            try:
                first, again = evaluation.loss(), evaluation.loss()
            except RuntimeError as error:
                words = " ".join(str(error).split())
                return run, f"the model does not run in float64: {words}"
            if first != again:
                return run, "the model's loss changes from run to run, with the same numbers"
            return run, _nudged(exact.model, evaluation, run, first)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: many small runs in a row lose time by waiting for others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _nudged(
    model: nn.Module, evaluation: _Evaluation, run: Run, middle: float
) -> dict[str, Nudged]:
    nudged: dict[str, Nudged] = {}
    parameters = [
        (name, parameter)
        for name, parameter in model.named_parameters()
        # A parameter that is made while the model runs is none of the record's.
        if name in run.trace.by_name
        and run.value(name).id in run.gradients
        and not _is_rewritten(run, name)
    ]
    most = max(LEAST_OF_ONE, min(MOST_OF_ONE, MOST_NUMBERS // max(len(parameters), 1)))
    judge = Judge(run)
    # Of n roundings all together come to at most √n times their deviation.
    noise = judge.by_hand.most * noise_of(partial(_along, model, evaluation))
    for name, parameter in parameters:
        flat = parameter.data.view(-1)
        chosen = _chosen(run.gradient(name), most)
        central, error = np.empty(len(chosen)), np.empty(len(chosen))
        number = run.value(name).id
        expected = run.hand_gradients.get(number, run.gradient(name)).ravel()[chosen]
        scale = gradient_scale(run, number)
        for position, at in enumerate(chosen):
            here = slice(position, position + 1)
            start = float(flat[at])
            moved = partial(_moved, flat, at, evaluation)
            off = error[position] = math.inf
            for found, within in quotients(moved, start, middle, noise):
                # A gradient that is wrong is so by any step; but a step that leaves more open than
                # the one before, and than what that found to be wrong, says nothing of it.
                if within > max(off, error[position]):
                    break
                central[position], error[position] = found, within
                off = abs(found - expected[position])
                agrees = judge.oracle(
                    number, expected[here], central[here], scale, error[here], chosen[here]
                ).passed
                if agrees and within <= FINE * scale:  # else there may be corners within the step
                    break
            flat[at] = start
        nudged[name] = Nudged(chosen, central, error)
    return nudged


def _moved(flat: Tensor, at: int, evaluation: _Evaluation, number: float) -> float:
    flat[at] = number
    return evaluation.loss()


def _along(model: nn.Module, evaluation: _Evaluation, part: float) -> float:
    """Return the loss with every parameter moved by a part of itself, and move them back."""
    kept = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    for parameter, before in kept:
        if parameter.is_floating_point():
            parameter.data.copy_(before * (1 + part))
    found = evaluation.loss()
    for parameter, before in kept:
        parameter.data.copy_(before)
    return found


def _chosen(gradient: Array, most: int) -> Array:
    """Return the places of all numbers, or of the largest and some between."""
    if gradient.size <= most:
        return np.arange(gradient.size)
    largest = np.argsort(-np.abs(gradient.ravel()), kind="stable")[: most // 2]
    spread = np.linspace(0, gradient.size - 1, most - len(largest)).astype(int)
    return np.unique(np.concatenate([largest, spread]))


def _is_rewritten(run: Run, name: str) -> bool:
    """Whether the model writes to a parameter, which is then not to be moved."""
    return run.value(name).id in run.trace.rewritten


class _Evaluation:
    """Evaluates a model's loss, each time from the same state."""

    def __init__(self, ready: PreparedModel, drawn: Sequence[Tensor], rewritten: Set[str]) -> None:
        self._ready, self._drawn = ready, drawn
        self._kept: list[Tensor] = []
        self._buffers = [(buffer, buffer.clone()) for buffer in ready.model.buffers()]
        self._state = KeptState(ready.holders)
        self._rewritten = [
            (parameter, parameter.detach().clone())
            for name, parameter in ready.model.named_parameters()
            if name in rewritten
        ]
        self._first = True

    def loss(self) -> float:
        ready = self._ready
        with torch.no_grad():
            for buffer, before in self._buffers:
                buffer.copy_(before)
        for parameter, before in self._rewritten:
            parameter.data = before.clone()
        self._state.put_back()
        torch.set_rng_state(ready.generator)
        written = [parameter for parameter, _ in self._rewritten]
        still = _Still(GivenDraws(redrawn=self._drawn), self._kept, self._first, written)
        with torch.enable_grad(), ready.drawing(), still:
            loss = ready.objective(ready.model, ready.x).loss
        self._first = False
        if loss.dtype != torch.float64:
            raise RuntimeError(f"its loss is {loss.dtype}".replace("torch.", ""))
        return float(loss.detach())  # out of reach of what is held still


def _padding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, *_: Any, **__: Any
) -> Tensor | None:
    """Return where an embedding gives its row for padding, which learns nothing."""
    if padding_idx is None:
        return None
    return (input == padding_idx % weight.shape[0]).unsqueeze(-1)


def _is_double(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    tensors = tensors_in((args, kwargs))
    return any(tensor.dtype == torch.float64 for tensor in tensors)


class _Still(CallMode):
    """Gives the draws, and what is behind a detach, as they were in the first run."""

    def __init__(
        self, draws: GivenDraws, kept: list[Tensor], first: bool, written: Sequence[Tensor]
    ) -> None:
        super().__init__()
        # Their data is not held still: what is written there would be lost.
        self._written = {id(parameter) for parameter in written}
        self._draws, self._kept, self._first = draws, kept, first
        self._used = 0
        # Told by no_grad itself: within a function with a backward pass of its own
        # gradients are off as well, but what it returns has one.
        self._without_gradients = False

    def handle(self, call: Call) -> Any:
        plan, func, args, kwargs = call
        name = plan.name
        if name == "_set_grad_enabled":
            self._without_gradients = not args[0]
        if name == "float":
            return args[0].double()
        if plan.drops:
            return self._draws.dropout(func, args, kwargs)[0]
        result = call.make()
        if name in OTHER_DRAWS:
            return self._held(result, plan.writes)
        if name == "grad" and isinstance(result, tuple):
            # What `torch.autograd.grad` gives without a graph is taken as given behind it.
            constants = (isinstance(g, Tensor) and not g.requires_grad for g in result)
            return tuple(
                self._held(g) if constant else g
                for g, constant in zip(result, constants, strict=True)
            )
        if not isinstance(result, Tensor) or not result.is_floating_point():
            return result
        if result.dtype == torch.float32 and result.requires_grad and _is_double(args, kwargs):
            raise RuntimeError(f"{name} gives float32 there")
        if plan.draws and self._draws.replace(result, name, args, kwargs):
            return result
        # Within such a function nothing is held still: the gradient of all of it is its own.
        within = not torch.is_grad_enabled() and not self._without_gradients
        if (name in ("detach", "data") and not within and id(args[0]) not in self._written) or (
            self._without_gradients and not plan.writes and name != "grad"
        ):
            return self._held(result)
        if name == "embedding":
            padding = _padding(*args, **kwargs)
            if padding is not None:
                return torch.where(padding, self._held(result), result)
        return result

    def _held(self, result: Tensor, writes: bool = False) -> Tensor:
        if self._first:
            self._kept.append(result.detach().clone())
            return result
        kept = self._kept[self._used] if self._used < len(self._kept) else result
        self._used += 1
        if kept.shape != result.shape:
            return result  # on another way, as that of a loop which ended a turn earlier
        if writes:
            result.data.copy_(kept)
            return result
        return kept.clone()
