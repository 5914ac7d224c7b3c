"""The one number in what a loss returned: itself, its `loss`, or the part that is a sum of others.

Some losses return `(total, part, part)`, others parts that the training loop adds up. Which it is
follows from what was computed from what, or else from their gradients. Where neither decides, the
user is asked: taking the first would drop the rest in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...quick_classes import NamedTuple
from ...symbolic.printable import listed
from .autograd_graph import adds_up_all, parameters_behind, summands_of
from .loss_parameters import CannotBind
from .model_outputs import OutputPart, Outputs, described
from .suggested_objective import objective_of

NAMES = ("loss", "total_loss")


class LossTotal(NamedTuple):
    """The loss, and the code that takes it from what was returned, or takes what it adds up."""

    loss: Tensor
    taken: str = ""
    added: tuple[str, ...] = ()


def total_of(
    returned: Outputs,
    whose: str,
    model: nn.Module,
    loss_sum: bool = False,
    code: str = "loss(...)",
) -> LossTotal:
    """Return the loss among what a loss returned.

    Parameters
    ----------
    whose
        What returned it, for a message.
    model
        The gradients of its parameters show which part is the sum of the others.
    loss_sum
        Whether the parts are to be added up, as a training loop does.
    code
        That gave what was returned, for a message.

    Raises
    ------
    CannotBind
        If there is none, or if nothing decides which it is.
    """
    named = named_loss(returned)
    if named is not None:
        parts = [part for part in returned.parts if part.path[: len(named.path)] == named.path]
    else:
        parts = returned.parts
    numbers = numbers_of(parts)
    if not numbers:
        words = described(returned.whole)
        tensors = [part for part in parts if isinstance(part.value, Tensor)]
        of_tensors = f"{code}{tensors[0].code}.mean()" if tensors else ""
        mend = f'; say how one is made of it, as by --objective-expr "{of_tensors}"'
        raise CannotBind(
            f"{whose} returned {words}, which has no number that could be the loss"
            f"{mend if of_tensors else ''}"
        )
    total = numbers[0] if len(numbers) == 1 else _sum_of_the_others(numbers, model)
    names = listed([part.name or part.code for part in numbers])
    if loss_sum:
        if total is not None:
            whole = total.name or total.code
            only = "one number, which is the loss already"
            several = f"{names}, and {whole or 'the first'} is the sum already"
            raise CannotBind(
                f"{whose} returned {only if len(numbers) == 1 else several}; leave it out",
                option="--loss-sum",
            )
        loss: Tensor = sum((part.value for part in numbers[1:]), numbers[0].value)
        return LossTotal(loss, added=tuple(part.code for part in numbers))
    if total is None:
        raise CannotBind(
            f"{whose} returned {names}, and none of them is the sum of the others; --loss-sum "
            "takes their sum as the loss, or say how with --objective"
        )
    return LossTotal(total.value, total.code)


def named_loss(returned: Outputs) -> OutputPart | None:
    """Return the part that is called `loss` by the output itself."""
    named = {part.name: part for part in reversed(returned.top) if part.keyed}
    return next((named[name] for name in NAMES if name in named), None)


def require_whole(loss: Tensor, returned: Outputs) -> None:
    """Raise `CannotBind` if the one number that a model returned is only a part of its loss.

    It is where a prediction beside it has parameters of its own: `return recon, kl`.
    """
    behind = parameters_behind(loss)
    for part in returned.leaves:
        is_prediction = isinstance(part.value, Tensor) and part.value.numel() > 1
        if is_prediction and not parameters_behind(part.value) <= behind:
            raise CannotBind(
                f"the model returned {described(returned.whole)}, and its one number is no "
                f"loss of all of it: {part.place} has parameters that do not go into it",
                objective_of(returned),
            )


def numbers_of(parts: Sequence[OutputPart]) -> list[OutputPart]:
    """Return the parts that may be a loss: of one number, with gradients where any has them."""
    single = [part for part in parts if isinstance(part.value, Tensor) and part.value.numel() == 1]
    single = [part for part in single if part.value.dim() == 0] or single
    return [part for part in single if part.value.requires_grad] or single


def _sum_of_the_others(numbers: Sequence[OutputPart], model: nn.Module) -> OutputPart | None:
    """Return the number that the others are parts of, the first such; None if there is none."""
    tensors = [part.value for part in numbers]
    if all(tensor.requires_grad for tensor in tensors):
        made_of = [summands_of(tensor) for tensor in tensors]
        for part, (summands, passed) in zip(numbers, made_of, strict=True):
            if all(
                other.value.grad_fn in passed or others <= summands
                for other, (others, _) in zip(numbers, made_of, strict=True)
            ):
                return part
    with torch._C.DisableTorchFunction():  # no part of the run: the recorder is not to see it
        for i, part in enumerate(numbers):
            if _is_sum(tensors[i].detach(), [t.detach() for t in tensors[:i] + tensors[i + 1 :]]):
                return part
        gradients = _gradients(tensors, model)
        for i, part in enumerate(numbers):
            if _is_weighted_sum(gradients, i, adds_up_all(tensors[i], tensors)):
                return part
    return None


def _is_sum(total: Tensor, others: Sequence[Tensor]) -> bool:
    exact = sum(float(other) for other in others)
    size = sum(abs(float(other)) for other in others)
    rounding = len(others) * torch.finfo(total.dtype).eps if total.is_floating_point() else 0.0
    return len(others) > 1 and abs(float(total) - exact) <= rounding * size


def _gradients(tensors: Sequence[Tensor], model: nn.Module) -> Tensor:
    """Return the gradient of each tensor at all parameters, one column a tensor."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    columns = []
    for tensor in tensors:
        gradients: Sequence[Tensor | None] = [None] * len(parameters)
        if tensor.requires_grad and parameters:
            gradients = torch.autograd.grad(tensor.sum(), parameters, None, True, allow_unused=True)
        columns.append(
            torch.cat(
                [
                    (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
                    for parameter, gradient in zip(parameters, gradients, strict=True)
                ]
                or [torch.zeros(0)]
            ).double()
        )
    return torch.stack(columns, dim=1)


def _is_weighted_sum(gradients: Tensor, which: int, adds_up_all: bool) -> bool:
    """Whether one column is, up to rounding, the others' sum with weights of at least 0.

    Of a total and its parts only the total is: a part is the total less the others. A multiple of
    it, as a root or a mean of the same errors is, is no part: `return error, kl, error.sqrt()`.
    Where there is nothing but multiples, it has to be a sum by its graph.
    """
    total = gradients[:, which]
    others = torch.cat([gradients[:, :which], gradients[:, which + 1 :]], dim=1)
    if len(total) <= others.shape[1] or not total.any():
        return False
    if adds_up_all and _fits(others, total, least=0.0):
        return True
    several: list[Tensor] = []
    for other in others.T:
        # Of what is measured twice, as an error and its root, one is enough.
        if other.any() and not any(_fits(each[:, None], other) for each in (total, *several)):
            several.append(other)
    return bool(several) and _fits(torch.stack(several, dim=1), total, least=0.0)


def _fits(columns: Tensor, total: Tensor, least: float = -torch.inf) -> bool:
    """Whether a total is, up to rounding, the columns' sum with weights of at least this."""
    weights = torch.linalg.lstsq(columns, total[:, None], driver="gelsd").solution[:, 0]
    size = (columns.abs() @ weights.abs()).norm()
    rounding = torch.finfo(torch.float32).eps * len(total) ** 0.5
    left = (columns @ weights - total).norm()
    return bool((weights >= least - rounding).all() and left <= rounding * size)
