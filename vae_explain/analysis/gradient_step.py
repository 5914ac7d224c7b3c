"""One step of gradient descent, and the run that it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.sgd import sgd

from .. import pipeline
from ..engine.run import Run
from ..models.binding.loss_parameters import CannotBind
from ..models.loading.user_code import said
from ..models.prepare import user_code_errors
from ..models.prepared_model import RunWithModel, parameters_of
from ..models.request import Request
from .training_records import CannotTrain, OptimizerStep, Update


def first_step(request: Request, lr: float) -> Update:
    """Take one step of gradient descent from the seeded parameters.

    Raises
    ------
    NotFinite
        If the loss or a gradient overflows before the step.
    CannotTrain
        If the loss does not depend on any parameter.
    """
    before = pipeline.run_with_model(request)
    with user_code_errors(request):
        return gradient_step(before, lr)


def gradient_step(before: RunWithModel, lr: float) -> Update:
    """Take one step of gradient descent from a run; its model is left as it was.

    Raises
    ------
    CannotTrain
        If the loss does not depend on any parameter.
    """
    model, run = before.model, before.run
    trainable(model)
    kept = parameters_of(model)
    learns = set(run.gradients)
    reached = [name for name in kept if run.value(name).id in learns]
    if not reached:
        raise CannotTrain("the loss depends on no parameter, so there is nothing to update")
    require_room(model)
    try:
        for name, parameter in model.named_parameters():
            if name in reached:
                # As the run had it: a model that moves its own goes further at each run.
                parameter.data.copy_(torch.from_numpy(run.array(name).copy()))
        _descend(model, run, reached, lr)
        step = OptimizerStep(0, "sgd", lr, run, parameters_of(model), {}, {})
        # The same noise, so that the two losses differ by what the step did and nothing else.
        return Update(step, *_after(before))
    finally:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(kept[name]))


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Return a model's parameters.

    Raises
    ------
    CannotTrain
        If it has none.
    """
    parameters = list(model.parameters())
    if not parameters:
        raise CannotTrain("the model has no parameters, so there is nothing to train")
    return parameters


def require_room(model: nn.Module, each_its_own: bool = True) -> None:
    """Require that each number of a parameter is in a place of memory that no other has.

    Parameters
    ----------
    each_its_own
        Whether two parameters may not share memory either, since each of them moves both.

    Raises
    ------
    CannotTrain
        If an optimizer cannot write to a parameter, or if it cannot be said what it does.
    """
    taken: list[tuple[str, int, int, int]] = []
    for name, parameter in model.named_parameters():
        if parameter.layout != torch.strided or not parameter.numel():
            continue
        first = last = int(parameter.storage_offset())
        axes = zip(parameter.stride(), parameter.shape, strict=True)
        for stride, size in sorted((stride, size) for stride, size in axes if size > 1):
            if stride <= last - first:
                raise CannotTrain(
                    f"several numbers of {name} are one in memory, as expand leaves them, and no "
                    "optimizer can write to them; clone it"
                )
            last += (size - 1) * stride
        storage = parameter.untyped_storage().data_ptr()
        for other, *memory in taken if each_its_own else ():
            if memory[0] == storage and memory[1] <= last and first <= memory[2]:
                raise CannotTrain(
                    f"{other} and {name} share memory, so that the step of one moves the other "
                    "too; make one parameter of them"
                )
        taken.append((name, storage, first, last))


def _descend(model: nn.Module, run: Run, reached: Sequence[str], lr: float) -> None:
    """Take the step of `torch.optim.SGD`, which loads PyTorch's compiler when it is made."""
    named = dict(model.named_parameters())
    with torch.no_grad():
        sgd(
            [named[name] for name in reached],
            [torch.from_numpy(run.gradient(name).copy()) for name in reached],
            [None] * len(reached),
            lr=lr,
            weight_decay=0,
            momentum=0,
            dampening=0,
            nesterov=False,
            maximize=False,
        )


def _after(before: RunWithModel) -> tuple[Run | None, str]:
    """Return the run with the parameters that a step has left.

    Or what PyTorch says where binary cross-entropy gets a NaN from them, which is a run's own end
    as an infinite loss is.
    """
    try:
        return before.again(), ""
    except CannotBind:
        raise CannotTrain(
            "after the step the model returns something else, of which no loss is known"
        ) from None
    except RuntimeError as error:
        if OUT_OF_RANGE not in str(error):
            raise
        return None, said(error)


OUT_OF_RANGE = "should be between 0 and 1"  # in PyTorch's words for a probability that is none
