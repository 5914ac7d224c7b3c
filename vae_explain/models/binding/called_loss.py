"""A loss with what it is called with: what it raises, what speaks against it, and its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ..loading.user_code import said
from .argument_matching import fitted
from .argument_refusals import called_by, undecided
from .argument_sources import PLAIN, setting
from .autograd_graph import falls_with_its_error
from .binding_evidence import is_said
from .code_reading import BY_PLACE, NOTHING, name_of, names_returned_by
from .loss_evidence import against_the_call
from .loss_parameters import CannotBind, parameters_of
from .model_outputs import OutputPart, Outputs
from .part_names import family, is_bound
from .partial_call import PartialCall


class CalledLoss:
    """A loss with its arguments.

    Attributes
    ----------
    arguments, keywords
        What it is called with.
    """

    def __init__(self, loss: Callable[..., Any], outputs: Outputs, more: Mapping[str, Any]) -> None:
        self._loss, self._outputs = loss, outputs
        self.arguments, self.keywords = fitted(loss, outputs, more)
        self._call = PartialCall(loss, parameters_of(loss), outputs, more)

    def run(self) -> Any:
        """Return what it returns, or raise `CannotBind` where an argument may be the fault."""
        try:
            return self._loss(*self.arguments, **self.keywords)
        except KeyError as error:
            # `kwargs["M_N"]`, which nobody gave.
            wanted = error.args[0] if error.args else None
            takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters_of(self._loss))
            if not takes_any or not isinstance(wanted, str) or wanted in self.keywords:
                raise
            raise CannotBind(
                f"the loss wants {wanted} by name; give it as --loss-arg {wanted}=VALUE "
                f"(from Python: loss_arguments={{{wanted!r}: …}})"
            ) from None
        except (RuntimeError, TypeError, ValueError) as error:
            for name, part in self._parts().items():
                if family(name) is None and not is_said(name, part):
                    why = (
                        f"{part.place} is left for {name}, with which the loss raised {said(error)}"
                    )
                    raise undecided(self._call, why, {name: "VALUE"}) from error
            raise

    def require_none_against(self, loss: Tensor) -> None:
        """Raise `CannotBind` where the graph of the loss speaks against the call that was made."""
        against = against_the_call(loss, self._parts(), self._outputs)
        if against is not None:
            raise undecided(self._call, *against)

    def require_minimized(self, result: Any, taken: str, loss: Tensor) -> None:
        """Raise `CannotBind` where the loss is called as a bound is, and falls as its error grows.

        Parameters
        ----------
        taken
            The part of what was returned that is the loss, as code.
        """
        name = next((name for name in self._names_of(result, taken) if is_bound(name)), "")
        if name and falls_with_its_error(loss):
            raise CannotBind(
                f"what is called {name} falls where its error grows, as a bound that is maximized "
                f'does; give what is minimized, as by --objective-expr "-{self.code}{taken}", or '
                f'"{self.code}{taken}" if it is meant so'
            )

    def _names_of(self, result: Any, taken: str) -> list[str]:
        """Return what a part of the result is called; for want of that, what is around it."""
        part = next(part for part in Outputs(result, self._outputs.x).parts if part.code == taken)
        named, around = names_returned_by(self._loss), []
        for at in part.path:
            around += [each.name for each in named.parts]
            named = named.parts[at] if at < len(named.parts) else NOTHING
        name = part.name if part.keyed else named.name
        return [name] if name else [name_of(self._loss).rpartition(".")[2], *around]

    @property
    def code(self) -> str:
        """The call as code for `--objective-expr`, with what has no code left out as `...`."""
        placed = [self._code_of(value) for value in self.arguments]
        own = [p.name for p in parameters_of(self._loss) if p.name in self.keywords]
        names = dict.fromkeys([*own, *self.keywords])
        words = [f"{name}={self._code_of(self.keywords[name])}" for name in names]
        return f"{called_by(self._call, 'loss')}({', '.join(placed + words)})"

    def _code_of(self, value: Any) -> str:
        if value is self._outputs.x:
            return "x"
        parts = [part.code for part in self._outputs.parts if part.value is value]
        if parts:
            return f"model(x){parts[0]}"
        return setting(value) if isinstance(value, PLAIN) else "..."

    def _parts(self) -> dict[str, OutputPart]:
        """Return the part that each parameter gets that the user gave nothing."""
        by_place = [p.name for p in parameters_of(self._loss) if p.kind in BY_PLACE]
        given = dict(zip(by_place, self.arguments, strict=False)) | self.keywords
        return {
            p.name: part
            for p in self._call.wanted
            for part in self._outputs.parts
            if part.value is given.get(p.name) and part.path
        }
