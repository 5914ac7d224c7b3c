"""What the graph of a loss says, once it was called, against the parts that it was given by order.

The code of a loss says nothing of shapes; its graph shows what each part became.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from torch import Tensor

from .autograd_graph import goes_into_a_scale, is_used_as_a_number
from .binding_evidence import Contradiction, is_said
from .model_outputs import OutputPart, Outputs
from .part_names import LATENT, family


def against_the_call(
    loss: Tensor, given: Mapping[str, OutputPart], outputs: Outputs
) -> Contradiction | None:
    """Return what speaks against a call that was made; None where nothing does.

    Parameters
    ----------
    given
        The part that each parameter of the loss got.
    """
    tensors = {n: part for n, part in given.items() if isinstance(part.value, Tensor)}
    return _swapped(loss, tensors, outputs) or _used_as_a_number(loss, tensors, outputs)


def _swapped(
    loss: Tensor, tensors: Mapping[str, OutputPart], outputs: Outputs
) -> Contradiction | None:
    """Find two parts of which the model made a scale of one, and the loss one of the other."""
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    for (name, part), (other_name, other) in permutations(tensors.items(), 2):
        are_said = is_said(name, part) and is_said(other_name, other)
        if are_said or part.value.shape != other.value.shape:
            continue
        of_model = goes_into_a_scale(part.value, other.value, ends)
        if of_model and goes_into_a_scale(other.value, part.value, [loss], beside=ends):
            return Contradiction(
                f"the loss takes an exponential of {other_name}, for which {other.place} is left, "
                f"and the model one of {part.place}",
                {name: other.place, other_name: part.place},
            )
    return None


def _used_as_a_number(
    loss: Tensor, tensors: Mapping[str, OutputPart], outputs: Outputs
) -> Contradiction | None:
    """Find a part that a parameter without a meaning got, and that weighs or bounds a term.

    In `temperature * kl` it is a number that somebody sets, whatever it is called.
    """
    ends = [part.value for part in outputs.leaves if isinstance(part.value, Tensor)]
    for name, part in tensors.items():
        if is_said(name, part) or family(name) is not None or part.value.numel() == 1:
            continue
        others = [other.value for other in tensors.values() if other is not part]
        # What a model calls z is no weight of each element, as what has no name may be.
        if is_used_as_a_number(part.value, loss, others, ends, of_each=part.family is LATENT):
            return Contradiction(
                f"{part.place} is left for {name}, and the loss weighs or bounds a term by it, as "
                "by a number",
                {name: "1.0"},
            )
    return None
