"""A model's weights from a file and into one, in the forms that PyTorch's users keep them."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...recording.tensor_arrays import array_of
from ...trace import Array
from .user_code import CannotLoad

# Where a checkpoint keeps its model's tensors, by the usual names.
NESTED = "state_dict", "model_state_dict", "model"


def load_weights(model: nn.Module, path: Path, prefix: str = "") -> None:
    """Put the parameters of a file into a model, as float32.

    A `.safetensors` file runs no code; a `.pt`, `.pth` or `.ckpt` file is read with
    `weights_only=True`, which runs none either. A checkpoint's tensors may stand inside of it, as
    `state_dict`, `model_state_dict` or `model`.

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
        raise CannotLoad(f"{words}; remove it with --strip-prefix {common}")
    missing = [name for name in wanted if name not in tensors]
    extra = [name for name in tensors if name not in wanted]
    if missing or extra:
        lacks = f"lacks {_listed(missing)}" if missing else ""
        holds = f"holds {_listed(extra)}, which the model does not have" if extra else ""
        raise CannotLoad(f"{path} {' and '.join(filter(None, (lacks, holds)))}")
    fitting = {name: _fitting(path, name, tensors[name], wanted[name]) for name in wanted}
    with torch.no_grad():
        for name, target in wanted.items():
            target.copy_(fitting[name])


def _fitting(path: Path, name: str, tensor: Tensor, target: Tensor) -> Tensor:
    """Return a tensor in the model's own precision, if it has numbers for the model."""
    if tensor.is_meta:
        raise CannotLoad(f"{path} has no numbers for {name}: it was saved on the meta device")
    if tensor.is_quantized:
        raise CannotLoad(f"{path} has {name} quantized; save it by dequantize()")
    if tensor.is_nested or tensor.layout is not torch.strided:
        kind = "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
        raise CannotLoad(f"{path} has {name} as a tensor of the layout {kind}; save it dense")
    if tensor.shape != target.shape:
        raise CannotLoad(
            f"{path} has {name} of shape {list(tensor.shape)}, "
            f"but the model has {list(target.shape)}"
        )
    if tensor.is_complex() and not target.is_complex():
        raise CannotLoad(f"{path} has complex numbers in {name}, but the model takes real ones")
    converted = tensor.to(target.dtype)
    if converted.is_floating_point() and not bool(torch.isfinite(converted).all()):
        precision = str(target.dtype).removeprefix("torch.")
        raise CannotLoad(f"{path} has numbers in {name} that are not finite in {precision}")
    return converted


def _common_prefix(keys: Collection[str], wanted: Collection[str]) -> str:
    """Return what stands before every name, if the names are the wanted ones without it."""
    for name in wanted:
        for other in keys:
            prefix = other.removesuffix(name)
            if prefix and prefix != other and {prefix + each for each in wanted} == set(keys):
                return prefix
        break  # what one name shows the others only confirm
    return ""


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch's about its own ways of saving
            if path.suffix.lower() == ".safetensors":
                from safetensors.torch import load_file

                content: Any = load_file(path)
            else:
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader has its own kinds for a damaged file
        raise CannotLoad(f"{path} cannot be read as weights: {_reason(path, error)}") from None
    # A checkpoint has its tensors inside, beside those of an optimizer.
    for name in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not all(
        isinstance(tensor, Tensor) for tensor in content.values()
    ):
        raise CannotLoad(f"{path} holds no tensors by name, such as a model's state_dict")
    return {str(name): tensor for name, tensor in content.items()}


def _reason(path: Path, error: Exception) -> str:
    """Say why a file cannot be read, in words that end where they end.

    PyTorch's go on for paragraphs, on what to do if one trusts the file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as unread:
        return (unread.strerror or str(unread)).lower()
    if not start:
        return "it is empty"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS to the file; fetch it with git lfs pull"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page; the download failed"
    named = re.search(r"Unsupported (?:global|class|operand)\D*?([A-Za-z_][\w.]*\.\w+)", str(error))
    if named:
        return (
            f"it holds more than tensors, {named[1]} among them, which it takes code to load; "
            "save model.state_dict()"
        )
    kind = "safetensors" if path.suffix.lower() == ".safetensors" else "torch.save"
    return f"it is damaged, or was not written by {kind}"


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
        ordered = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        # The field that other readers of such files expect, for tensors that PyTorch made.
        return save(ordered, metadata={"format": "pt"})
    stream = io.BytesIO()
    torch.save({name: torch.tensor(array) for name, array in tensors.items()}, stream)
    return stream.getvalue()
