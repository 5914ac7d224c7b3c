"""A tensor of three axes or more: a grid for each of its matrices, in every format."""

from __future__ import annotations

import re

import numpy as np

from vae_explain.engine.worked_lines import Worked
from vae_explain.pages.blocks import Lines, Matrix, Walkthrough
from vae_explain.pages.render import markdown
from vae_explain.pages.render.html.document import write as html
from vae_explain.pages.render.latex import document as latex_document
from vae_explain.pages.render.numbers import Numbers
from vae_explain.pages.render.slices import matrices
from vae_explain.pages.render.terminal.terminal import lay_out, plain
from vae_explain.pages.render.typeset import MOST_ROWS, Typesetter
from vae_explain.symbolic.expression import Number, Ref

from .html_pages import parsed

NUMBERS = np.arange(24.0).reshape(1, 2, 3, 4)
BATCH_OF_ONE = Matrix("h", NUMBERS, "value", "value", drop=1)
BMATRIX = re.compile(r"([^\s\[]+) = \\begin\{bmatrix\}\n(.*?)\n\\end\{bmatrix\}", re.DOTALL)


def page(block: Matrix) -> Walkthrough:
    return Walkthrough("forward", "", (), (block,))


def labelled(latex: str) -> dict[str, list[list[float]]]:
    """Return the matrices of a page in LaTeX by what stands before their equals sign."""
    return {
        label: [[float(cell) for cell in row.split("&")] for row in body.split("\\\\\n")]
        for label, body in BMATRIX.findall(latex)
    }


def test_an_index_leaves_out_a_batch_of_one_as_the_lines_do() -> None:
    assert matrices(BATCH_OF_ONE) == [((0,), range(3)), ((1,), range(3, 6))]
    assert matrices(BATCH_OF_ONE._replace(drop=0))[1] == ((0, 1), range(3, 6))


def test_what_is_one_matrix_or_rows_alone_stays_whole() -> None:
    for shape in ((), (5,), (3, 4), (1, 3, 4), (3, 1, 4)):
        block = Matrix("h", np.zeros(shape), "value", "value")
        assert [index for index, _ in matrices(block)] == [()], shape


def test_typeset_pages_label_each_matrix() -> None:
    for latex, first in (
        (markdown.write(page(BATCH_OF_ONE)), "**h** [1, 2, 3, 4]"),
        (latex_document.write(page(BATCH_OF_ONE)), "$h$ [1, 2, 3, 4]"),
    ):
        assert first in latex
        assert labelled(latex) == {"h_{0}": NUMBERS[0, 0].tolist(), "h_{1}": NUMBERS[0, 1].tolist()}


def test_a_part_of_a_matrix_says_of_which_one_it_is() -> None:
    tall = Matrix("h", np.zeros((2, MOST_ROWS + 1, 2)), "value", "value")
    where = [grid.where for grid in Typesetter().grids(tall)]
    assert where == ["[0, 0:32, :]", "[0, 32:33, :]", "[1, 0:32, :]", "[1, 32:33, :]"]
    assert "h[1, 32:33, :]" in markdown.write(page(tall))


def test_matrices_stand_side_by_side_as_far_as_they_fit() -> None:
    small = Matrix("h", np.zeros((9, 2, 2)), "value", "value")
    shelves = [len(shelf) for shelf in Typesetter().shelves(small)]
    assert sum(shelves) == 9
    assert 1 < max(shelves) < 9
    wide = Matrix("h", np.zeros((3, 2, 9)), "value", "value")
    assert [len(shelf) for shelf in Typesetter().shelves(wide)] == [1, 1, 1]


def test_html_has_a_table_with_a_caption_for_each_matrix() -> None:
    root = parsed(html(page(BATCH_OF_ONE)))
    found = [
        (
            "".join(caption.text for caption in table.all("caption")),
            [
                [float(cell.text) for cell in row.all("td")]
                for row in table.all("tbody")[0].all("tr")
            ],
        )
        for table in root.all("table")
    ]
    assert found == [("h0", NUMBERS[0, 0].tolist()), ("h1", NUMBERS[0, 1].tolist())]
    assert [sub.text for sub in root.all("sub")] == ["0", "1"]
    ids = [e.attributes["id"] for e in root.walk() if e.attributes.get("id", "").startswith("h-")]
    assert ids[0] == "h-0-0-0"  # the number's own address, with the same index
    assert ids[-1] == "h-1-2-3"


def test_the_terminal_names_each_matrix_with_the_index_of_the_lines() -> None:
    text = plain(lay_out(page(BATCH_OF_ONE), 80))
    assert [line.strip() for line in text.splitlines() if "h[" in line] == ["h[0]", "h[1]"]
    assert Numbers().one(23.0, "value") in text


def test_a_number_kept_in_float32_is_written_as_it_was_given() -> None:
    given = np.array([0.9, 0.1, 12.5, -0.3375], dtype=np.float32)
    assert Numbers().column(given, "input") == ["0.9000", "0.1000", "12.5000", "-0.3375"]
    assert Numbers().column(given[:2], "input") == ["0.9", "0.1"]
    assert Numbers().one(float(given[0]), "value") == "0.9000"
    for other in (np.float32(1 / 3), np.float64(0.9) + 1e-9, np.float32(0.123456)):
        assert len(Numbers().one(float(other), "value")) == len("0.12345678")


def test_what_is_left_out_of_a_sum_is_said_before_the_sum() -> None:
    one = Ref("a", (0,), "value", 1.0)
    line = Worked("[0]", one * Number(2.0), 2.0, 2.0, 2.0, 0.0, True)
    total = Worked("", Number(8.0), 8.0, 8.0, 8.0, 0.0, True)
    block = Lines("loss", (line, line), "element", "exact", total=total, omitted=2)
    walkthrough = Walkthrough("forward", "", (), (block,))
    for text in (
        plain(lay_out(walkthrough, 80)),
        parsed(html(walkthrough)).all("main")[0].text,
        markdown.write(walkthrough),
        latex_document.write(walkthrough),
    ):
        left_out = text.index("2 more left out")
        assert left_out < text.index("sum of 4")
        assert text.count("more left out") == 1
