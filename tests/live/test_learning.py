"""Steps of learning on the live page against `torch.optim`, in float64 with the same ε."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.live.node import answer, needs_node
from tests.live.test_evaluator import run_of
from vae_explain.engine.index_ranges import contract
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.builtin_vae import VAE, vae_loss

STEPS = 60
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


@needs_node
@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.01), ("adam", 0.05)])
def test_sixty_steps_are_those_of_torch(optimizer: str, lr: float) -> None:
    architecture = Architecture((4, 6, 2, 6, 4))
    run = run_of(architecture)
    arrays = {str(v.name): run.values[v.id] for v in run.trace.values if v.name}
    model = VAE(architecture.dims).double()
    state = {name: torch.from_numpy(np.array(arrays[name])) for name in model.state_dict()}
    model.load_state_dict(state)
    x, eps = (torch.from_numpy(np.array(arrays[name], np.float64)) for name in ("x", "eps"))
    update = OPTIMIZERS[optimizer](model.parameters(), lr=lr)
    losses = []
    for _ in range(STEPS + 1):
        mu, logvar = model.encode(x)
        z = mu + torch.exp(0.5 * logvar) * eps
        loss = vae_loss(model.decode(z), x, mu, logvar)
        losses.append(loss.item())
        if len(losses) <= STEPS:
            update.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
            update.step()
    question = {"contract": contract(run), "optimizer": optimizer, "lr": lr, "steps": STEPS}
    found = answer("learn.mjs", question)
    np.testing.assert_allclose(found["losses"], losses, rtol=1e-9)
    for name, parameter in model.named_parameters():
        numbers = parameter.detach().numpy().ravel()
        np.testing.assert_allclose(found["parameters"][name], numbers, rtol=1e-8, atol=1e-10)
