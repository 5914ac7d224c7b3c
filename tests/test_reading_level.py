"""How much a page says to whom, what it introduces, and a document on two pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vae_explain.pages.blocks import Block, Checked, Heading, Note, Prose
from vae_explain.pages.walkthrough.draft import once_a_section
from vae_explain.pages.walkthrough.glossary import WORDS

from .pages import CommandLine

SENTENCES = [word.sentence for word in WORDS if word.sentence]


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("command", ["forward", "backward", "document"])
def test_a_word_is_introduced_once_where_it_is_first_used(command: str, cli: CommandLine) -> None:
    text = flat(cli(command, columns=200).out).replace("\\>", ">")
    said = [sentence for sentence in SENTENCES if sentence in text]
    assert len(said) == {"forward": 2, "backward": 4, "document": 5}[command]
    assert all(text.count(sentence) == 1 for sentence in said)
    if command == "forward":
        assert text.index(SENTENCES[0]) < text.index("encoder_hidden")
    assert not any(s in flat(cli("forward", "--activation", "tanh").out) for s in SENTENCES[:1])


def test_an_expert_gets_the_arithmetic_alone(cli: CommandLine) -> None:
    standard, expert = (cli("backward", *o).out for o in ((), ("--level", "expert")))
    assert "The derivative of a square" in standard
    assert "The derivative of a square" not in expert
    assert "for example" in expert  # the lines are all there
    assert not any(sentence in flat(expert) for sentence in SENTENCES)
    assert "products" not in expert
    document = cli("document", "--level", "expert").out
    chapters = re.findall(r"^## (\d+) (.*)$", document, re.MULTILINE)
    assert [int(number) for number, _ in chapters] == list(range(1, len(chapters) + 1))
    assert not {"What a VAE is", "Glossary"} & {title for _, title in chapters}


def test_a_first_reading_has_the_words_at_the_end_of_a_page(cli: CommandLine) -> None:
    text = cli("forward", "--level", "intro", columns=120).out
    assert flat(text).count(SENTENCES[0]) == 2  # at both layers that have it
    assert "Glossary" in text
    assert "Glossary" not in cli("forward").out


def test_a_level_that_there_is_not_is_one_line(cli: CommandLine) -> None:
    outcome = cli("forward", "--level", "easy")
    assert outcome.code == 2
    assert "--level" in outcome.err
    assert outcome.err.count("\n") == 1


def test_how_far_off_is_said_on_request(cli: CommandLine) -> None:
    assert "relative difference" not in cli("forward").out
    text = flat(cli("forward", "--verbose").out)
    assert re.search(r"checked against PyTorch \((?:largest relative|no) difference", text)
    assert text.count("(largest relative difference") + text.count("(no difference)") > 5


def test_zeros_have_no_sign_but_in_the_references_own_figures(cli: CommandLine) -> None:
    assert "-0.0000" in cli("backward").out
    assert "-0.0000" not in cli("backward", "--seed", "43").out
    assert "-0.0000" not in cli("backward", "--arithmetic", "printed").out


def test_every_product_of_a_long_sum_is_shown_and_the_largest_marked(cli: CommandLine) -> None:
    text = cli("document").out
    row = next(line for line in text.splitlines() if line.startswith("|        0 |      0.3823 |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["0", "0.3823", "0.8300", "−0.3513", "**1.8372**", "0.3860", "**3.0842**"]
    assert text.count("| products |") == 5  # fc1, both heads, the output, and ∂loss/∂z
    assert "products" not in cli("document", "--dims", "2-2-1-2-2", "--x", "1,2").out


def test_a_section_says_once_what_was_checked() -> None:
    def note(count: int, tail: str = "", whose: str = "PyTorch") -> Note:
        told = Checked(count, "line", whose, tail, 1e-17 * count)
        return Note(told.text, "check", checked=told)

    first: list[Block] = [Heading(1, "a"), note(2), Prose("b"), note(3, "; 1 gate closed")]
    blocks = [*first, Heading(2, "c"), note(1), note(4, whose="autograd")]
    texts = [block.text for block in once_a_section(blocks) if isinstance(block, Note)]
    assert texts == [
        "5 lines checked against PyTorch; 1 gate closed",
        "5 lines checked against PyTorch and autograd",
    ]
    failed = Note("1 of 2 lines not equal to PyTorch's: [0]", "failure")
    assert failed in once_a_section([Heading(1, "a"), note(2), failed])


def test_a_document_in_short_has_what_two_pages_hold(cli: CommandLine, tmp_path: Path) -> None:
    whole, short = (cli("document", *o).out for o in ((), ("--short",)))
    assert len(whole.splitlines()) <= 1_100
    assert len(short.splitlines()) < 230
    chapters = re.findall(r"^## \d+ (.*)$", short, re.MULTILINE)
    assert chapters[0] == "What this run says"
    assert chapters[-1] == "One step of learning"
    assert "z[0] = 0.88977581 + 1.01163815·(−0.2387) = 0.64829778" in short
    # As many digits as the sum takes: how many, and the last of them, the processor decides.
    total = re.search(r"loss = ([\d.]+) \+ ([\d.]+) = ([\d.]+)", short)
    assert total is not None
    given = [float(number) for number in total.groups()]
    assert given == pytest.approx([31.1009589275, 0.40952290104, 31.5104818285], rel=1e-10)
