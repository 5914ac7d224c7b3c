"""A model's weights from a file and into one, in the forms that PyTorch's users keep them."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..recording.tensor_arrays import array_of
from ..trace import Array
from .user_code import CannotLoad


def load_weights(model: nn.Module, path: Path, prefix: str = "") -> None:
    """Put the parameters of a file into a model, as float32.

    A `.safetensors` file runs no code; a `.pt` or `.pth` file is read with
    `weights_only=True`, which runs none either.

    Parameters
    ----------
    prefix
        Taken off every name, as the `module.` of DataParallel.

    Raises
    ------
    CannotLoad
        If the file is damaged, holds something else, or does not fit the model.
    """
    try:
        _put_weights(model, path, prefix)
    except CannotLoad as error:
        option = error.option if error.option == "--strip-prefix" else "--weights"
        raise CannotLoad(str(error), option) from None


def _put_weights(model: nn.Module, path: Path, prefix: str) -> None:
    tensors = _read_weights(path)
    if prefix:
        others = [name for name in tensors if not name.startswith(prefix)]
        if others:
            raise CannotLoad(f"{path} holds {_listed(others)} without {prefix}", "--strip-prefix")
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    wanted = model.state_dict()
    common = _common_prefix(tensors, wanted)
    if common:
        words = f"every name in {path} begins with {common}"
        raise CannotLoad(f"{words}; take that off by --strip-prefix {common}")
    missing = [name for name in wanted if name not in tensors]
    extra = [name for name in tensors if name not in wanted]
    if missing or extra:
        lacks = f"lacks {_listed(missing)}" if missing else ""
        holds = f"holds {_listed(extra)}, which the model has not" if extra else ""
        raise CannotLoad(f"{path} {' and '.join(filter(None, (lacks, holds)))}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise CannotLoad(
                f"{path} has {name} of shape {list(tensor.shape)}, "
                f"the model wants {list(wanted[name].shape)}"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CannotLoad(f"{path} has numbers in {name} that are not finite")
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(tensors[name])  # in the model's own precision


def _common_prefix(found: Collection[str], wanted: Collection[str]) -> str:
    """Return what stands before every name, if the names are the wanted ones without it."""
    for name in wanted:
        for other in found:
            prefix = other.removesuffix(name)
            if prefix and prefix != other and {prefix + each for each in wanted} == set(found):
                return prefix
        break  # what one name shows the others only confirm
    return ""


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader has its own kinds for a damaged file
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise CannotLoad(f"{path} cannot be read as weights: {reason}") from None
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not all(
        isinstance(tensor, Tensor) for tensor in found.values()
    ):
        raise CannotLoad(f"{path} holds no tensors by name, such as a model's state_dict")
    return {str(name): tensor for name, tensor in found.items()}


def _listed(names: list[str]) -> str:
    shown = (name if name.isprintable() else repr(name) for name in names[:4])
    return ", ".join(shown) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


# --- into a file ------------------------------------------------------------------------


def state_of(model: nn.Module) -> dict[str, Array]:
    """Return a model's state dict, unrounded, with its buffers; bfloat16 as float32."""
    state = model.state_dict()
    return {name: array_of(value) for name, value in state.items() if isinstance(value, Tensor)}


def put_state(model: nn.Module, state: Mapping[str, Array]) -> None:
    """Put such a state dict into a model of the same kind."""
    with torch.no_grad():
        for name, target in model.state_dict().items():
            target.copy_(torch.from_numpy(np.asarray(state[name])))


def to_bytes(tensors: Mapping[str, Array], suffix: str) -> bytes:
    """Return a file with these tensors under these names, of the kind that a suffix names.

    Names and shapes are those of the model's `state_dict`, so that `model.load_state_dict`
    takes what `torch.load`, or `safetensors.torch.load_file`, reads.
    """
    if suffix.lower() == ".safetensors":
        from safetensors.numpy import save  # no page needs it, and it takes its time to load

        # Not np.ascontiguousarray, which gives a number without axes one.
        ordered = {name: np.array(array, order="C") for name, array in tensors.items()}
        # The field that other readers of such files expect, for tensors that PyTorch made.
        return save(ordered, metadata={"format": "pt"})
    stream = io.BytesIO()
    torch.save({name: torch.tensor(array) for name, array in tensors.items()}, stream)
    return stream.getvalue()
