"""The live page's writer against Python: the text of every line after a change is Python's."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.live.node import answer, needs_node
from vae_explain import pipeline
from vae_explain.engine.index_ranges import contract
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.changes import Change
from vae_explain.models.request import Request
from vae_explain.pages import build_document
from vae_explain.pages.render.diagram import picture_of
from vae_explain.pages.render.html.live.document import by_weight, written
from vae_explain.pages.render.html.live.weighing import PROBES
from vae_explain.pages.render.numbers import Numbers

SETTINGS = 5  # of each of eight: 40
RATE = 0.01
RATES = RATE, 0.0625, 0.25  # of learning
ARCHITECTURES = (
    Architecture(),
    Architecture((4, 5, 2, 6, 4), activation="leaky_relu", beta=0.5),
    Architecture((3, 6, 2, 4, 3), activation="softplus", recon="bce"),
    Architecture((6, 7, 3, 7, 6), activation="gelu", reduction="mean", beta=3.0),
    # Sums of as many products as a rule writes each, and of one more.
    Architecture((4, 32, 2, 32, 4), activation="elu", recon="bce", beta=2.0),
    Architecture((33, 33, 2, 33, 33), beta=2.0),
    Architecture((5, 8, 4, 2, 4, 8, 5), activation="silu"),
    # Of more numbers than a page can change.
    Architecture((60, 40, 3, 40, 60), recon="bce"),
)
REGION = re.compile(r"<!--\[(\d+)-->(.*?)<!--\1\]-->", re.DOTALL)
COMPARED = re.compile(r"checked against [\w.]+")
# A long formula is there twice, once for a phone.
NARROW = re.compile(r'<div class="equation narrow">.*?</div>', re.DOTALL)
# Numbers that are printed whole, or with as many digits as their line needs to add up. The last of
# these digits, and how many the line needs, can be the processor's.
LONG = re.compile(r"\d+\.\d{7,}")


class Written:
    """The page of one run: its data, and the text of each of its regions.

    With `weighed` its weight of the KL can be changed.
    """

    def __init__(self, request: Request, weighed: bool = False, lr: float = RATE) -> None:
        ran = pipeline.run_with_model(request)
        composed = build_document.composed(request, ran, lr, beside=False)
        assert not composed.checks.failed, "PyTorch has the same numbers"
        self.run, self.lr = ran.run, lr
        walkthrough, formulas = composed.walkthrough, contract(ran.run)
        texts, shape = None, walkthrough
        if weighed:
            weighing = build_document.weighing(request, composed)
            if request.architecture and request.architecture.beta == 0:
                shape = weighing(PROBES[0])[1]
            found = by_weight(shape, ran.run, "", Numbers(), weighing)
            assert found is not None
            texts, sets = found
            formulas |= sets
        picture = picture_of(walkthrough)
        page, body = written(walkthrough, ran.run, picture, Numbers(), formulas, texts, shape)
        self.data: dict[str, Any] = {
            "run": formulas,
            "signs": page.signs(formulas),
            "regions": page.regions,
            "lr": lr,
        }
        self.body = text_of(body)
        self.texts = {int(number): text_of(markup) for number, markup in REGION.findall(body)}

    def given(self) -> dict[str, list[float] | float]:
        values = [v for v in self.run.trace.values if v.kind in ("input", "parameter", "noise")]
        arrays = {str(v.name): self.run.values[v.id].ravel().tolist() for v in values}
        return {"lr": self.lr, **arrays}


def text_of(markup: str) -> str:
    """Return what a reader reads, without a word on what was compared with what."""
    markup = NARROW.sub("", markup)
    parted = re.sub(r"</(?:td|th|li|p|tr)>", " | ", markup)
    text = html.unescape(re.sub(r"<[^>]*>", "", parted)).replace("\xa0", " ")
    text = COMPARED.sub("evaluated by this page", text)
    return re.sub(r"\s+", " ", text).strip()


def changed(architecture: Architecture, run: Written, seed: int) -> Request:
    """Return another run of the same model: x, ε, and some of its weights or all of them."""
    random = np.random.default_rng(seed)
    low, high = (0, 1) if architecture.recon == "bce" else (-3, 3)
    x = random.uniform(low, high, architecture.input_size).round(int(random.integers(0, 4)))
    eps = random.normal(0, 1, architecture.latent_size).round(4)
    changes = []
    for value in run.run.trace.values:
        if value.kind != "parameter":
            continue
        share = random.choice([0.0, 0.2, 1.0])
        for index in np.ndindex(value.shape):
            if random.uniform() < share:
                number = float(random.normal(0, 0.6).__round__(int(random.integers(1, 5))))
                changes.append(Change(f"{value.name}[{','.join(map(str, index))}]", number))
    return Request(
        source=architecture,
        x=(tuple(map(float, x)),),
        eps=tuple(map(float, eps)),
        changes=tuple(changes),
    )


def say_the_same(one: str, other: str) -> bool:
    """Whether two texts are the same, or differ in the last digit of long numbers."""
    if LONG.sub("#", one) != LONG.sub("#", other):
        return False
    return all(map(agree, LONG.findall(one), LONG.findall(other)))


def agree(one: str, other: str) -> bool:
    """Whether two numbers differ by at most one in the last digit that both have."""
    decimals = min(len(number.partition(".")[2]) for number in (one, other))
    unit = max(10.0**-decimals, 1e-13 * max(1.0, abs(float(one))))
    return abs(float(one) - float(other)) <= 1.0001 * unit


@needs_node
@pytest.mark.text
@pytest.mark.parametrize(
    "architecture", ARCHITECTURES, ids=lambda each: f"{each.label} {each.activation}"
)
def test_every_line_is_what_python_writes(architecture: Architecture) -> None:
    x = (tuple(0.1 * (i % 9 + 1) for i in range(architecture.input_size)),)
    first = Written(Request(source=architecture, x=x))
    others = [
        Written(changed(architecture, first, seed), lr=RATES[seed % len(RATES)])
        for seed in range(SETTINGS)
    ]
    question = {"page": first.data, "settings": [{}, *(other.given() for other in others)]}
    answers: list[list[str | None]] = answer("write.mjs", question)
    for page, regions in zip((first, *others), answers, strict=True):
        assert len(page.texts) == len(regions)
        for number, markup in enumerate(regions):
            spec: dict[str, Any] = first.data["regions"][number]
            if markup is None or (spec["kind"] == "drawn" and page is first):
                continue
            found = text_of(markup)
            assert say_the_same(found, page.texts[number]), (
                f"{architecture.label} {architecture.activation}, region {number}, "
                f"{json.dumps(spec)[:200]}:\n{found}\n{page.texts[number]}"
            )


@needs_node
@pytest.mark.text
@pytest.mark.parametrize(("start", "beta"), [(1.0, 0.5), (1.0, 2.0), (0.0, 1.7)])
def test_another_weight_of_the_kl_is_what_python_writes(start: float, beta: float) -> None:
    architecture = Architecture((3, 4, 2, 4, 3), beta=start)
    request = Request(source=architecture, x=architecture.default_x)
    first = Written(request, weighed=True)
    other = Written(replace(request, source=replace(architecture, beta=beta)))
    (regions,) = answer("write.mjs", {"page": first.data, "settings": [{"beta": beta}]})
    pairs = zip(first.data["regions"], regions, strict=True)
    specs = [(spec, text_of(markup or "")) for spec, markup in pairs]
    for spec, text in specs:
        if spec["kind"] == "weighed":
            assert text in other.body
    found = [(spec, text) for spec, text in specs if spec["kind"] != "weighed"]
    for (spec, text), (number, wanted) in zip(found, sorted(other.texts.items()), strict=True):
        assert spec["kind"] == other.data["regions"][number]["kind"]
        if text and spec["kind"] != "drawn":
            assert say_the_same(text, wanted)
