"""The KL weighs more the larger the batch is.

One number for the KL of the whole batch is added to the error of each row.
"""

from __future__ import annotations

from torch import Tensor

from ..base import Layers, kl_each, sample

EXPECTED = "row-mixing"
ALSO = ("loss-scale-mismatch",)


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum()).mean()


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = ((model.decoder(sample(mu, logvar)) - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()
