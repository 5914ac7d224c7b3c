"""Refusing a call of a loss that may not be the one that is meant, and wording why.

Each message is one line that names what could be meant, with the option that settles it, or the
objective to write in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from ...symbolic.printable import listed
from .autograd_graph import ancestors_of, is_a_scale
from .binding_evidence import (
    contradiction,
    doubt_of_order,
    doubt_of_terms,
    is_number,
    is_said,
)
from .code_reading import input_name, name_of, returns_a_value
from .loss_parameters import CannotBind, Parameter, is_input, parameters_of
from .model_outputs import OutputPart, described
from .parameter_uses import is_used, parts_taken, taken_apart
from .part_names import LOGVAR, MEAN, family, is_deviation, is_setting
from .partial_call import PartialCall
from .suggested_objective import objective_calling


def require_all(call: PartialCall) -> None:
    """Raise `CannotBind` where a parameter got nothing, or what the model made went nowhere."""
    left = [p.name for p in call.open if p.default is p.empty]
    if left:
        taken = ", ".join(p.name for p in call.wanted)
        raise CannotBind(
            f"the model returned {described(call.outputs.whole)} and the loss takes "
            f"({taken}); nothing was found for {', '.join(left)} (a number, a word or a part "
            f"can be given with --loss-arg {left[0]}=VALUE)",
            _objective(call),
        )
    unused = [] if call.has_prediction() else call.predictions()
    # What was made of a prediction has it, as an importance weight has.
    given = [part.value for part in call.given.values() if isinstance(part.value, Tensor)]
    made_of = {node for value in given for node in ancestors_of(value)}
    unused = [part for part in unused if part.value.grad_fn not in made_of]
    if unused:
        names = listed([part.place for part in unused])
        if _is_of_model(call):
            raise CannotBind(
                f"no parameter of the loss gets {names}; if it runs the model itself, give "
                f'--objective-expr "model.{call.loss.__name__}(x)" in place of it'
            )
        if not call.wanted:
            code = "**model(x), x=x" if unused[0].keyed else "..."
            raise CannotBind(
                f"the loss names no parameter that gets {names}; say how it is called, as by "
                f'--objective-expr "loss({code})"'
            )
        # One that has a name or a meaning of its own is not to get a prediction instead.
        own = [name for name, part in call.given.items() if not is_said(name, part)]
        name = next(iter(own + call.for_x), "")
        if not name:
            raise CannotBind(
                f"no parameter of the loss gets {names}; if that is meant, give {_expression(call)}"
            )
        raise undecided(call, f"no parameter gets {names}", {name: unused[0].place})
    numbers = [
        part
        for part in call.free(call.outputs.leaves)
        if isinstance(part.value, Tensor) and part.value.dim() == 0 and part.value.requires_grad
    ]
    if numbers and len(call.given) == 1:
        names = listed([part.place for part in numbers])
        raise CannotBind(
            f"the loss gets the prediction alone, and the model returned {names} beside it; "
            "add it or leave it out",
            f"{_objective(call)} + {' + '.join(f'out{part.code}' for part in numbers)}",
        )


def require_no_doubt(call: PartialCall, parameter: Parameter, part: OutputPart) -> None:
    """Raise `CannotBind` where names say that order is not what was meant."""
    alike = [each for each in call.free(call.outputs.top) if each.family is part.family]
    beside = bool(call.for_x) and call.has_prediction()
    numbers = [each for each in call.free(call.outputs.top) if is_number(each)]
    terms = [p.name for p in call.left]
    why = doubt_of_order(parameter, part, alike, beside)
    why = why or doubt_of_terms(parameter, part, numbers, terms)
    if why:
        raise undecided(call, why, {parameter.name: part.place})


def require_no_default_doubted(call: PartialCall) -> None:
    """Raise `CannotBind` where a deviation keeps its default beside one that the model returned."""
    families = [family(p.name) for p in call.wanted]
    open_ones = [p for p in call.open if p.default is not p.empty and is_deviation(p.name)]
    if MEAN not in families or LOGVAR in families or not open_ones:
        return
    for part in call.free(call.outputs.leaves):
        if isinstance(part.value, Tensor) and (is_deviation(part.name) or is_a_scale(part.value)):
            name = open_ones[0].name
            why = f"{part.place} may be {name}, which has a default"
            raise undecided(call, why, {name: part.place})


def require_no_number_meant(call: PartialCall, parameter: Parameter, part: OutputPart) -> None:
    """Raise `CannotBind` where a variable has the name of what is a number by default.

    One letter says little: `b=0.5` may be a weight, whatever the model calls `b`. A key of the
    output was named for others to read, and a part of a VAE has its letter.
    """
    name, default = parameter.name, parameter.default
    is_plain = not part.keyed and isinstance(part.value, Tensor) and part.value.dim() > 0
    if is_plain and isinstance(default, int | float) and len(name) == 1 and family(name) is None:
        why = f"{name} is {default} by default, and the model has a variable of that name"
        raise undecided(call, why, {name: str(default)})


def require_input_unchanged(call: PartialCall) -> None:
    """Raise `CannotBind` where x would be given beside an input that the model has changed.

    `x = 2 * x - 1; return recon, x, mu`: nothing of the model's parameters is in it.
    """
    changed = [part for part in call.free(call.outputs.leaves) if _is_changed_input(call, part)]
    if call.for_x and len(changed) == 1:
        (part,), name = changed, call.for_x[0]
        why = f"{name} may be x, or {part.place}, which the model made of it without parameters"
        raise undecided(call, why, {name: part.place})


def _is_changed_input(call: PartialCall, part: OutputPart) -> bool:
    """Whether a part is called as inputs are, and is another tensor of no parameters."""
    outputs, value = call.outputs, part.value
    if not is_input(part.name, outputs) or not isinstance(value, Tensor) or value.requires_grad:
        return False
    has_graph = any(isinstance(p.value, Tensor) and p.value.requires_grad for p in outputs.leaves)
    if not has_graph or outputs.is_input(value) or value.shape != outputs.x.shape:
        return False
    return not value.equal(outputs.x.to(value.dtype))


def require_not_unpacked(call: PartialCall, name: str, parts: Sequence[OutputPart]) -> None:
    """Raise `CannotBind` where the loss unpacks the first of these parts, and others are left.

    `mu, logvar = stats` takes a tensor of two rows apart as well.
    """
    indices = {n for n in parts_taken(call.loss, name) if isinstance(n, int)}
    part, *others = parts
    if others and isinstance(part.value, Tensor) and {0, 1} <= indices:
        together = ", ".join(f"out{each.code}" for each in parts[: max(indices) + 1])
        raise CannotBind(
            f"the loss unpacks {name} into {max(indices) + 1}, and {part.place} is one tensor "
            f"beside {listed([each.place for each in others])}",
            _objective(call, {name: f"({together})"}),
        )


def require_whole_input(model: nn.Module, x: Tensor) -> None:
    """Raise `CannotBind` for a model that takes its batch apart, and would get the rows of x."""
    apart = _rows_of(model, input_name(model), x)
    if apart:
        raise CannotBind(
            f"the model takes its batch apart, as in {apart}, and x is one tensor, of which it "
            'would get the rows; say what it gets, as by --x-as "(x, None)", or by --x-as x if '
            "the rows are meant",
            option="--model",
        )


def require_input_not_apart(call: PartialCall) -> None:
    """Raise `CannotBind` for a loss that takes its batch apart, and would get the rows of x."""
    for name in call.for_x:
        apart = _rows_of(call.loss, name, call.outputs.x)
        if apart:
            raise CannotBind(
                f"the loss takes its batch apart, as in {apart}, and x is one tensor, of which it "
                f"would get the rows; say how it is called, as by {_expression(call, '(x, None)')}"
            )


def _rows_of(function: Callable[..., Any], name: str, x: Tensor) -> str:
    """Return the code in which a function takes x apart; "" if x has no rows that are taken."""
    return taken_apart(function, name) if x.dim() > 1 and len(x) > 1 else ""


def require_use(call: PartialCall) -> None:
    """Raise `CannotBind` for a loss whose code uses nothing of what the model returned."""
    names, own = list(call.given), {p.name for p in parameters_of(call.loss)}
    # Names that are not its parameters were read off its use of `*args`. One that returns
    # nothing raises, and says why.
    if (
        names
        and returns_a_value(call.loss)
        and not any(name not in own or is_used(call.loss, name) for name in names)
    ):
        places = listed([part.place for part in call.given.values()])
        raise CannotBind(
            f"the loss would get {places} as {listed(names)}, which its code does not use; say "
            f'how it is called, as by --objective-expr "{called_by(call, "loss")}(...)"'
        )


def require_no_contradiction(call: PartialCall) -> None:
    """Raise `CannotBind` where PyTorch's graph says that the call is not what was meant."""
    x, more = call.outputs.x, call.more.values()
    gets_x = bool(call.for_x) or any(value is x for value in more)
    gets_x = gets_x or any(call.outputs.is_input(part.value) for part in call.given.values())
    against = contradiction(call.given, call.outputs, gets_x)
    if against is not None:
        raise undecided(call, *against)


