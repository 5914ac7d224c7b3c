"""Fitting what a model returned to what its loss takes.

A parameter gets the part of its name, or the one part of its meaning; what is left over then
goes by shape and order. Where that does not decide, nothing is guessed: a wrong loss would be
shown with every line under it ticked. The message says what could be meant and how to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from torch import Tensor

from ..symbolic.printable import listed
from .binding_evidence import contradiction, doubt_of_order, is_object
from .code_reading import compared, name_of, parts_taken
from .loss_parameters import (
    CannotBind,
    Parameter,
    in_their_kind,
    is_input,
    parameters_of,
    with_names_of_rest,
    with_parts,
)
from .model_outputs import OutputPart, Outputs, described
from .part_names import (
    INPUT,
    LOGVAR,
    MEAN,
    MODELS,
    RECON,
    TARGETS,
    WHOLE,
    distribution,
    family,
    is_deviation,
    is_setting,
    which,
)
from .suggested_objective import objective_calling


def fitted(
    loss: Callable[..., Any], outputs: Outputs, more: Mapping[str, Any] | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """Fit what a model returned, and its input, to the parameters of a loss.

    Parameters
    ----------
    more
        What the loss is given by name; a `Written` value may be the code of a part.

    Raises
    ------
    CannotBind
        If a parameter without a default is left over, if a part or the input has two places
        to go, or if a prediction has none.
    """
    parameters = with_names_of_rest(loss, parameters_of(loss), outputs)
    more = with_parts(parameters, dict(more or {}), outputs)
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return _in_order(parameters, outputs, more), more
    for p in parameters:
        if p.name in MODELS and p.default is p.empty and p.name not in more:
            raise CannotBind(f"the loss takes the model itself; {_with_model(parameters, outputs)}")
    arguments = _Fitting(loss, parameters, outputs, more).arguments()
    return in_their_kind(parameters, {**arguments, **more})


def _with_model(parameters: Sequence[Parameter], outputs: Outputs) -> str:
    """Say how a loss that runs the model is called."""
    wanted = [p.name for p in parameters if p.default is p.empty]
    given = ["model" if name in MODELS else "x" for name in wanted]
    if not all(name in MODELS or is_input(name, outputs) for name in wanted):
        return "give it with --objective"
    return f'add --objective-expr "loss({", ".join(given)})"'


def _in_order(parameters: Sequence[Parameter], outputs: Outputs, more: dict[str, Any]) -> list[Any]:
    """Return the arguments of a loss that takes any number: all parts, x where it has a name."""
    parts = [part.value for part in outputs.top]
    if outputs.parts[0].keyed or any(part.keyed for part in outputs.top):
        parts = [outputs.whole]
    placed: list[Any] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            break
        if p.name in more:
            placed.append(more.pop(p.name))
        elif is_input(p.name, outputs) and not (parts and parts[0] is outputs.x):
            placed.append(outputs.x)
        elif parts:
            placed.append(parts.pop(0))
    return placed + parts


class _Fitting:
    """The parameters of a loss that are to be given something, and what each got so far."""

    def __init__(
        self,
        loss: Callable[..., Any],
        parameters: Sequence[Parameter],
        outputs: Outputs,
        more: Mapping[str, Any],
    ) -> None:
        self._loss, self._outputs, self._more = loss, outputs, more
        self._wanted = [p for p in parameters if p.name not in more and p.kind is not p.VAR_KEYWORD]
        self._given: dict[str, OutputPart] = {}
        # A part that is given by name is not free for another; the input is no part.
        self._taken = [
            part
            for part in outputs.parts
            if part.value is outputs.x or any(part.value is value for value in more.values())
        ]
        self._for_x: list[str] = []

    def arguments(self) -> dict[str, Any]:
        """Return what each parameter gets, by name."""
        taker = self._taker_of_whole()
        if taker is not None:
            self._give(taker, self._outputs.parts[0])
        else:
            self._by_names()
            self._by_meaning()
        self._give_input()
        if taker is None:
            self._by_shape()
            self._by_order()
        self._require_all()
        self._require_no_contradiction()
        values = {name: part.value for name, part in self._given.items()}
        return values | dict.fromkeys(self._for_x, self._outputs.x)

    # --- what is still to be given ---

    @property
    def _open(self) -> list[Parameter]:
        return [p for p in self._wanted if p.name not in self._given and p.name not in self._for_x]

    @property
    def _left(self) -> list[Parameter]:
        """Those that want a part: all that are not for the input, nor a setting such as beta."""
        return [
            p
            for p in self._open
            if self._is_moment(p) or (p.default is p.empty and not is_setting(p.name))
        ]

    def _is_moment(self, parameter: Parameter) -> bool:
        """Whether a parameter has a name of parts; that of a deviation where no other is wanted.

        Beside a log variance, `sigma=1.0` is a setting.
        """
        if not is_deviation(parameter.name) or "scale" in parameter.name:
            return family(parameter.name) is not None
        others = [p for p in self._wanted if p is not parameter]
        families = [family(p.name) for p in others]
        is_only = LOGVAR not in families and not any(is_deviation(p.name) for p in others)
        return MEAN in families and is_only

    def _free(self, parts: Sequence[OutputPart]) -> list[OutputPart]:
        return [part for part in parts if not any(map(part.shares_with, self._taken))]

    def _give(self, name: str, part: OutputPart) -> None:
        self._given[name] = part
        self._taken.append(part)

    def _named(self, name: str) -> list[OutputPart]:
        return [part for part in self._free(self._outputs.parts) if part.name == name]

    def _predictions(self) -> list[OutputPart]:
        """The free parts that may be what the model made of its input."""
        x = self._outputs.x
        free = [part for part in self._free(self._outputs.leaves) if isinstance(part.value, Tensor)]
        meant = [part for part in free if part.family is RECON]
        others = [part for part in free if part.family is None]
        alike = [part for part in others if part.value.shape == x.shape]
        return meant or alike or [part for part in others if part.value.numel() == x.numel() > 1]

    # --- giving ---

    def _taker_of_whole(self) -> str | None:
        """Return the parameter that takes all that the model returned, as it is: `loss(out, x)`."""
        outputs = self._outputs
        required = [p.name for p in self._wanted if p.default is p.empty]
        wanted = [name for name in required if not is_input(name, outputs)]
        # Of two that are called as inputs are, one may be all that the model returned.
        candidates = required if len(required) - len(wanted) > 1 else wanted
        if len(outputs.parts) == 1:
            return None
        last, keys = len(outputs.top) - 1, {part.name for part in outputs.top if part.keyed}
        for name in (name for name in candidates if not self._named(name)):
            taken = parts_taken(self._loss, name)
            unpacked = not keys and last > 0 and {last - 1, last} <= taken
            if taken & keys or (unpacked and not self._is_part_unpacked(taken, wanted)):
                return name
        # Two things in order are a reconstruction and what belongs to it, which are told apart.
        several = last > 0 if keys else len(outputs.leaves) > 2
        if len(wanted) != 1 or not several or self._named(wanted[0]):
            return None
        if any(self._is_moment(p) for p in self._wanted if p.name != wanted[0]):
            return None
        (name,) = wanted
        return name if family(name) is None or name.lower() in WHOLE else None

    def _is_part_unpacked(self, taken: Set[int | str], wanted: Sequence[str]) -> bool:
        """Whether what a parameter unpacks is one of the parts: `loss(recon, x, (mu, logvar))`.

        As many parameters want a part as there are, and one of the parts has enough within it.
        """
        top, most = self._outputs.top, max(n for n in taken if isinstance(n, int))
        within = any(isinstance(p.value, tuple | list) and len(p.value) > most for p in top)
        return within and sum(not is_setting(name) for name in wanted) == len(top)

    def _by_names(self) -> None:
        for p in self._wanted:
            source = self._named(p.name)
            # A variable that is called as inputs are may be anything:
            # `x = self.decoder(z); return x, mu`.
            may_be_input = p.name.lower() in INPUT and p.name.lower() not in TARGETS
            if len(source) == 1 and (source[0].keyed or not may_be_input):
                self._give(p.name, source[0])

    def _by_meaning(self) -> None:
        for p in self._open:
            meant = family(p.name)
            alike = [part for part in self._free(self._outputs.parts) if part.family is meant]
            if len(alike) > 1 and meant in (MEAN, LOGVAR):
                alike = [part for part in alike if which(part.name) == which(p.name)]
            if meant is None:  # what is a distribution by its name may be no tensor
                meant = distribution(p.name)
                objects = [part for part in self._free(self._outputs.leaves) if is_object(part)]
                alike = [part for part in objects if distribution(part.name) is meant]
            if meant is not None and len(alike) == 1:
                self._give(p.name, alike[0])

    def _give_input(self) -> None:
        """Give x to the one parameter that wants it."""
        wanting = [p for p in self._open if is_input(p.name, self._outputs)]
        required = [p for p in wanting if p.default is p.empty]
        wanting = required or wanting or [p for p in self._open if self._is_target(p)]
        has_prediction = any(family(p.name) is RECON for p in self._wanted)
        if len(wanting) == 2 and not has_prediction and not self._has_prediction():
            prediction = self._prediction_among(*wanting)
            parts = self._predictions() or self._free(self._outputs.top)
            if prediction is not None and len(parts) == 1:
                self._give(prediction, parts[0])
                wanting = [p for p in wanting if p.name != prediction]
        if len(wanting) > 1:
            names = [p.name for p in wanting]
            meant = dict.fromkeys(names, "x")
            if not has_prediction and self._predictions():
                meant[names[0]] = self._predictions()[0].place
            raise self._undecided(f"{listed(names)} can each be x", meant)
        self._for_x += [p.name for p in wanting]

    def _is_target(self, parameter: Parameter) -> bool:
        """Whether a parameter such as y is what the loss holds its prediction against."""
        name, names = parameter.name, {p.name for p in self._wanted}
        if name not in TARGETS or parameter.default is not parameter.empty:
            return False
        pairs = (compared(self._loss, {name, other}) for other in names - {name})
        is_held = any(pair is not None and pair[1] == name for pair in pairs)
        return is_held or any(n.startswith(f"{name}_") and family(n) is RECON for n in names)

    def _has_prediction(self) -> bool:
        """Whether a parameter has been given what the model made of its input, or a list of it."""
        x = self._outputs.x
        for part in self._taken:
            families = {part.family, *(family(n) for n, p in self._given.items() if p is part)}
            if RECON in families or part.path == () or isinstance(part.value, tuple | list):
                return True
            is_alike = isinstance(part.value, Tensor) and part.value.numel() == x.numel()
            if is_alike and part.value is not x and families == {None}:
                return True
        return False

    def _prediction_among(self, *pair: Parameter) -> str | None:
        """Return which of two parameters with names of inputs is the prediction.

        PyTorch's own losses call it `input`, and what it should be `target`.
        """
        names = [p.name for p in pair]
        by_use = compared(self._loss, set(names))
        if by_use is not None:
            return by_use[0]
        others = [name for name in names if name.lower() not in TARGETS]
        return others[0] if len(others) == 1 else None

    def _by_shape(self) -> None:
        for p in self._left:
            if family(p.name) is RECON:
                predictions = self._predictions()
                fills_all = len(self._left) == len(self._free(self._outputs.top))
                if len(predictions) == 1:
                    self._give(p.name, predictions[0])
                elif predictions and not (fills_all and self._left[0] is p):
                    raise self._undecided(
                        f"{listed([part.place for part in predictions])} can each be {p.name}",
                        {p.name: predictions[0].place},
                    )

    def _by_order(self) -> None:
        """Give the parts that are left in the order in which they were returned."""
        left = self._left
        if not left or any(part.keyed for part in self._outputs.top):
            return
        meant, free = [family(p.name) for p in left], self._free(self._outputs.top)
        swapped = MEAN in meant and LOGVAR in meant and meant.index(LOGVAR) < meant.index(MEAN)
        if swapped and free:
            names = listed([part.place for part in free])
            why = f"which of {names} is the mean is not said"
            raise self._undecided(why, {left[meant.index(MEAN)].name: names.split(",")[0]})
        parts = self._in_their_order(len(left))
        for p, part in zip(left, parts, strict=False):
            self._require_no_doubt(p, part)
            self._require_not_unpacked(p.name, [part, *parts[len(left) :]])
            families = family(p.name), part.family
            if None not in families and families[0] is not families[1]:
                why = f"{part.place} is left for {p.name}, and is called as something else"
                raise self._undecided(why, {p.name: part.place})
            self._give(p.name, part)

    def _require_no_doubt(self, parameter: Parameter, part: OutputPart) -> None:
        """Raise `CannotBind` where names say that order is not what was meant."""
        alike = [each for each in self._free(self._outputs.top) if each.family is part.family]
        beside = bool(self._for_x) and self._has_prediction()
        why = doubt_of_order(parameter, part, alike, beside)
        if why:
            raise self._undecided(why, {parameter.name: part.place})

    def _in_their_order(self, wanted: int) -> list[OutputPart]:
        """Return the parts that are left, those within parts one by one or not."""
        top, leaves = self._free(self._outputs.top), self._free(self._outputs.leaves)
        # A list is not given as a whole when a part of it is given already; its other parts are.
        if len(top) == len(leaves) or wanted in (1, len(leaves)):
            return leaves if wanted != len(top) else top
        if wanted == len(top):
            return top
        raise CannotBind(
            f"the model returned {described(self._outputs.whole)}, parts within parts, and the "
            f"loss takes {len(self._wanted) - len(self._for_x)} of them",
            self._objective(),
        )

    def _require_all(self) -> None:
        left = [p.name for p in self._open if p.default is p.empty]
        if left:
            taken = ", ".join(p.name for p in self._wanted)
            raise CannotBind(
                f"the model returned {described(self._outputs.whole)} and the loss takes "
                f"({taken}); nothing was found for {', '.join(left)} (a number, a word or a part "
                f"can be given with --loss-arg {left[0]}=VALUE)",
                self._objective(),
            )
        unused = [] if self._has_prediction() else self._predictions()
        if unused:
            places = listed([part.place for part in unused])
            if self._is_of_model():
                raise CannotBind(
                    f"no parameter of the loss gets {places}; if it runs the model itself, give "
                    f'--objective-expr "model.{self._loss.__name__}(x)" in place of it'
                )
            name = next(iter(self._for_x), self._wanted[0].name if self._wanted else "NAME")
            raise self._undecided(f"no parameter gets {places}", {name: unused[0].place})
        numbers = [
            part
            for part in self._free(self._outputs.leaves)
            if isinstance(part.value, Tensor) and part.value.dim() == 0 and part.value.requires_grad
        ]
        if numbers and len(self._given) == 1:
            places = listed([part.place for part in numbers])
            raise CannotBind(
                f"the loss gets the prediction alone, and the model returned {places} beside it; "
                "add it or leave it out",
                f"{self._objective()} + {' + '.join(f'out{part.code}' for part in numbers)}",
            )

    def _require_not_unpacked(self, name: str, parts: Sequence[OutputPart]) -> None:
        """Raise `CannotBind` where the loss unpacks the first of these parts, and others are left.

        `mu, logvar = stats` takes a tensor of two rows apart as well.
        """
        places = {n for n in parts_taken(self._loss, name) if isinstance(n, int)}
        part, *others = parts
        if others and isinstance(part.value, Tensor) and {0, 1} <= places:
            together = ", ".join(f"out{each.code}" for each in parts[: max(places) + 1])
            raise CannotBind(
                f"the loss unpacks {name} into {max(places) + 1}, and {part.place} is one tensor "
                f"beside {listed([each.place for each in others])}",
                self._objective({name: f"({together})"}),
            )

    def _require_no_contradiction(self) -> None:
        x, more = self._outputs.x, self._more.values()
        gets_x = bool(self._for_x) or any(value is x for value in more)
        gets_x = gets_x or any(part.value is x for part in self._given.values())
        against = contradiction(self._given, self._outputs, gets_x)
        if against is not None:
            raise self._undecided(*against)

    def _objective(self, meant: Mapping[str, str] = MappingProxyType({})) -> str:
        """Write the call as far as it is known; what is missing gets the parts that are left."""
        free = [f"out{part.code}" for part in self._free(self._outputs.leaves)]
        given = {name: f"out{part.code}" for name, part in self._given.items()}
        given |= dict.fromkeys(self._for_x, "x")
        for p in self._open:
            if p.default is p.empty:
                given[p.name] = free.pop(0) if free else "1.0"
        function = f"model.{self._loss.__name__}" if self._is_of_model() else name_of(self._loss)
        return objective_calling(function, given | dict(meant))

    def _is_of_model(self) -> bool:
        """Whether the loss is a method of the model itself."""
        return getattr(self._loss, "__self__", None) is self._outputs.model is not None

    def _undecided(self, why: str, meant: Mapping[str, str]) -> CannotBind:
        """Return the error for two places to go, in one line with the option that settles it.

        Parameters
        ----------
        meant
            What may be meant, as code, by parameter.
        """
        parts = [part.place for part in self._outputs.parts if part.path] or ["model(x)"]
        taken = ", ".join(p.name for p in self._wanted)
        options = " ".join(f"--loss-arg {name}={place}" for name, place in meant.items())
        return CannotBind(
            f"the loss takes ({taken}) and the model returned {', '.join(parts)}: {why}; "
            f"say which is which, as by {options}"
        )
