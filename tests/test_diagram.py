"""The picture of a model: well-formed, readable by machines, with what the run has in it."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain import explain
from vae_explain.engine.run import Run
from vae_explain.pages.pictured import Edge, LossTerm, Network, Node
from vae_explain.pages.render import diagram
from vae_explain.pages.render.diagram_layout import RADIUS
from vae_explain.pages.render.printed import BROWSERS, CannotPrint, printed
from vae_explain.pages.walkthrough.network import network
from vae_explain.symbolic.printable import printable

from .documents import OWN, RUNS
from .pages import CommandLine
from .test_markdown import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


def drawn(cli: CommandLine, *options: str) -> ElementTree.Element:
    outcome = cli("diagram", *options)
    assert (outcome.code, outcome.err) == (0, "")
    return ElementTree.fromstring(outcome.out)


def words(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def titles(svg: ElementTree.Element) -> list[str]:
    return [e.findtext(f"{SVG}title") or "" for e in svg.iter(f"{SVG}circle")]


def test_every_unit_is_a_circle_that_tells_its_number(cli: CommandLine) -> None:
    found = titles(drawn(cli))
    assert len(found) == 4 + 8 + 2 + 2 + 2 + 2 + 2 + 8 + 4
    assert "mu[0] = 0.88977581" in found
    assert "z[1] = -0.63323819" in found
    assert found[:4] == ["x[0] = 1.0000", "x[1] = 2.0000", "x[2] = 3.0000", "x[3] = 4.0000"]


def test_a_closed_unit_is_empty_and_signs_have_colours(cli: CommandLine) -> None:
    svg = drawn(cli)
    kinds = {}
    for circle in svg.iter(f"{SVG}circle"):
        kinds[circle.findtext(f"{SVG}title")] = (circle.get("class") or "").split()
    assert "zero" in kinds["encoder_hidden[6] = 0.0000"]
    assert "negative" in kinds["z[1] = -0.63323819"]
    assert "positive" in kinds["z[0] = 0.64829778"]
    assert "noise" in kinds["eps[0] = -0.2387"]


def test_it_names_layers_shapes_sampling_and_losses(cli: CommandLine) -> None:
    found = words(drawn(cli))
    for text in ("encoder_hidden", "[1, 8]", "fc1", "8×4", "fc_logvar", "mu + std·eps"):
        assert text in found
    assert "drawn from N(0, 1)" in found
    assert "loss = 31.51048183" in found
    assert "from mse, kl" in found


@pytest.mark.parametrize("run", RUNS)
def test_it_is_described_for_those_who_cannot_see_it(run: str, cli: CommandLine) -> None:
    svg = drawn(cli, *RUNS[run])
    ids = (svg.get("aria-labelledby") or "").split()
    assert (svg.get("role"), len(ids)) == ("img", 2)
    by_id = {element.get("id"): element for element in svg.iter()}
    title, description = (by_id[name] for name in ids)
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert title.text
    assert "drawn from N(0, 1)" in (description.text or "")
    assert svg.get("viewBox") == f"0 0 {svg.get('width')} {svg.get('height')}"


@pytest.mark.parametrize("run", [*RUNS, "large"])
def test_nothing_stands_outside_or_on_another(run: str, cli: CommandLine) -> None:
    options = ("--dims", "784-400-20-400-784") if run == "large" else RUNS[run]
    svg = drawn(cli, *options)
    width, height = float(svg.get("width") or 0), float(svg.get("height") or 0)
    circles = [(float(c.get("cx") or 0), float(c.get("cy") or 0)) for c in svg.iter(f"{SVG}circle")]
    texts = [(float(t.get("x") or 0), float(t.get("y") or 0)) for t in svg.iter(f"{SVG}text")]
    for x, y in circles + texts:
        assert 0 < x < width
        assert 0 < y < height
    for i, (x, y) in enumerate(circles):
        for other, there in circles[:i]:
            assert abs(x - other) + abs(y - there) >= 2 * RADIUS
    numbers = re.findall(r"-?\d+(?:\.\d+)?", " ".join(p.get("d") or "" for p in svg.iter()))
    assert all(-1 <= float(number) <= max(width, height) for number in numbers)


def words_of(svg: ElementTree.Element) -> list[tuple[str, float, float, float, float]]:
    """Return each text with the room that it takes, letters taken for wide."""
    found = []
    for element in svg.iter(f"{SVG}text"):
        x, y = float(element.get("x") or 0), float(element.get("y") or 0)
        kind, text = element.get("class") or "", element.text or ""
        width = len(text) * (7.2 if kind in ("name", "loss") else 6.2)
        left = x if kind in ("loss", "made") else x - width / 2
        found.append((text, left, y - 9, left + width, y + 2))
    return found


@pytest.mark.parametrize(
    "dims", ["2-3-1-3-2", "4-8-2-8-4", "5-1-1-1-5", "3-12-3-12-3", "8-20-4-20-8"]
)
def test_no_words_stand_on_others(dims: str, cli: CommandLine) -> None:
    svg = drawn(cli, "--dims", dims)
    placed = words_of(svg)
    for at, (one, left, top, right, bottom) in enumerate(placed):
        assert right <= float(svg.get("width") or 0)
        for other, from_, above, to, below in placed[:at]:
            apart = right <= from_ or to <= left or bottom <= above or below <= top
            assert apart, f"{one} stands on {other}"


def test_a_weight_has_the_colour_of_its_sign(cli: CommandLine, printed_run: Run) -> None:
    layers = [g for g in drawn(cli).iter(f"{SVG}g") if g.get("class") == "line"]
    weight = printed_run.array("fc1.weight")
    for sign, wanted in (("positive", weight > 0), ("negative", weight < 0)):
        paths = [p.get("d") or "" for p in layers[0] if p.get("class") == sign]
        assert sum(path.count("M") for path in paths) == wanted.sum()


def test_a_loss_is_joined_to_what_it_is_made_from(cli: CommandLine) -> None:
    terms = [p for p in drawn(cli).iter(f"{SVG}path") if (p.get("class") or "").startswith("term")]
    kinds = {p.get("class"): (p.get("d") or "").count("M") for p in terms}
    assert kinds == {"term reconstruction": 2, "term kl": 2, "term total": 2}


def test_the_row_of_a_batch_is_named(cli: CommandLine) -> None:
    svg = drawn(cli, "--x", "1,2,3,4", "--x", "5,6,7,8")
    assert "row 0 of [2, 8]" in words(svg)
    assert "x[0,3] = 4.0000" in titles(svg)


def needs_browser() -> None:
    pytest.importorskip("playwright", reason="Playwright is in the extra print")
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("there is no Chromium here")


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_it_is_printed(suffix: str, start: bytes, cli: CommandLine, tmp_path: Path) -> None:
    needs_browser()
    for command in ("diagram", "document"):
        file = tmp_path / f"{command}.{suffix}"
        assert cli(command, "-o", str(file)).code == 0
        assert file.read_bytes().startswith(start)


def test_a_page_that_the_browser_cannot_draw_is_one_line() -> None:
    needs_browser()
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="300000" height="300000"></svg>'
    with pytest.raises(CannotPrint, match=r"could not draw the page \(.+\); write it as \.html"):
        printed(picture, "png")


def test_without_a_browser_it_says_what_to_install(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    outcome = cli("diagram", "-o", str(tmp_path / "model.png"))
    assert outcome.code == 2
    assert "vae-explain[print]" in outcome.err


def test_a_wide_layer_is_a_block(cli: CommandLine) -> None:
    svg = drawn(cli, "--dims", "4-13-2-13-4")
    assert not [title for title in titles(svg) if title.startswith("encoder_hidden")]
    assert [title for title in titles(svg) if title.startswith("recon_x")]
    frames = [r for r in svg.iter(f"{SVG}rect") if "frame" in (r.get("class") or "")]
    assert len(frames) == 2


def test_the_nodes_are_those_of_the_run(printed_run: Run) -> None:
    found = network(printed_run)
    names = [node.name for node in found.nodes]
    before, after = ["x", "encoder_hidden", "mu", "logvar"], ["decoder_hidden", "recon_x"]
    assert names == [*before, "std", "eps", "z", *after]
    edges = {(names[e.start], names[e.end], e.layer, e.shape) for e in found.edges}
    assert edges == {
        ("x", "encoder_hidden", "fc1", (8, 4)),
        ("encoder_hidden", "mu", "fc_mu", (2, 8)),
        ("encoder_hidden", "logvar", "fc_logvar", (2, 8)),
        ("logvar", "std", "", ()),
        ("mu", "z", "", ()),
        ("std", "z", "", ()),
        ("eps", "z", "", ()),
        ("z", "decoder_hidden", "fc_dec1", (8, 2)),
        ("decoder_hidden", "recon_x", "fc_dec2", (4, 8)),
    }
    assert [loss.name for loss in found.losses] == ["mse", "kl", "loss"]


def test_a_users_model_is_drawn_in_its_own_words(cli: CommandLine) -> None:
    found = words(drawn(cli, *OWN))
    for text in ("h", "encoder.0", "to_logvar", "4×3", "eps", "recon"):
        assert text in found


@pytest.mark.parametrize("name", [*HOSTILE, '" onload="x', "]]>", "\x00\x1b[31m", "名"])
def test_a_users_name_is_text(name: str) -> None:
    nodes = (Node(name, "input", np.ones(2)), Node(name, "value", np.zeros(3), name))
    drawing = Network(nodes, (Edge(0, 1, name, (3, 2)),), (LossTerm(name, 1.0, (name,)),))
    svg = ElementTree.fromstring(diagram.svg(drawing, name))
    tags = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert tags <= {
        "svg",
        "title",
        "desc",
        "style",
        "path",
        "circle",
        "text",
        "polygon",
        "rect",
        "g",
    }
    assert printable(name) in words(svg)


def test_empty_and_flat_layers_are_drawn() -> None:
    nodes = (Node("none", "input", np.zeros((0,))), Node("flat", "value", np.zeros((1, 40))))
    ElementTree.fromstring(diagram.svg(Network(nodes, (Edge(0, 1),), ()), "t"))


def test_it_is_written_to_a_file_that_is_called_as_one(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("diagram", "-o", str(tmp_path / "model.svg")).code == 0
    ElementTree.parse(tmp_path / "model.svg")
    outcome = cli("diagram", "-o", str(tmp_path / "model.jpg"))
    assert outcome.code == 2
    assert "--output" in outcome.err
    assert ".svg" in outcome.err
    assert not (tmp_path / "model.jpg").exists()


def test_a_picture_is_not_written_as_json(cli: CommandLine) -> None:
    outcome = cli("diagram", "--format", "json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--format json" in outcome.err


class Attending(nn.Module):
    """x [1, 12]: attention puts its numbers into another order many times, x skips it all."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.out = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.view(1, 3, 4)
        attended, _ = self.attention(tokens, tokens, tokens)
        made: Tensor = self.out(tokens + attended)
        return made


def attending() -> Run:
    torch.manual_seed(0)
    x = torch.randn(1, 12)
    return explain(Attending(), x, objective=lambda model, x: model(x).square().sum()).run


def test_numbers_that_only_moved_are_one_node() -> None:
    names = [node.name for node in network(attending()).nodes]
    assert {"q_2", "k_2", "v_2", "attended"} <= set(names)
    assert not {"q_1", "k_1", "v_1", "attn_output_1", "attn_output_3", "attn_output_4"} & set(names)


def test_a_way_over_other_nodes_stays_inside() -> None:
    svg = ElementTree.fromstring(diagram.svg(network(attending()), "attending"))
    ends = [p.get("d") or "" for p in svg.iter(f"{SVG}path")]
    pairs = re.findall(r"(-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)", " ".join(ends))
    assert any("C" in end for end in ends)
    assert all(0 < float(y) < float(svg.get("height") or 0) for _, y in pairs)


def test_noise_that_was_given_is_not_said_to_be_drawn(cli: CommandLine) -> None:
    outcome = cli("diagram", "--eps", "0.5,-1")
    assert "drawn from" not in outcome.out
    assert ">given<" in outcome.out
