"""Running a model once and writing down everything: where PyTorch ends.

`record` runs any objective under a `TorchFunctionMode`, which sees each PyTorch call
without the model being changed, then asks autograd for the gradient at every value, for
the loss and for each of its terms, from that one forward pass. What it returns holds
NumPy arrays only.

It leaves nothing behind: the mode, the profile function and the generator's state are
put back even when the model raises, and gradients go through `torch.autograd.grad`,
which touches no `.grad`.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge
from torch.overrides import TorchFunctionMode

from .naming import NameWatcher, numbered
from .terms import loss_terms, producer
from .trace import Array, Kind, Operation, Slot, Term, Trace, Value

NOISE = {
    "randn", "randn_like", "normal", "normal_", "rand", "rand_like", "uniform_", "bernoulli",
    "bernoulli_", "exponential_",
}  # fmt: skip
# Of those, the draws from the standard normal, which given noise may stand in for.
STANDARD_NORMAL = {"randn", "randn_like", "normal", "normal_"}
# Property reads that make a tensor to compute with; every other one is only a look.
TENSOR_PROPERTIES = {"T", "mT", "H", "mH"}
# Calls that draw a mask and multiply by it, and are recorded as these two.
DROPOUTS = {"dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout"}
MASK = "dropout_mask"
REFLECTED = {"rsub": "sub", "rdiv": "div", "rpow": "pow", "rmatmul": "matmul"}


class NoiseMismatch(ValueError):
    """The noise that was given does not have the shape that the model draws."""

    def __init__(self, given: tuple[int, ...], drawn: tuple[int, ...]) -> None:
        super().__init__(f"noise of shape {list(given)} given, {list(drawn)} drawn")
        self.given, self.drawn = given, drawn

    @property
    def count_words(self) -> str:
        """What is wrong, for a person who gave numbers one by one."""
        return f"{math.prod(self.given)} given, but the model draws {math.prod(self.drawn)}"


def record(
    objective: Callable[[], Tensor],
    *,
    modules: Mapping[str, nn.Module],
    inputs: Mapping[str, Tensor],
    noise: Sequence[Tensor] = (),
) -> Trace:
    """Run an objective once and return the record of it.

    Parameters
    ----------
    objective
        Runs model and loss and returns the loss, one number.
    modules
        The modules whose parameters and paths give names, by prefix; "" for none.
    inputs
        The tensors that the run starts from, by name.
    noise
        Taken, in order, in place of what the model draws from the standard normal.

    Raises
    ------
    NoiseMismatch
        If a given draw does not have the shape of the draw that it replaces.
    ValueError
        If the objective does not return a tensor of one element.
    """
    recorder = _Recorder(modules, inputs, noise)
    buffers = [
        (buffer, buffer.detach().clone())
        for module in modules.values()
        for buffer in module.buffers()
    ]
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        try:
            loss = _watched(recorder, objective)
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                found = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
                raise ValueError(f"the loss must be one number, not {found}")
            return recorder.finish(loss)
        finally:
            # Running statistics, which a batch norm updates in its forward pass.
            with torch.no_grad():
                for buffer, before in buffers:
                    if not torch.equal(buffer, before):
                        buffer.copy_(before)


def _watched(recorder: _Recorder, objective: Callable[[], Tensor]) -> Tensor:
    recorder.watcher.start(sys._getframe())
    try:
        with recorder:
            return objective()
    finally:
        recorder.watcher.stop()


class _Recorder(TorchFunctionMode):
    """Collects values and operations while it is the active mode."""

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        inputs: Mapping[str, Tensor],
        noise: Sequence[Tensor],
    ) -> None:
        super().__init__()
        self._arrays: list[Array] = []
        self._kinds: list[Kind] = []
        self._tensors: list[Tensor] = []  # kept, so that no id is given out twice
        self._edges: list[Tensor | GradientEdge | None] = []
        self._versions: list[int] = []
        self._known: dict[int, int] = {}
        self._fixed_names: dict[int, str] = {}
        self._operations: list[Operation] = []
        self._noise = list(noise)
        self._masks: set[int] = set()
        paths: dict[int, str] = {}
        for prefix, module in modules.items():
            for path, part in module.named_modules(prefix=prefix):
                paths.setdefault(id(part), path)
        here = os.path.dirname(__file__)
        self.watcher = NameWatcher(
            self._lookup,
            paths,
            hidden=(
                os.path.dirname(torch.__file__),
                os.path.join(here, "recorder.py"),
                os.path.join(here, "naming.py"),
                os.path.join(here, "binding.py"),
            ),
        )
        for name, tensor in inputs.items():
            self._introduce(name, tensor, "input")
        for prefix, module in modules.items():
            for name, parameter in module.named_parameters(prefix=prefix):
                self._introduce(name, parameter, "parameter")
            for name, buffer in module.named_buffers(prefix=prefix):
                self._introduce(name, buffer, "buffer")

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = func.__name__
        if name == "__get__":
            name = func.__self__.__name__
            if name not in TENSOR_PROPERTIES:
                return func(*args, **kwargs)
        # Inputs are looked up before the call: one that works in place changes them.
        self.watcher.look(sys._getframe(1))
        if name in DROPOUTS:
            return self._dropout(func, args, kwargs)
        if name == "__getitem__":
            args = (args[0], _index(args[1]))
        noisy = name in NOISE
        slots: list[int] = []
        recorded_args = () if noisy else self._slotted(args, slots)
        recorded_kwargs = (
            {} if noisy else {key: self._slotted(value, slots) for key, value in kwargs.items()}
        )
        result = func(*args, **kwargs)
        outputs = _tensors_in(args[0] if name == "__setitem__" else result)
        # A comparison, a count or an index is a look at numbers, not arithmetic with them:
        # the checks of torch.distributions are such. Where one is used it is a constant.
        if not any(output.is_floating_point() or output.is_complex() for output in outputs):
            return result
        if noisy and self._noise and _is_standard_normal(name, args, kwargs):
            _replace(result, self._noise.pop(0))
        if not noisy and (not slots or _makes_constants(name)):
            return result  # a factory: its product is a constant, noted when it is used
        if all(self._unchanged(output) for output in outputs):
            return result  # such as `x.contiguous()`, which hands back x itself
        in_place = any(self._lookup(output) is not None for output in outputs)
        numbers = tuple(self._register(t, "noise" if noisy else "intermediate") for t in outputs)
        short, reflected = _canonical(name)
        if reflected:
            recorded_args = recorded_args[::-1]
        self._note(short, recorded_args, recorded_kwargs, tuple(slots), numbers, in_place)
        return result

    def _note(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        in_place: bool = False,
    ) -> None:
        module = self.watcher.modules[-1] if self.watcher.modules else ""
        self._operations.append(Operation(name, args, kwargs, inputs, outputs, module, in_place))

    def _dropout(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Record a dropout as what it is: a mask that is drawn, and a product with it.

        The mask is what the same call, from the same state of the generator, makes of ones.
        """
        named = {**kwargs, "input": args[0]} if args else dict(kwargs)
        x = named["input"]
        number = self._number(x)
        ones = torch.ones_like(x, requires_grad=False)
        before = torch.get_rng_state()
        result = func(*args, **kwargs)
        if self._unchanged(result):
            return result  # not training: it hands back x itself
        after = torch.get_rng_state()
        torch.set_rng_state(before)
        with torch.no_grad():
            mask = func(ones, *args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
        torch.set_rng_state(after)
        in_place = self._lookup(result) is not None
        factor = self._register(mask, "noise")
        self._masks.add(factor)
        product = self._register(result, "intermediate")
        self._note(MASK, (), {}, (), (factor,))
        both = (number, factor)
        self._note("mul", tuple(map(Slot, both)), {}, both, (product,), in_place)
        return result

    def finish(self, loss: Tensor) -> Trace:
        """Name the values, take the gradients and hand over."""
        output = self._lookup(loss)
        if output is None:
            raise ValueError("the loss was not computed from anything that was recorded")
        names = self._names(output)
        learns = {number for number, edge in enumerate(self._edges) if edge is not None}
        leaves = loss_terms(output, names, self._operations, self._arrays, learns)
        for leaf in leaves:
            if leaf not in self._fixed_names:
                names.setdefault(leaf, self._operations[producer(leaf, self._operations)].name)
        names = {**self._fixed_names, **numbered(names, list(self._fixed_names.values()))}
        gradients = self._gradients(loss) if loss.requires_grad else {}
        terms, by_term = self._term_gradients(leaves, names, gradients)
        return Trace(
            values=tuple(
                Value(i, names.get(i), kind, array)
                for i, (kind, array) in enumerate(zip(self._kinds, self._arrays, strict=True))
            ),
            operations=tuple(self._operations),
            output=output,
            terms=terms,
            gradients={i: _array(g) for i, g in gradients.items()},
            term_gradients=by_term,
            torch_version=torch.__version__.split("+")[0],
        )

    # --- values ---

    def _lookup(self, candidate: Any) -> int | None:
        number = self._known.get(id(candidate))
        # An id alone could be that of a later object; the kept tensor settles it.
        return number if number is not None and self._tensors[number] is candidate else None

    def _introduce(self, name: str, tensor: Tensor, kind: Kind) -> None:
        """Register what the run starts from; one that is given twice keeps its first name."""
        if self._lookup(tensor) is None:
            self._fixed_names[self._register(tensor, kind)] = name

    def _register(self, tensor: Tensor, kind: Kind) -> int:
        number = len(self._tensors)
        self._tensors.append(tensor)
        self._kinds.append(kind)
        self._arrays.append(_array(tensor))
        self._versions.append(tensor._version)
        self._edges.append(_edge(tensor))
        self._known[id(tensor)] = number
        return number

    def _number(self, tensor: Tensor) -> int:
        number = self._lookup(tensor)
        # A changed version was written to through another view of the same memory.
        if number is None or self._versions[number] != tensor._version:
            return self._register(tensor, "constant")
        return number

    def _unchanged(self, tensor: Tensor) -> bool:
        number = self._lookup(tensor)
        return number is not None and self._versions[number] == tensor._version

    def _slotted(self, argument: Any, slots: list[int]) -> Any:
        if isinstance(argument, Tensor):
            number = self._number(argument)
            slots.append(number)
            return Slot(number)
        if isinstance(argument, list | tuple):
            return tuple(self._slotted(item, slots) for item in argument)
        return argument

    # --- names ---

    def _names(self, output: int) -> dict[int, str]:
        names = {
            number: name
            for number, name in self.watcher.names.items()
            if number not in self._fixed_names
        }
        # A value that no variable ever held is called by the module that returned it.
        for number, path in self.watcher.returned.items():
            if number not in self._fixed_names:
                names.setdefault(number, path)
        names.setdefault(output, "loss")
        for number, kind in enumerate(self._kinds):
            if kind == "noise":
                # Where a number comes from has a name.
                names.setdefault(number, MASK if number in self._masks else "eps")
        return names

    # --- gradients ---

    def _gradients(
        self, output: Tensor | GradientEdge, upstream: Tensor | None = None
    ) -> dict[int, Tensor]:
        wanted = [(i, edge) for i, edge in enumerate(self._edges) if edge is not None]
        found = torch.autograd.grad(
            output,
            [edge for _, edge in wanted],  # type: ignore[arg-type] # one by one, it takes both
            grad_outputs=upstream,
            retain_graph=True,
            allow_unused=True,
        )
        pairs = zip(wanted, found, strict=True)
        return {i: gradient for (i, _), gradient in pairs if gradient is not None}

    def _term_gradients(
        self, leaves: Sequence[int], names: Mapping[int, str], total: Mapping[int, Tensor]
    ) -> tuple[tuple[Term, ...], dict[str, dict[int, Array]]]:
        terms: list[Term] = []
        by_term: dict[str, dict[int, Array]] = {}
        for leaf in leaves:
            weight = total.get(leaf)
            if weight is None:
                continue  # a summand that no parameter reaches has no share of any gradient
            share = self._share(leaf, weight)
            if any(other != leaf and other in share for other in leaves):
                return (), {}  # one term feeds another: there is no split that adds up
            terms.append(Term(names[leaf], leaf, float(weight.flatten()[0])))
            by_term[names[leaf]] = {i: _array(g) for i, g in share.items()}
        return (tuple(terms), by_term) if len(terms) > 1 else ((), {})

    def _share(self, leaf: int, weight: Tensor) -> dict[int, Tensor]:
        """Return the gradients of one term, weighted as it enters the loss."""
        term, edge = self._tensors[leaf], self._edges[leaf]
        if edge is not None and term._version != self._versions[leaf]:
            # `loss += kl` changed the tensor; its edge leads to what it was.
            return self._gradients(edge, weight)
        # Not as grad_outputs: checking their shape makes PyTorch import SymPy, which takes
        # a quarter of the time that PyTorch itself takes.
        one = term.numel() == 1 and bool(weight == 1)
        return self._gradients(term if one else (term * weight).sum())


def _array(tensor: Tensor) -> Array:
    plain = tensor.detach().cpu()
    if plain.dtype == torch.bfloat16:
        plain = plain.float()  # NumPy has no bfloat16, and float32 holds every one
    copied: Array = np.array(plain.resolve_conj().resolve_neg().numpy())
    return copied


def _edge(tensor: Tensor) -> Tensor | GradientEdge | None:
    """Return where autograd delivers the gradient of this value, now and not later."""
    if not tensor.requires_grad:
        return None
    node = tensor.grad_fn
    return tensor if node is None else GradientEdge(node, tensor.output_nr)


def _tensors_in(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, list | tuple):
        return [item for item in result if isinstance(item, Tensor)]
    return []


def _index(key: Any) -> Any:
    """Return what stands between brackets with lists as tensors, as which PyTorch takes them.

    In the record a list and a tuple are alike, but `h[[0, 1]]` and `h[0, 1]` are not.
    """
    if isinstance(key, tuple):
        return tuple(map(_index, key))
    plain = isinstance(key, list) and all(isinstance(item, int | list) for item in key)
    return torch.as_tensor(key) if plain or isinstance(key, np.ndarray) else key


def _replace(drawn: Tensor, given: Tensor) -> None:
    if given.numel() != drawn.numel():
        raise NoiseMismatch(tuple(given.shape), tuple(drawn.shape))
    with torch.no_grad():
        drawn.copy_(given.reshape(drawn.shape))


def _is_standard_normal(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a draw has mean 0 and deviation 1, as numbers or throughout as tensors."""
    if name not in STANDARD_NORMAL:
        return False
    if name.startswith("randn"):
        return True
    given = dict(zip(("mean", "std"), args[1:] if name == "normal_" else args, strict=False))
    mean, std = ({**given, **kwargs}.get(key, value) for key, value in (("mean", 0), ("std", 1)))
    return bool(torch.as_tensor(mean == 0).all() and torch.as_tensor(std == 1).all())


def _makes_constants(name: str) -> bool:
    return name.startswith("new_") or name.endswith("_like")


def _canonical(name: str) -> tuple[str, bool]:
    """Return the op's plain name, and whether its operands came in reverse.

    Examples
    --------
    >>> _canonical("__rsub__"), _canonical("add_"), _canonical("log_softmax")
    (('sub', True), ('add', False), ('log_softmax', False))
    """
    plain = name.strip("_")
    if plain in REFLECTED and name.startswith("__"):
        return REFLECTED[plain], True
    return plain, False
