"""How a document looks, moves and is reached: by pointer, finger, keyboard, and unseen."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from playwright.sync_api import Browser, Locator, Page

from ..hostile import HOSTILE
from ..pages import command_line
from .conftest import Open

WIDTHS = 390, 768, 1280
A4 = 673  # pixels between the margins of a sheet
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def number(page: Page, anchor: str) -> Locator:
    """Return the place where a number is made."""
    return page.locator(f'[id="{anchor}"]')


def derivation(page: Page) -> Locator:
    return page.locator(".derivation")


def lit(page: Page, kind: str) -> set[str]:
    """Return the anchors of the numbers that are lit as `self`, `from` or `into`."""
    links: list[str] = page.eval_on_selector_all(
        f"main a.{kind}", "links => links.map(link => link.getAttribute('href'))"
    )
    return {link.removeprefix("#") for link in links}


# --- what it shows of a number ----------------------------------------------------------


def test_pointing_at_a_number_shows_how_it_is_made(open_page: Open) -> None:
    page = open_page()
    assert not derivation(page).is_visible()
    number(page, "z-0").hover()
    text = derivation(page).inner_text()
    assert "0.88977581 + 1.01163815·(−0.2387) = 0.64829778" in text.replace("\xa0", " ")
    assert "5 more of decoder_pre" in text, "of eight numbers of one value three are listed"
    assert "5 more of ∂loss/∂fc_dec1.weight" in text
    assert lit(page, "self") == {"z-0"}
    assert lit(page, "from") == {"mu-0", "std-0", "eps-0"}
    assert {f"decoder_pre-{unit}" for unit in range(8)} <= lit(page, "into")
    assert {"fc_dec1.weight.grad-0-0"} <= lit(page, "into")
    assert not any(anchor.startswith("encoder") for anchor in lit(page, "into"))


def test_the_answer_comes_first(open_page: Open) -> None:
    page = open_page()
    number(page, "encoder_hidden.grad-0").hover()
    text = " ".join(derivation(page).locator(".answer").inner_text().split())
    assert text.startswith("0.2735 = 0.2569 reconstruction by mu − 0.0902 reconstruction by logvar")
    number(page, "fc1.weight.grad-6-0").hover()
    assert "because" in derivation(page).locator(".answer").inner_text()
    assert "gate closed" in derivation(page).locator(".answer").inner_text()
    number(page, "z-0").hover()
    assert derivation(page).locator(".answer").count() == 0


def test_what_an_index_chose_leads_to_the_index(open_page: Open) -> None:
    page = open_page("choices")
    number(page, "taken-0").hover()
    assert "Chosen by" in derivation(page).inner_text()
    assert lit(page, "from") == {"x-1", "order-0"}
    derivation(page).get_by_label("order[0]").click()
    assert page.url.endswith("#order-0")
    number(page, "order-0").hover()
    assert "taken-0" in lit(page, "into")


def test_it_goes_away_with_the_pointer(open_page: Open) -> None:
    page = open_page()
    number(page, "z-0").hover()
    derivation(page).hover()
    page.wait_for_timeout(400)
    assert derivation(page).is_visible(), "the pointer may go into it"
    page.mouse.move(5, 5)
    derivation(page).wait_for(state="hidden")
    assert lit(page, "self") | lit(page, "from") | lit(page, "into") == set()


def test_every_kind_of_number_has_its_derivation(open_page: Open) -> None:
    page = open_page()
    for anchor in ("mu-1", "kl", "encoder_pre.grad-0", "fc1.weight.grad-3-2",
                   "fc_mu.bias_new-0", "fc1.weight-0-0"):  # fmt: skip
        place = page.locator(f'main a[data-n][href="#{anchor}"]').first
        place.focus()
        value = place.inner_text()
        shown = derivation(page).inner_text()
        assert value.lstrip("−+ \xa0")[:6] in shown
        assert lit(page, "self") == {anchor}
        assert lit(page, "from") | lit(page, "into")


def test_no_derivation_says_a_number_twice(open_page: Open) -> None:
    page = open_page()
    number(page, "fc_dec2.bias.grad-0").hover()
    assert derivation(page).locator("p").nth(1).inner_text().count("2.7369") == 1
    for place in page.locator("main a[data-n][id$='-0']").all():
        place.focus()
        text = derivation(page).inner_text().replace("\xa0", " ")
        assert not re.search(r"= (\S+)\s+= \1\s", text), text


def test_what_a_gate_closed_says_so(open_page: Open) -> None:
    page = open_page()
    number(page, "encoder_hidden-6").hover()
    assert "gate closed" in derivation(page).inner_text()
    number(page, "encoder_pre.grad-6").hover()
    assert "gate closed" in derivation(page).inner_text()


# --- keyboard, finger, no script --------------------------------------------------------


def focused(page: Page) -> str:
    """Return where the focused link goes, or what else has the focus."""
    found: str = page.evaluate(
        "(document.activeElement.getAttribute('href') || document.activeElement.tagName)"
    )
    return found


def test_the_first_stop_skips_to_the_text(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert focused(page) == "#page:main"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["x"] >= 0, "it is seen when it has the focus"
    page.keyboard.press("Enter")
    assert focused(page) == "MAIN"


def test_arrows_go_through_a_matrix(open_page: Open) -> None:
    page = open_page()
    number(page, "fc1.weight-0-0").focus()
    for key, anchor in (
        ("ArrowRight", "fc1.weight-0-1"), ("ArrowDown", "fc1.weight-1-1"),
        ("End", "fc1.weight-7-3"), ("ArrowUp", "fc1.weight-6-3"), ("ArrowLeft", "fc1.weight-6-2"),
        ("Home", "fc1.weight-0-0"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == f"#{anchor}"
        assert lit(page, "self") == {anchor}
    page.keyboard.press("Tab")
    assert not focused(page).startswith("#fc1.weight"), "a matrix is one stop"
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "#fc1.weight-0-0"


def test_the_derivation_is_reached_and_left_by_keys(open_page: Open) -> None:
    page = open_page()
    number(page, "z-0").focus()
    described = number(page, "z-0").get_attribute("aria-describedby")
    assert described == derivation(page).get_attribute("id")
    page.keyboard.press("Space")
    assert focused(page) == "#mu-0"
    page.keyboard.press("Escape")
    assert not derivation(page).is_visible()
    assert focused(page) == "#z-0"
    assert number(page, "z-0").get_attribute("aria-describedby") is None


def test_a_link_goes_to_where_a_number_is_made(open_page: Open) -> None:
    page = open_page()
    used = page.locator('main a[href="#mu-0"]:not([id])').first
    used.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#mu-0")
    place = number(page, "mu-0").bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 900


def test_a_finger_first_shows_and_then_follows(open_page: Open) -> None:
    page = open_page(width=390, height=844, touch=True)
    used = page.locator('main a[href="#mu-0"]:not([id])').first
    used.scroll_into_view_if_needed()
    used.tap()
    assert derivation(page).is_visible()
    assert "#" not in page.url
    used.tap()
    assert page.url.endswith("#mu-0")


def test_without_script_all_numbers_are_there(open_page: Open) -> None:
    with_script, without = open_page(), open_page(script=False)
    assert without.locator(".hint").is_hidden()
    texts = [page.locator("main").inner_text() for page in (with_script, without)]
    assert texts[0] == texts[1]
    assert "0.64829778" in texts[1]
    without.locator('main a[href="#mu-0"]:not([id])').first.click()
    assert without.url.endswith("#mu-0")


# --- seen and unseen --------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_rule_of_accessibility_is_broken(open_page: Open, scheme: str, width: int) -> None:
    page = open_page("default", scheme=scheme, width=width)
    number(page, "z-0").focus()
    page.evaluate(AXE)
    # Describing all that passed takes most of the time.
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    broken = [
        (rule["id"], [node["html"][:120] for node in rule["nodes"][:3]])
        for rule in found["violations"]
    ]
    assert broken == []
    assert len(found["passes"]) > 20


# The ratio of WCAG 2 between each text and the first ground behind it that is not clear.
CONTRAST = """() => {
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return numbers(getComputedStyle(document.documentElement).backgroundColor);
  };
  const low = [];
  for (const element of document.body.querySelectorAll("*:not(script):not(svg *)")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const pair = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(open_page: Open, scheme: str) -> None:
    page = open_page(scheme=scheme)
    assert page.evaluate(CONTRAST) == []
    for anchor in ("z-0", "encoder_pre.grad-3", "x-0"):
        number(page, anchor).focus()
        assert lit(page, "from") | lit(page, "into")
        assert page.evaluate(CONTRAST) == [], f"lit from {anchor}"


def test_what_has_the_focus_is_seen(open_page: Open) -> None:
    page = open_page()
    page.locator("nav a").first.focus()
    page.keyboard.press("Tab")
    width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert (style, width >= 2) == ("solid", True)


@pytest.mark.parametrize("name", ["default", "wide", "own", "recurrent"])
def test_nothing_is_too_wide_for_a_window_or_a_sheet(open_page: Open, name: str) -> None:
    page = open_page(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Rows of summands are sentences on a phone, and have columns where there is more room.
        rows = ", .scroll:has(> .rows)" if width == min(WIDTHS) else ""
        wide: list[str] = page.eval_on_selector_all(
            f".worked, .total, .equation{rows}",
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)",
        )
        assert [text[:80] for text in wide] == [], width
        broken = page.eval_on_selector_all(
            "main a[data-n]",
            "links => links.filter(a => a.getClientRects().length > 1).map(a => a.textContent)",
        )
        assert broken == [], width
    page.set_viewport_size({"width": A4, "height": 900})
    page.emulate_media(media="print")
    cut = page.eval_on_selector_all(
        "main *",
        f"all => all.filter(e => e.getBoundingClientRect().right > {A4} + 1)"
        ".map(e => e.outerHTML.slice(0, 80)).slice(0, 5)",
    )
    assert cut == []
    assert page.locator(".hint").is_hidden()
    assert page.locator("nav").is_visible()


LONG = """all => all.map(piece => {
    const style = getComputedStyle(piece);
    const lines = piece.getBoundingClientRect().height / parseFloat(style.lineHeight);
    piece.style.whiteSpace = "nowrap";
    piece.style.maxWidth = "none";
    const whole = piece.getBoundingClientRect().width;
    piece.removeAttribute("style");
    const line = piece.parentElement;
    const indent = parseFloat(getComputedStyle(line).paddingLeft);
    return [Math.round(lines), whole, line.clientWidth - indent, piece.textContent];
})"""


def test_a_long_summand_is_broken_only_where_no_line_holds_it(open_page: Open) -> None:
    page = open_page("recurrent")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        pieces = page.eval_on_selector_all(".worked .long", LONG)
        assert pieces, "it has long summands"
        for lines, whole, room, text in pieces:
            assert lines == 1 or whole > room - 2, f"{text} has room on a line"
        assert width > min(WIDTHS) or any(lines > 1 for lines, *_ in pieces)


def test_two_sheets_hold_a_document_in_short(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "short.html"
    assert command_line("document", "--short", "-o", str(path)).code == 0
    page = browser.new_page()
    page.goto(path.as_uri())
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 2


def test_pictures_of_it(open_page: Open, tmp_path: Path) -> None:
    page, grounds = open_page(), {}
    for is_dark in (False, True):
        page.emulate_media(color_scheme="dark" if is_dark else "light")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            path = tmp_path / f"{is_dark}-{width}.png"
            page.screenshot(path=path)
            pixels = imread(path)[..., :3]
            assert pixels.std() > 0.05, "there is something on it"
            grounds[is_dark, width] = float(pixels[5, 5].mean())
    assert all((ground > 0.9) != is_dark for (is_dark, _), ground in grounds.items())
    sheet = page.pdf(format="A4")
    assert sheet.startswith(b"%PDF")
    assert sheet.count(b"/Type /Page\n") > 5


# --- names that are no words ------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False])
def test_a_hostile_name_is_text(open_page: Open, script: bool) -> None:
    page = open_page("hostile", script=script)
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE
    for link in page.locator("main a[data-n]").all()[:: 7 if script else 60]:
        link.focus()
    if script:
        place = page.locator("main a[data-n]").first
        place.focus()
        assert HOSTILE in derivation(page).inner_text().replace("\xa0", " ")
        assert page.locator("img").count() == 0
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
