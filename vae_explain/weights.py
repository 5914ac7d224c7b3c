"""Weights as a safetensors file, which any framework reads and which runs no code."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from safetensors.numpy import save

from .trace import Array


def to_safetensors(parameters: Mapping[str, Array]) -> bytes:
    """Return the bytes of a file with these tensors under these names.

    The names and shapes are those of the model's `state_dict`, so that
    `model.load_state_dict(safetensors.torch.load_file(path))` takes them.
    """
    # Not np.ascontiguousarray, which gives a number without axes one.
    tensors = {name: np.array(array, order="C") for name, array in parameters.items()}
    # The field that other readers of such files expect, for tensors that PyTorch made.
    return save(tensors, metadata={"format": "pt"})
