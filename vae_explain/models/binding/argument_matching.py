"""Fitting what a model returned to what its loss takes.

A parameter gets the part of its name, or the one part of its meaning; what is left over then
goes by shape and order. Where that does not decide, nothing is guessed: a wrong loss would be
shown with every line under it ticked. `argument_refusals` says what could be meant instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, TypeGuard

from ...symbolic.printable import listed
from .argument_refusals import (
    nested,
    require_all,
    require_input_not_apart,
    require_input_unchanged,
    require_no_contradiction,
    require_no_default_doubted,
    require_no_doubt,
    require_no_number_meant,
    require_not_unpacked,
    require_use,
    undecided,
)
from .binding_evidence import is_object
from .code_reading import compared
from .loss_parameters import (
    Parameter,
    in_their_kind,
    is_input,
    parameters_of,
    with_names_of_rest,
    with_parts,
)
from .model_losses import require_no_model
from .model_outputs import OutputPart, Outputs
from .parameter_uses import parts_taken
from .part_names import (
    INPUT,
    LOGVAR,
    MEAN,
    MOMENTS,
    RECON,
    TARGETS,
    WHOLE,
    distribution,
    family,
    is_setting,
    which,
)
from .partial_call import PartialCall


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
    require_no_model(parameters, outputs, more)
    arguments = _arguments(PartialCall(loss, parameters, outputs, more))
    return in_their_kind(parameters, {**arguments, **more})


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


def _arguments(call: PartialCall) -> dict[str, Any]:
    """Return what each parameter gets, by name."""
    taker = _taker_of_whole(call)
    if taker is not None:
        call.give(taker, call.outputs.parts[0])
    else:
        _by_names(call)
        _by_meaning(call)
        _by_unpacking(call)
    _give_input(call)
    if taker is None:
        _by_shape(call)
        _by_order(call)
        require_no_default_doubted(call)
    require_input_unchanged(call)
    require_input_not_apart(call)
    require_all(call)
    require_use(call)
    require_no_contradiction(call)
    values = {name: part.value for name, part in call.given.items()}
    return values | dict.fromkeys(call.for_x, call.outputs.x)


def _taker_of_whole(call: PartialCall) -> str | None:
    """Return the parameter that takes all that the model returned, as it is: `loss(out, x)`."""
    outputs = call.outputs
    required = [p.name for p in call.wanted if p.default is p.empty]
    wanted = [name for name in required if not is_input(name, outputs)]
    # Of two that are called as inputs are, one may be all that the model returned.
    candidates = required if len(required) - len(wanted) > 1 else wanted
    # Whose part was given by name is not meant as a whole.
    given = [part for part in call.taken if part.value is not outputs.x]
    if len(outputs.parts) == 1 or given:
        return None
    last, keys = len(outputs.top) - 1, {part.name for part in outputs.top if part.keyed}
    for name in (name for name in candidates if not call.named(name)):
        taken = parts_taken(call.loss, name)
        unpacked = not keys and last > 0 and {last - 1, last} <= taken
        if taken & keys or (unpacked and not _is_part_unpacked(call, taken, wanted)):
            return name
    # Two things in order are a reconstruction and what belongs to it, which are told apart.
    several = last > 0 if keys else len(outputs.leaves) > 2
    if len(wanted) != 1 or not several or call.named(wanted[0]):
        return None
    if any(call.is_moment(p) for p in call.wanted if p.name != wanted[0]):
        return None
    (name,) = wanted
    return name if family(name) is None or name.lower() in WHOLE else None


def _is_part_unpacked(call: PartialCall, taken: Set[int | str], wanted: Sequence[str]) -> bool:
    """Whether what a parameter unpacks is one of the parts: `loss(recon, x, (mu, logvar))`.

    As many parameters want a part as there are, and one of the parts has enough within it.
    """
    top, most = call.outputs.top, max(n for n in taken if isinstance(n, int))
    within = any(isinstance(p.value, tuple | list) and len(p.value) > most for p in top)
    return within and sum(not is_setting(name) for name in wanted) == len(top)


def _by_names(call: PartialCall) -> None:
    for p in call.wanted:
        source = call.named(p.name)
        # A variable that is called as inputs are may be anything:
        # `x = self.decoder(z); return x, mu`.
        may_be_input = p.name.lower() in INPUT and p.name.lower() not in TARGETS
        if len(source) == 1 and (source[0].keyed or not may_be_input):
            require_no_number_meant(call, p, source[0])
            call.give(p.name, source[0])


def _by_meaning(call: PartialCall) -> None:
    for p in call.open:
        meant = family(p.name)
        alike = [part for part in call.one_by_one() if part.family is meant]
        if len(alike) > 1 and meant in MOMENTS:
            alike = [part for part in alike if which(part.name) == which(p.name)]
        if meant is None:  # what is a distribution by its name may be no tensor
            meant = distribution(p.name)
            objects = [part for part in call.free(call.outputs.leaves) if is_object(part)]
            alike = [part for part in objects if distribution(part.name) is meant]
        if meant is not None and len(alike) == 1:
            call.give(p.name, alike[0])


def _by_unpacking(call: PartialCall) -> None:
    """Give the one pair, or longer tuple, to the one parameter that is taken apart into as many."""
    free = [part for part in call.free(call.outputs.top) if isinstance(part.value, tuple | list)]
    left = [p.name for p in call.left if not is_input(p.name, call.outputs)]
    taken = {name: parts_taken(call.loss, name) for name in left}
    sizes = {name: max(parts) + 1 for name, parts in taken.items() if parts and _are_places(parts)}
    for name, size in sizes.items():
        fitting = [part for part in free if len(part.value) == size]
        is_only = list(sizes.values()).count(size) == 1 and size > 1
        if is_only and len(fitting) == 1 and family(name) is None:
            call.give(name, fitting[0])


def _are_places(parts: Set[int | str]) -> TypeGuard[Set[int]]:
    return all(isinstance(part, int) for part in parts)


def _give_input(call: PartialCall) -> None:
    """Give x to the one parameter that wants it."""
    wanting = [p for p in call.open if is_input(p.name, call.outputs)]
    required = [p for p in wanting if p.default is p.empty]
    wanting = required or wanting or [p for p in call.open if _is_target(call, p)]
    has_prediction = any(family(p.name) is RECON for p in call.wanted)
    if len(wanting) == 2 and not has_prediction and not call.has_prediction():
        prediction = _prediction_among(call, *wanting)
        parts = call.predictions() or call.free(call.outputs.top)
        if prediction is not None and len(parts) == 1:
            call.give(prediction, parts[0])
            wanting = [p for p in wanting if p.name != prediction]
    if len(wanting) > 1:
        names = [p.name for p in wanting]
        meant = dict.fromkeys(names, "x")
        if not has_prediction and call.predictions():
            meant[names[0]] = call.predictions()[0].place
        raise undecided(call, f"{listed(names)} can each be x", meant)
    reshaped = call.input_in_shape()
    if len(wanting) == 1 and reshaped is not None:
        call.give(wanting[0].name, reshaped)
    else:
        call.for_x += [p.name for p in wanting]


def _is_target(call: PartialCall, parameter: Parameter) -> bool:
    """Whether a parameter such as y is what the loss holds its prediction against."""
    name, names = parameter.name, {p.name for p in call.wanted}
    if name not in TARGETS or parameter.default is not parameter.empty:
        return False
    pairs = (compared(call.loss, {name, other}) for other in names - {name})
    is_held = any(pair is not None and pair[1] == name for pair in pairs)
    return is_held or any(n.startswith(f"{name}_") and family(n) is RECON for n in names)


def _prediction_among(call: PartialCall, *pair: Parameter) -> str | None:
    """Return which of two parameters with names of inputs is the prediction.

    PyTorch's own losses call it `input`, and what it should be `target`.
    """
    names = [p.name for p in pair]
    by_use = compared(call.loss, set(names))
    if by_use is not None:
        return by_use[0]
    others = [name for name in names if name.lower() not in TARGETS]
    return others[0] if len(others) == 1 else None


def _by_shape(call: PartialCall) -> None:
    for p in call.left:
        if family(p.name) is RECON:
            predictions = call.predictions()
            fills_all = len(call.left) == len(call.free(call.outputs.top))
            if len(predictions) == 1:
                call.give(p.name, predictions[0])
            elif predictions and not (fills_all and call.left[0] is p):
                raise undecided(
                    call,
                    f"{listed([part.place for part in predictions])} can each be {p.name}",
                    {p.name: predictions[0].place},
                )


def _by_order(call: PartialCall) -> None:
    """Give the parts that are left in the order in which they were returned."""
    left = call.left
    if not left or any(part.keyed for part in call.outputs.top):
        return
    meant, free = [family(p.name) for p in left], call.free(call.outputs.top)
    swapped = MEAN in meant and LOGVAR in meant and meant.index(LOGVAR) < meant.index(MEAN)
    if swapped and free:
        names = listed([part.place for part in free])
        why = f"which of {names} is the mean is not said"
        raise undecided(call, why, {left[meant.index(MEAN)].name: names.split(",")[0]})
    parts = _in_their_order(call, len(left))
    for p, part in zip(left, parts, strict=False):
        require_no_doubt(call, p, part)
        spare = parts[len(left) :]
        require_not_unpacked(call, p.name, [part, *spare])
        if spare and family(p.name) is None and part.family is not None:
            places = listed([each.place for each in parts])
            raise undecided(call, f"{places} can each be {p.name}", {p.name: part.place})
        families = family(p.name), part.family
        if None not in families and families[0] is not families[1]:
            why = f"{part.place} is left for {p.name}, and is called as something else"
            raise undecided(call, why, {p.name: part.place})
        call.give(p.name, part)


def _in_their_order(call: PartialCall, wanted: int) -> list[OutputPart]:
    """Return the parts that are left, those within parts one by one or not."""
    top, leaves = call.free(call.outputs.top), call.free(call.outputs.leaves)
    # A list is not given as a whole when a part of it is given already; its other parts are.
    if len(top) == len(leaves) or wanted in (1, len(leaves)):
        return leaves if wanted != len(top) else top
    if wanted == len(top):
        return top
    raise nested(call)
