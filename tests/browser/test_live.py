"""The live page in Chromium: what follows a change, by pointer and by keyboard alone."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from vae_explain import pipeline
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages import build_document, display

from ..conftest import DEFAULT_X
from ..pages import command_line
from .conftest import Open
from .test_html import AXE

HOSTILE = """\
import torch
from torch import nn

NAME = "<img src=x onerror=alert(1)>"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(3, 4)
        self.register_parameter(NAME, nn.Parameter(torch.tensor([0.5, -0.25])))
        self.dec = nn.Linear(2, 3)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, -1)
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        z = (mu + std * eps) * getattr(self, NAME)
        return torch.tanh(self.dec(z)), mu, logvar


def loss(recon, x, mu, logvar):
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
    return ((recon - x) ** 2).sum() + kl
"""
WIDTHS = 390, 1280
LOSS = "loss 31.51048183"
SETTINGS: dict[str, Any] = {
    "lr": 0.01, "digits": None, "decimals": 4, "beta": 1.0, "command": "vae-explain document",
    "typed": {"x": [], "eps": [], "set": []},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def live(documents: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    """The page of the default run, beside the other documents."""
    request = Request(DEFAULT_X, source=Architecture())
    ran = pipeline.run_with_model(request)
    composed = build_document.composed(request, ran, 0.01, beside=False)
    weighing = build_document.weighing(request, composed)
    path = tmp_path_factory.mktemp("live") / "play.html"
    path.write_text(display.live(composed, ran.run, SETTINGS, weighing), "utf-8")
    documents["live"] = path
    large = path.with_name("large.html")
    assert command_line("play", "--no-open", *LARGE, "-o", str(large)).code == 0
    documents["live large"] = large
    model, own = path.with_name("hostile.py"), path.with_name("own.html")
    model.write_text(HOSTILE, "utf-8")
    options = ["--model", f"{model}:Net", "--loss", f"{model}:loss", "--x", "0.2,0.9,0.5"]
    assert command_line("play", "--no-open", *options, "-o", str(own)).code == 0
    documents["live own"] = own


LARGE = "--dims", "60-40-3-40-60", "--recon", "bce", "--x", ",".join(map(str, [0.5, 0.25, 1] * 20))


def ready(page: Page) -> Page:
    page.locator("html[data-live=ready]").wait_for(state="attached")
    return page


def settled(page: Page) -> None:
    page.locator("html:not([data-writing])").wait_for(state="attached")


def text(page: Page, anchor: str) -> str:
    return page.locator(f'[id="{anchor}"]').first.inner_text()


def said_of_copying(page: Page) -> str:
    """Return what the page says once the command is in the clipboard, for which it waits."""
    page.locator(".said", has_text="vae-explain").wait_for()
    return page.locator(".said").inner_text()


def total(page: Page) -> str:
    """Return the loss as the panel has it."""
    return page.locator(".bar-loss").inner_text()


def test_a_number_is_changed_by_keyboard_and_all_follows(open_page: Open) -> None:
    page = ready(open_page("live"))
    before = text(page, "fc1.weight.grad-3-3"), total(page)
    field = page.locator('[id="fc1.weight-0-1"]')
    assert field.get_attribute("role") == "spinbutton"
    field.focus()
    for key in ("ArrowUp", "ArrowUp", "PageUp", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert field.inner_text() == "0.5340"
    assert field.get_attribute("aria-valuenow") == "0.534"
    page.keyboard.type("0.75")
    page.keyboard.press("Enter")
    assert field.inner_text() == "0.7500"
    settled(page)
    assert text(page, "fc1.weight.grad-3-3") != before[0]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    settled(page)
    assert (text(page, "fc1.weight.grad-3-3"), total(page)) == before


def test_the_address_keeps_the_state(open_page: Open) -> None:
    page = ready(open_page("live"))
    page.locator('[id="x-0"]').focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(500)  # it is not written at every step of a drag
    assert page.evaluate("location.hash") == "#x=1.1,2,3,4"
    page.evaluate("location.hash = '#x=0,2,3,4&beta=0&fc1.weight[0,1]=0.5'")
    page.locator('[id="fc1.weight-0-1"]', has_text="0.5000").wait_for()
    settled(page)
    assert text(page, "fc1.weight-0-1") == "0.5000"
    assert "β" in page.locator(".settings").inner_text()
    assert total(page) != LOSS


def test_no_weight_of_the_kl_leaves_its_gradient_out(open_page: Open) -> None:
    page = ready(open_page("live"))
    page.evaluate("location.hash = '#beta=0'")
    page.locator(".readout", has_text="loss 31.10095893").wait_for()
    settled(page)
    assert "All of it comes from the reconstruction term" in page.locator("main").inner_text()


def test_learning_goes_on_and_back(open_page: Open) -> None:
    page = ready(open_page("live"))
    for _ in range(3):
        page.locator('[data-do="step"]').click()
    assert "Step 3" in page.locator(".steps").inner_text()
    page.get_by_label("Go back to step").fill("1")
    page.get_by_label("Go back to step").press("Enter")
    assert "Step 1" in page.locator(".steps").inner_text()
    page.locator('[data-do="reset"]').click()
    settled(page)
    assert total(page) == LOSS


def test_the_command_after_learning_prints_the_same_run(open_page: Open, tmp_path: Path) -> None:
    page = ready(open_page("live"))
    for _ in range(3):
        page.locator('[data-do="step"]').click()
    with page.expect_download() as downloaded:
        page.locator('[data-do="copy"]').click()
    assert "vae-explain document --weights play.safetensors" in said_of_copying(page)
    weights = tmp_path / "play.safetensors"
    downloaded.value.save_as(weights)
    written = json.loads(command_line("forward", "--json", "--weights", str(weights)).out)
    loss = float(total(page).removeprefix("loss "))
    # Every command rounds the weights to the decimals that it prints.
    assert written["values"]["loss"] == pytest.approx(loss, rel=1e-3)


def test_what_only_pytorch_could_tell_is_put_away(open_page: Open) -> None:
    page = ready(open_page("live"))
    heading = page.get_by_role("heading", name="How this was checked")
    section = page.locator("section[data-recorded]", has=heading).last
    assert "complex step" in section.inner_text()
    page.locator('[id="x-0"]').focus()
    page.keyboard.press("ArrowUp")
    settled(page)
    assert "before the change" in section.inner_text()
    assert "complex step" not in section.inner_text()


def test_what_the_run_says_and_the_step_are_of_the_run_that_is_shown(open_page: Open) -> None:
    page = ready(open_page("live"))
    said = page.locator("section[aria-labelledby='section:what-this-run-says']")
    assert "38 % of the 6.5693 that the gradients alone predict" in said.inner_text()
    page.locator('[id="x-0"]').focus()
    page.keyboard.press("PageUp")
    page.get_by_role("spinbutton", name="learning rate").focus()
    page.keyboard.type("0.02")
    page.keyboard.press("Enter")
    settled(page)
    loss = total(page).removeprefix("loss ")
    row = page.locator("tr", has=page.get_by_role("rowheader", name="loss", exact=True)).last
    assert loss in row.inner_text()
    assert f"The loss is {float(loss):.4f}" in said.inner_text()
    assert "One step of lr = 0.02" in said.inner_text()
    page.locator('[data-do="reset"]').click()
    settled(page)
    assert "38 % of the 6.5693 that the gradients alone predict" in said.inner_text()


def test_what_is_printed_is_what_is_shown(open_page: Open, tmp_path: Path) -> None:
    page = ready(open_page("live"))
    before = text(page, "fc1.weight.grad-3-3")
    page.locator('[id="x-0"]').focus()
    page.evaluate("setTimeout = () => 0")  # nothing that was put off is written of itself
    page.keyboard.press("PageUp")
    assert text(page, "fc1.weight.grad-3-3") == before
    page.pdf(path=str(tmp_path / "page.pdf"))
    assert text(page, "fc1.weight.grad-3-3") != before
    page.emulate_media(media="print")
    assert "x = [2, 2, 3, 4]" in page.locator("header").inner_text()
    assert page.locator(".readout").is_visible()
    assert not page.locator(".bar").is_visible()


def test_a_gradient_moves_in_sight_of_the_slider_that_moves_it(open_page: Open) -> None:
    for width, height in ((390, 844), (1280, 800)):
        page = ready(open_page("live", width=width, height=height))
        slider = page.get_by_role("slider", name="x[0]")
        gradient = page.locator(".readout a[href='#mu.grad-0']")
        for each in (slider, gradient):
            box = each.bounding_box()
            assert box is not None
            bar = page.locator(".bar").bounding_box()
            assert bar is not None
            assert box["y"] + box["height"] < bar["y"]
        before = gradient.inner_text()
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert gradient.inner_text() != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_use_it(open_page: Open, width: int, scheme: str) -> None:
    page = ready(open_page("live", width=width, scheme=scheme))
    page.locator('[data-do="step"]').click()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(AXE)
    for state in ("as it is", "with changes beside", "with a pop-up", "while it is typed into"):
        if state == "with changes beside":
            page.locator('[data-do="delta"]').click()
            page.locator('[data-do="backward"]').click()
        elif state == "with a pop-up":
            page.locator('[id="fc1.weight.grad-0-0"]').focus()
            page.locator(".derivation .answer").wait_for()
        elif state == "while it is typed into":
            page.locator('[id="x-1"]').focus()
            page.keyboard.press("Enter")
            page.get_by_label("x[1], as a number").fill("no number")
            page.keyboard.press("Enter")
        violations = page.evaluate("axe.run().then(result => result.violations)")
        shown = [(v["id"], [node["html"][:120] for node in v["nodes"][:3]]) for v in violations]
        assert not shown, state


def test_a_model_of_ones_own_follows_and_its_names_are_no_markup(open_page: Open) -> None:
    page = ready(open_page("live own"))
    before = total(page)
    field = page.get_by_role("spinbutton", name="<img src=x onerror=alert(1)>[1]").last
    field.focus()
    page.keyboard.press("PageUp")
    page.locator('[data-do="delta"]').click()
    page.locator('[data-do="step"]').click()
    settled(page)
    assert total(page) != before
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_of_a_large_model_input_and_noise_are_live(open_page: Open, width: int) -> None:
    page = ready(open_page("live large", width=width))
    assert "here x and eps can be changed" in page.locator(".panel").inner_text()
    assert page.locator('[data-do="step"]').count() == 0
    names = page.locator(".field").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert {name.partition("[")[0] for name in names} <= {"x", "eps", "β, the weight of the KL"}
    page.get_by_label("another number").fill("x[57]")
    page.get_by_label("another number").press("Enter")
    page.get_by_role("slider", name="x[57]", exact=True).press("Home")
    assert page.get_by_role("slider", name="x[57]", exact=True).input_value() == "0"
    page.get_by_role("slider", name="eps[1]", exact=True).press("Home")
    settled(page)
    assert page.locator('[id="eps-1"]').inner_text() == "−3.0000"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator('[data-do="copy"]').click()
    said = said_of_copying(page).removeprefix("Copied: ")
    written = json.loads(command_line("forward", "--json", *shlex.split(said)[2:]).out)
    loss = float(total(page).removeprefix("loss "))
    assert written["values"]["loss"] == pytest.approx(loss, rel=1e-9)
    page.evaluate(AXE)
    assert page.evaluate("axe.run().then(result => result.violations.map(each => each.id))") == []


POP_UPS = """() => {
  const texts = {};
  for (const number of document.querySelectorAll("main [id*='-']")) {
    if (!number.matches("a[href], [data-n]") || number.id.startsWith("eps")) continue;
    number.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
    const box = document.getElementById("page:derivation");
    // Of a sum of products the answer has these, which the line has too.
    const said = box.querySelector(".answer");
    const answer = /because|reconstruction|KL/.test(said?.textContent) ? said.textContent : "";
    said?.remove();
    const into = box.querySelector(".into-key")?.parentElement;
    const uses = [...(into?.querySelectorAll("a") ?? [])].map((link) => link.textContent).sort();
    const more = /more of/.test(into?.textContent ?? "");
    into?.remove();
    texts[number.id] = [box.textContent.replace(/\\s+/g, ""), more ? [] : uses, answer];
  }
  return texts;
}"""


def test_pop_ups_after_a_change_are_those_of_the_changed_run(
    open_page: Open, documents: dict[str, Path], tmp_path: Path
) -> None:
    changed = tmp_path / "changed.html"
    given = "--x", "1.5,-2,0.25,4", "--eps", "0.5,-1", "--set", "fc1.weight[0,1]=0.5"
    assert command_line("document", *given, "-o", str(changed)).code == 0
    documents["changed"] = changed
    wanted = open_page("changed").evaluate(POP_UPS)
    page = ready(open_page("live"))
    page.evaluate("location.hash = 'x=1.5,-2,0.25,4&eps=0.5,-1&fc1.weight[0,1]=0.5'")
    page.locator('[id="fc1.weight-0-1"]', has_text="0.5000").wait_for()
    settled(page)
    found = page.evaluate(POP_UPS)
    assert set(found) == set(wanted)
    assert sum("because" in answer for *_, answer in wanted.values()) > 0
    assert sum("reconstruction by mu" in answer for *_, answer in wanted.values()) > 0
    for number, (text, uses, answer) in wanted.items():
        if "_new-" in number:  # as a value here, with more digits
            continue
        once = re.sub(r"(=[−\d.]+)\1(?=Made|$)", r"\1", text)
        assert found[number][:2] == [once, uses], number
        # Here it is said of a bias too, whose gradient is what arrives.
        assert answer in ("", found[number][2]), number


def test_the_picture_names_the_numbers_of_the_run_that_is_shown(open_page: Open) -> None:
    page = ready(open_page("live"))
    page.evaluate("location.hash = 'x=1.5,-2,0.25,4&eps=0.5,-1'")
    page.locator(".readout", has_text=LOSS).wait_for(state="detached")
    settled(page)
    run = json.loads(
        command_line("forward", "--json", "--x", "1.5,-2,0.25,4", "--eps", "0.5,-1").out
    )
    titles = page.locator("svg.vae-diagram circle title").all_text_contents()
    assert len(titles) > 30
    for title in titles:
        name, _, number = title.partition(" = ")
        name, _, place = name.rstrip("]").partition("[")
        value = run["values"][name][0][int(place)]
        assert float(number) == pytest.approx(value, abs=6e-5), title
    page.locator('[data-do="backward"]').click()
    titles = page.locator("svg.vae-diagram circle title").all_text_contents()
    assert sum(title.startswith("∂loss/∂mu[") for title in titles) == 2


def test_numbers_halfway_between_two_last_digits_keep_a_page_live(
    open_page: Open, documents: dict[str, Path], tmp_path: Path
) -> None:
    documents["halves"] = tmp_path / "halves.html"
    given = "--dims", "28-40-6-40-28", "--x", ",".join(["0.5"] * 28)
    command = "play", "--no-open", *given, "-o", str(documents["halves"])
    assert command_line(*command).code == 0
    ready(open_page("halves"))


def test_no_pop_up_covers_what_follows_while_a_number_is_changed(open_page: Open) -> None:
    page = ready(open_page("live"))
    pop_up, field = page.locator("aside.derivation"), page.locator(".panel .slider .field").nth(2)
    field.hover()
    pop_up.wait_for()
    place = field.bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    assert pop_up.is_hidden()
    page.mouse.up()
    page.keyboard.press("ArrowUp")
    settled(page)
    assert pop_up.is_hidden()
    page.mouse.move(5, 5)
    field.hover()
    field.focus()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    settled(page)
    assert field.inner_text() == "7"
    page.locator('[id="z-0"]').first.hover()
    pop_up.wait_for()
    page.mouse.move(5, 5)
    page.mouse.click(5, 5)
    pop_up.wait_for(state="hidden")
