"""A call of a loss in the making: which parameters want something, and what each got so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from .loss_parameters import Parameter
from .model_outputs import OutputPart, Outputs
from .part_names import LOGVAR, MEAN, RECON, family, is_deviation, is_same, is_setting


class PartialCall:
    """The parameters of a loss that are to be given something, and what each got so far.

    Attributes
    ----------
    wanted
        The parameters that the user gave nothing.
    more
        What the user gave by name.
    given
        The part that each parameter got.
    taken
        The parts that are not free for another parameter.
    for_x
        The parameters that got the input.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        parameters: Sequence[Parameter],
        outputs: Outputs,
        more: Mapping[str, Any],
    ) -> None:
        self.loss, self.outputs, self.more = loss, outputs, more
        self.wanted = [p for p in parameters if p.name not in more and p.kind is not p.VAR_KEYWORD]
        self.given: dict[str, OutputPart] = {}
        # A part that is given by name is not free for another; the input is no part.
        self.taken = [
            part
            for part in outputs.parts
            if part.value is outputs.x or any(part.value is value for value in more.values())
        ]
        self.for_x: list[str] = []

    @property
    def open(self) -> list[Parameter]:
        return [p for p in self.wanted if p.name not in self.given and p.name not in self.for_x]

    @property
    def left(self) -> list[Parameter]:
        """Those that want a part: all that are not for the input, nor a setting such as beta."""
        return [
            p
            for p in self.open
            if self.is_moment(p) or (p.default is p.empty and not is_setting(p.name))
        ]

    def is_moment(self, parameter: Parameter) -> bool:
        """Whether a parameter has a name of parts; that of a deviation where no other is wanted.

        Beside a log variance, `sigma=1.0` is a setting.
        """
        if not is_deviation(parameter.name) or "scale" in parameter.name:
            return family(parameter.name) is not None
        others = [p for p in self.wanted if p is not parameter]
        families = [family(p.name) for p in others]
        is_only = LOGVAR not in families and not any(is_deviation(p.name) for p in others)
        return MEAN in families and is_only

    def free(self, parts: Sequence[OutputPart]) -> list[OutputPart]:
        return [part for part in parts if not any(map(part.shares_with, self.taken))]

    def give(self, name: str, part: OutputPart) -> None:
        self.given[name] = part
        self.taken.append(part)

    def codes(self, whole: str, x: str = "x") -> dict[str, str]:
        """Return what each parameter got as code, in the order in which the loss has them."""
        given = {name: f"{whole}{part.code}" for name, part in self.given.items()}
        given |= dict.fromkeys(self.for_x, x)
        return {p.name: given[p.name] for p in self.wanted if p.name in given}

    def one_by_one(self) -> list[OutputPart]:
        """The free parts, without the whole of several where several parameters want a part."""
        free, wanted = self.free(self.outputs.parts), [p for p in self.left if family(p.name)]
        is_whole = len(self.outputs.parts) == 1 or len(wanted) < 2
        return [part for part in free if part.path or is_whole]

    def named(self, name: str) -> list[OutputPart]:
        alike = [part for part in self.one_by_one() if is_same(part.name, name)]
        return [part for part in alike if part.name == name] or alike

    def predictions(self) -> list[OutputPart]:
        """The free parts that may be what the model made of its input."""
        x = self.outputs.x
        free = [part for part in self.free(self.outputs.leaves) if isinstance(part.value, Tensor)]
        free = [part for part in free if not self.outputs.is_input(part.value)]
        meant = [part for part in free if part.family is RECON]
        others = [part for part in free if part.family is None]
        alike = [part for part in others if part.value.shape == x.shape]
        return meant or alike or [part for part in others if part.value.numel() == x.numel() > 1]

    def input_in_shape(self) -> OutputPart | None:
        """Return the part that is x in the shape of a prediction, which is another than x has."""
        leaves = [p for p in self.outputs.leaves if isinstance(p.value, Tensor)]
        shapes = [p.value.shape for p in leaves if not self.outputs.is_input(p.value)]
        seen = [p for p in self.free(leaves) if self.outputs.is_input(p.value)]
        return seen[0] if len(seen) == 1 and seen[0].value.shape in shapes else None

    def has_prediction(self) -> bool:
        """Whether a parameter has been given what the model made of its input, or a list of it."""
        x = self.outputs.x
        for part in self.taken:
            families = {part.family, *(family(n) for n, p in self.given.items() if p is part)}
            if RECON in families or part.path == () or isinstance(part.value, tuple | list):
                return True
            is_alike = isinstance(part.value, Tensor) and part.value.numel() == x.numel()
            if is_alike and not self.outputs.is_input(part.value) and families == {None}:
                return True
        return False
