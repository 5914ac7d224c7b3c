"""Attention, recurrent networks, and what PyTorch itself has in Python: many operations each.

If PyTorch has a call in Python, that code runs here, with its own dispatch to the mode switched
off. If not, it is written out as its documentation states it, in the order of PyTorch's own CPU
code: the bits are the same, except that oneDNN's LSTM may differ in the last one.

The variables of these functions name values, as a user's own do, unless they begin with an
underscore.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..frames import MARKER
from .composite import Composite

NAMES_VALUES = True  # see `frames.MARKER`
IN_PYTHON = ("gumbel_softmax", "multi_head_attention_forward")


def _without_dispatch(name: str) -> Callable[..., Any]:
    """Return a copy of a function of PyTorch's that does not dispatch to a mode as one call."""
    function: types.FunctionType = getattr(functional, name)

    def no(*_: Any) -> bool:
        return False

    asked = [each for each in function.__globals__ if each.startswith("has_torch_function")]
    variables = {**function.__globals__, **dict.fromkeys(asked, no), MARKER: True}
    code = function.__code__.replace(co_filename=__file__)  # PyTorch's own files name no values
    copy = types.FunctionType(code, variables, name, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


# --- attention --------------------------------------------------------------------------


def _has_dropout(
    attn_mask: Tensor | None,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    **_: Any,
) -> bool:
    """Whether an attention draws a mask, and is written out below.

    Without dropout it is one operation, which has a rule. Not written out is one with a query
    that may take no key, for which PyTorch has a softmax of its own.
    """
    if not dropout_p or enable_gqa or (scale is not None and scale <= 0):
        return False
    if attn_mask is None:
        return True
    closed = ~attn_mask if attn_mask.dtype == torch.bool else torch.isneginf(attn_mask)
    return not is_causal and not bool(closed.all(-1).any())


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Make an attention with dropout, the scale on both sides of the product as PyTorch has it."""
    _root = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    attention_scores = (query * _root) @ (key.transpose(-2, -1) * _root)
    if is_causal:
        _seen = torch.ones(attention_scores.shape[-2:], dtype=torch.bool).tril()
        attention_scores = attention_scores.masked_fill(~_seen, -math.inf)
    elif attn_mask is not None and attn_mask.dtype == torch.bool:
        attention_scores = attention_scores.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        attention_scores = attention_scores + attn_mask
    attention_weights = torch.softmax(attention_scores, -1)
    return functional.dropout(attention_weights, dropout_p) @ value


# --- one step ---------------------------------------------------------------------------

State = tuple[Tensor, ...]
# From what the input adds to the gates, the state so far, and the weights of the state.
Step = Callable[[Tensor, State, Tensor, Tensor | None], State]


def _lstm(_from_input: Tensor, _state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
    gates = functional.linear(_state[0], w_hh, b_hh) + _from_input
    _i, _f, _g, _o = gates.chunk(4, dim=-1)
    forget_gate, input_gate, cell_gate = torch.sigmoid(_f), torch.sigmoid(_i), torch.tanh(_g)
    cell = forget_gate * _state[1] + input_gate * cell_gate
    output_gate = torch.sigmoid(_o)
    hidden = output_gate * torch.tanh(cell)
    return hidden, cell


def _gru(_from_input: Tensor, _state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
    from_hidden = functional.linear(_state[0], w_hh, b_hh)
    # The last third of the sum is not used; PyTorch's sigmoid rounds by where its rows lie.
    _r, _z, _ = (from_hidden + _from_input).chunk(3, dim=-1)
    reset_gate, update_gate = torch.sigmoid(_r), torch.sigmoid(_z)
    _n_input, _n_hidden = _from_input.chunk(3, dim=-1)[2], from_hidden.chunk(3, dim=-1)[2]
    new_gate = torch.tanh(_n_input + _n_hidden * reset_gate)
    hidden = (_state[0] - new_gate) * update_gate + new_gate
    return (hidden,)


def _plain(activation: Callable[[Tensor], Tensor]) -> Step:
    def step(_from_input: Tensor, _state: State, w_hh: Tensor, b_hh: Tensor | None) -> State:
        hidden = activation(functional.linear(_state[0], w_hh, b_hh) + _from_input)
        return (hidden,)

    return step


STEPS: dict[str, Step] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn_tanh": _plain(torch.tanh),
    "rnn_relu": _plain(torch.relu),
}


def _cell(name: str) -> Callable[..., Any]:
    def run(
        input: Tensor,
        hx: Any,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Any:
        _state = hx if name == "lstm" else (hx,)
        _ends = STEPS[name](functional.linear(input, w_ih, b_ih), tuple(_state), w_hh, b_hh)
        return _ends if name == "lstm" else _ends[0]

    return run


# --- all steps of all layers ------------------------------------------------------------


def _is_padded(
    params: Sequence[Tensor], has_biases: bool, num_layers: int, bidirectional: bool, **_: Any
) -> bool:
    """Whether a network's call is of a padded batch, and its states are not projected."""
    if not isinstance(has_biases, bool):
        return False  # packed, which has the sizes of its batches among the arguments
    expected = num_layers * (2 if bidirectional else 1) * (4 if has_biases else 2)
    return len(params) == expected


def _network(name: str) -> Callable[..., Any]:
    step = STEPS[name]

    def run(
        _input: Tensor,
        hx: Any,
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Tensor, ...]:
        _sequence = _input.transpose(0, 1) if batch_first else _input
        each, directions = (4 if has_biases else 2), (2 if bidirectional else 1)
        starts: State = (hx,)
        if name == "lstm":
            hx, cx = hx  # the names that PyTorch has for them
            starts = hx, cx
        ends: list[State] = []
        for layer in range(num_layers):
            ways = []
            for direction in range(directions):
                at = layer * directions + direction
                _w_ih, _w_hh, *_biases = params[at * each : (at + 1) * each]
                _b_ih, _b_hh = _biases if has_biases else (None, None)
                from_input = functional.linear(_sequence, _w_ih, _b_ih)
                _state = tuple(_start[at] for _start in starts)
                outputs: list[Tensor] = []
                for time in range(len(_sequence))[:: -1 if direction else 1]:
                    _state = step(from_input[time], _state, _w_hh, _b_hh)
                    outputs.append(_state[0])
                ways.append(torch.stack(outputs[::-1] if direction else outputs))
                ends.append(_state)
            _sequence = torch.cat(ways, dim=-1) if bidirectional else ways[0]
            if dropout and train and layer < num_layers - 1:
                _sequence = functional.dropout(_sequence, dropout, train)
        _output = _sequence.transpose(0, 1) if batch_first else _sequence
        return (_output, *(torch.stack(last) for last in zip(*ends, strict=True)))

    return run


def eps_of_rms_norm(dtype: torch.dtype) -> float:
    """Return the eps of an RMS norm that is given none: float32's for half precision as well."""
    return torch.finfo(torch.promote_types(dtype, torch.float32)).eps


def _rms_norm(_input: Tensor, _shape: Any, weight: Tensor | None = None, eps: None = None) -> Any:
    # What is computed again in another precision is to have the same eps.
    return functional.rms_norm(_input, _shape, weight, eps_of_rms_norm(_input.dtype))


def _without_eps(eps: float | None, **_: Any) -> bool:
    return eps is None


NETWORKS: dict[str, Composite] = {
    "rms_norm": Composite(_rms_norm, _without_eps),
    "scaled_dot_product_attention": Composite(_attention, _has_dropout),
    **{name: Composite(_without_dispatch(name)) for name in IN_PYTHON},
    **{f"{name}_cell": Composite(_cell(name)) for name in STEPS},
    **{name: Composite(_network(name), _is_padded) for name in STEPS},
}
