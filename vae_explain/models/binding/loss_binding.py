"""Finding the loss of a user's model: in the model, in a training step, or given apart.

The loss comes with its call: what was called, and with which arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import torch
from torch import Tensor, nn

from ...engine.loss_call import Argument, LossCall
from ...quick_classes import NamedTuple, dataclass
from ..kept_state import KeptState, holders_of, settings_put_back
from ..loading.user_expressions import ExpressionOfUser
from .argument_refusals import require_whole_input
from .argument_sources import arguments_of
from .batches import batch_of
from .called_loss import CalledLoss
from .code_reading import BY_PLACE, name_of
from .loss_methods import method_of
from .loss_parameters import CannotBind, parameters_of
from .loss_total import named_loss, numbers_of, require_whole, total_of
from .model_losses import with_model
from .model_outputs import Outputs, described
from .parameter_uses import parts_taken
from .suggested_objective import objective_of, objective_of_more

LOSS_METHODS = ("loss_function", "loss", "compute_loss", "loss_fn", "elbo_loss")
X = Argument("", "x")


class Computed(NamedTuple):
    """The loss of one run, and the call that gave it; None for the built-in VAE's."""

    loss: Tensor
    call: LossCall | None


@dataclass(frozen=True)
class LossOf:
    """How the loss of a model is computed.

    Attributes
    ----------
    loss
        Takes what the model returned, and x, under its own names.
    objective
        Takes model and x and returns the loss, or is an expression of both; when given it alone
        decides.
    arguments
        What else the loss is given, by name, such as the weight of the KL.
    loss_sum
        Whether the loss is the sum of the parts that are returned.
    x_as
        What the model is given in the place of x, made of it.
    call
        What the model is called with by place and by name, x among it, where that is more than x.
    """

    loss: Callable[..., Any] | None = None
    objective: Callable[[nn.Module, Tensor], Any] | ExpressionOfUser | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    loss_sum: bool = False
    x_as: ExpressionOfUser | None = None
    call: tuple[Any, Any] | None = None

    @property
    def functions(self) -> list[object]:
        """What computes the loss beside the model."""
        return [each for each in (self.loss, self.objective) if each is not None]

    def __call__(self, model: nn.Module, x: Tensor) -> Computed:
        """Run model and loss and return the loss with its call."""
        with settings_put_back():
            return self._computed(model, x)

    def _computed(self, model: nn.Module, x: Tensor) -> Computed:
        if isinstance(self.objective, ExpressionOfUser):
            call = LossCall(self.objective.text, ())
            result = self.objective(model=model, x=x)
            return self._taken(result, "the expression", call, model, x)
        if self.objective is not None:
            call = LossCall(name_of(self.objective), (Argument("", "model"), X))
            return self._taken(self.objective(model, x), "the objective", call, model, x)
        loss = None if self.loss is None else method_of(model, self.loss)
        if self._is_training_step(model, loss):
            return self._training_step(model, x)
        if loss is not None and self.call is None and self.x_as is None:
            passed = with_model(loss, model, x, self.arguments)
            if passed is not None:
                call = LossCall(name_of(loss), passed.arguments)
                return self._taken(loss(**passed.values), "the loss", call, model, x)
        if self.call is None:
            _require_one_input(model)
        if self.call is None and self.x_as is None:
            require_whole_input(model, x)
        outputs = self._outputs(model, x)
        if loss is not None:
            return self._called(loss, outputs, model, "the loss", name_of(loss))
        return self._within(outputs, model)

    def _outputs(self, model: nn.Module, x: Tensor) -> Outputs:
        if self.call is not None:
            arguments, keywords = batch_of(self.call, x)
            return Outputs(model(*arguments, **keywords), x, model, "model(x, …)")
        if self.x_as is None:
            return Outputs(model(x), x, model)
        return Outputs(model(self.x_as(x=x)), x, model, f"model({self.x_as.text})")

    def _taken(
        self,
        result: Any,
        whose: str,
        call: LossCall,
        model: nn.Module,
        x: Tensor,
        code: str = "loss(...)",
    ) -> Computed:
        """Take the one number in what a loss returned, whose code a message shows."""
        total = total_of(Outputs(result, x), whose, model, self.loss_sum, code)
        return Computed(total.loss, call._replace(taken=total.taken, added=total.added))

    def _within(self, outputs: Outputs, model: nn.Module) -> Computed:
        """Find the loss in the model: what it returned, or a method of its own."""
        result, x = outputs.whole, outputs.x
        given = X if self.x_as is None else Argument("", self.x_as.text)
        call = LossCall("model", (given,))
        if named_loss(outputs) or (isinstance(result, Tensor) and result.numel() == 1):
            return self._taken(result, "the model", call, model, x)
        for name in LOSS_METHODS:
            method = getattr(model, name, None)
            if callable(method) and not isinstance(method, nn.Module):
                function = f"{type(model).__name__}.{name}"
                return self._called(method, outputs, model, f"the model's {name}", function)
        numbers = [part for part in numbers_of(outputs.parts) if part.value.requires_grad]
        numbers = [part for part in numbers if part.value.dim() == 0]
        if not numbers:
            seen = f"the model returned {described(result)} and no loss was given"
            raise CannotBind(seen, objective_of(outputs))
        total = total_of(outputs, "the model", model, self.loss_sum)
        require_whole(total.loss, outputs)
        return Computed(total.loss, call._replace(taken=total.taken, added=total.added))

    def _is_training_step(self, model: nn.Module, loss: Callable[..., Any] | None) -> bool:
        """Whether the loss is the model's training step, for want of another or as it was given."""
        step = getattr(model, "training_step", None)
        return callable(step) and (loss is None or (loss == step and not self.arguments))

    def _training_step(self, model: Any, x: Tensor) -> Computed:
        """Call a Lightning-shaped step with the batch, and with labels where it wants any.

        A tensor can be taken apart as well, into its rows: a step that takes its batch apart,
        itself or in what it calls, is not to get one.
        """
        step = model.training_step
        name = next((p.name for p in parameters_of(step)), "")
        taken = parts_taken(step, name)
        places = [part for part in taken if isinstance(part, int)]
        keys = [part for part in taken if isinstance(part, str)]
        several = max(places, default=1) + 1
        tries: list[Any] = [[x, *(torch.zeros(x.shape[0]) for _ in range(several - 1))]]
        tries += [] if places else [x]
        if len(keys) == 1:  # `batch["image"]`
            tries = [{keys[0]: x}]
        for batch in tries:
            before, state = KeptState(holders_of(model)), torch.get_rng_state()
            try:
                result = step(batch, 0)
                break
            except (AttributeError, IndexError, TypeError, ValueError):
                if batch is tries[-1]:
                    raise
                before.put_back()
                torch.set_rng_state(state)
        given = "x" if batch is x else f"[{', '.join(['x', *['zeros'] * (several - 1)])}]"
        if isinstance(batch, dict):
            given = f"{{{keys[0]!r}: x}}"
        function = f"{type(model).__name__}.training_step"
        call = LossCall(function, (Argument("", given), Argument("", "0")))
        return self._taken(result, "training_step", call, model, x)

    def _called(
        self,
        loss: Callable[..., Any],
        outputs: Outputs,
        model: nn.Module,
        whose: str,
        function: str,
    ) -> Computed:
        made = CalledLoss(loss, outputs, self.arguments)
        sources = arguments_of(loss, made.arguments, made.keywords, self.arguments, outputs)
        call = LossCall(function, sources)
        result = made.run()
        computed = self._taken(result, whose, call, model, outputs.x, made.code)
        made.require_none_against(computed.loss)
        if computed.call is not None and not computed.call.added:
            made.require_minimized(result, computed.call.taken, computed.loss)
        return computed


def _require_one_input(model: nn.Module) -> None:
    """Raise `CannotBind` for a model that cannot be called with x alone."""
    parameters = parameters_of(model.forward)
    wanted = [p.name for p in parameters if p.default is p.empty and p.kind in BY_PLACE]
    wanted += [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    if len(wanted) > 1:
        seen = f"the model takes ({', '.join(wanted)}), and only its input is given"
        raise CannotBind(seen, objective_of_more(wanted[1:]))