def undecided(call: PartialCall, why: str, meant: Mapping[str, str]) -> CannotBind:
    """Return the error for two places to go, in one line with the option that settles it.

    Parameters
    ----------
    meant
        What may be meant, as code, by parameter.
    """
    parts = [part.place for part in call.outputs.parts if part.path] or ["model(x)"]
    taken = ", ".join(p.name for p in call.wanted)
    options = " ".join(f"--loss-arg {name}={place}" for name, place in meant.items())
    return CannotBind(
        f"the loss takes ({taken}) and the model returned {', '.join(parts)}: {why}; "
        f"say which is which, as by {options}"
    )


def nested(call: PartialCall) -> CannotBind:
    """Return the error for parts within parts of which the loss takes neither all nor each."""
    return CannotBind(
        f"the model returned {described(call.outputs.whole)}, parts within parts, and the "
        f"loss takes {len(call.wanted) - len(call.for_x)} of them",
        _objective(call),
    )


def _objective(call: PartialCall, meant: Mapping[str, str] = MappingProxyType({})) -> str:
    """Write the call as far as it is known; what is missing gets the parts that are left."""
    free = [f"out{part.code}" for part in call.free(call.outputs.leaves)]
    given = call.codes("out")
    for p in call.open:
        if p.default is p.empty:
            wants_x = not is_setting(p.name) and not any(code == "x" for code in given.values())
            given[p.name] = free.pop(0) if free else "x" if wants_x else "1.0"
    return objective_calling(called_by(call, name_of(call.loss)), given | dict(meant))


def _expression(call: PartialCall, x: str = "x") -> str:
    """Write the option that calls the loss as it would be called, with something as its x."""
    passed = ", ".join(f"{name}={code}" for name, code in call.codes("model(x)", x).items())
    return f'--objective-expr "{called_by(call, "loss")}({passed})"'


def called_by(call: PartialCall, otherwise: str) -> str:
    """Return what the loss is called by: a method of the model by that."""
    return f"model.{call.loss.__name__}" if _is_of_model(call) else otherwise


def _is_of_model(call: PartialCall) -> bool:
    """Whether the loss is a method of the model itself."""
    return getattr(call.loss, "__self__", None) is call.outputs.model is not None
