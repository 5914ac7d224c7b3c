"""Which term a gradient comes from: said once of all sections in a row that it is true of."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.engine.formulas import gradient_name
from vae_explain.engine.run import Run
from vae_explain.pages.blocks import Heading, Note, Walkthrough
from vae_explain.pages.walkthrough import backward

from .models.vector_quantised import VQVAE

SENTENCE = re.compile(
    r"All of it comes from the (.+) term(?:, and so do all gradients that follow"
    r"(?P<rest>, down to (?P<last>.+))?)?\."
)
X = torch.tensor([[0.2, 0.9, 0.5, 0.1, 0.7, 0.3]])


def said_of(page: Walkthrough) -> dict[str, str]:
    """Return the term that each section is said to be from: there, or in one before it."""
    found: dict[str, str] = {}
    held, until = "", None
    section = ""
    for block in page.blocks:
        if isinstance(block, Heading):
            section = block.title
            if held:
                found[section] = held
            if section == until:
                held, until = "", None
        if isinstance(block, Note) and (said := SENTENCE.fullmatch(block.text)):
            assert section not in found, f"said twice of {section}"
            found[section] = said[1]
            if "follow" in said[0]:
                held, until = said[1], said["last"]
    assert until is None, "a row that goes on to a section that is not there"
    return found


def alone_in(run: Run, page: Walkthrough) -> dict[str, str]:
    """Return the sections to which one term sends all there is, from autograd's own numbers."""
    titles = {block.title for block in page.blocks if isinstance(block, Heading)}
    words = {"mse": "reconstruction", "recon_error": "reconstruction", "kl": "KL"}
    found = {}
    for number in run.gradients:
        name = gradient_name(run, number)
        sending = [
            term.name
            for term in run.trace.terms
            if number in run.term_gradients[term.name]
            and run.term_gradients[term.name][number].any()
        ]
        if name in titles and len(sending) == 1:
            found[name] = words.get(sending[0], sending[0])
    return found


@pytest.mark.parametrize(
    "only", [(), ("z",), ("fc1.weight",), ("fc_dec2.weight",), ("fc_mu.bias", "std")]
)
def test_what_one_term_sends_is_said_once_of_a_row(full_run: Run, only: tuple[str, ...]) -> None:
    page, _ = backward.backward(full_run, only)
    assert said_of(page) == alone_in(full_run, page)
    sentences = [b for b in page.blocks if isinstance(b, Note) and "All of it" in b.text]
    assert len(sentences) == 1


def test_each_row_has_a_sentence_of_its_own() -> None:
    torch.manual_seed(3)
    run = explain(VQVAE(), X, seed=3).run
    page, _ = backward.backward(run)
    said, true = said_of(page), alone_in(run, page)
    assert set(said.values()) == {"reconstruction", "vq_loss"}
    assert {name: said[name] for name in true} == true


class Tied(nn.Module):
    """Its second term comes to the weight by another way than the values shown behind."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 36).reshape(6, 6))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(x @ self.weight)
        recon = h @ self.weight.t()
        pull = torch.sin(x @ self.weight)
        penalty = (pull**2).sum()
        mse = ((recon - x) ** 2).sum()
        loss: Tensor = mse + penalty
        return loss


def test_a_parameter_that_gets_more_than_the_value_before_it_ends_the_row() -> None:
    run = explain(Tied(), X).run
    assert len(run.trace.terms) == 2
    page, _ = backward.backward(run)
    true = alone_in(run, page)
    assert gradient_name(run, run.value("weight").id) not in true
    for block in page.blocks:
        if isinstance(block, Note) and (said := SENTENCE.fullmatch(block.text)):
            assert said["last"] or "follow" not in said[0], "weight follows, which gets both"
    assert said_of(page) == true


def test_where_nothing_arrives_no_term_is_said_to_send_zeros() -> None:
    torch.manual_seed(42)
    run = explain(VQVAE(), X, seed=42).run
    assert not run.gradients[run.value("quantized_2").id].any(), "chosen for its closed gates"
    page, _ = backward.backward(run)
    assert said_of(page)[gradient_name(run, run.value("quantized_2").id)] == "reconstruction"
