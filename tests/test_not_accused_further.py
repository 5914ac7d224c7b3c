"""Further habits of authors who are right, with the same beside each with a mistake in it."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report


@pytest.mark.parametrize("arrow", ["←", "⟵", ":=", "<-"])
def test_what_follows_an_update_goes_on_from_the_new_value(arrow: str) -> None:
    """Each step of a descent starts from what the one before has come to."""
    right = (
        f"w = 0.6, b = 1\n\nw {arrow} w − 0.2·0.5 = 0.5\n\ny = 4w + b = 3.0\n\n"
        f"w {arrow} w − 0.2·0.25 = 0.45\n\ny = 4w + b = 2.8"
    )
    assert report(right).findings == ()
    (finding,) = report(right.replace("= 2.8", "= 3.8")).findings
    assert finding.printed == "3.8"


@pytest.mark.parametrize("arrow", [r"\leftarrow", r"\gets"])
def test_what_follows_an_update_in_latex_goes_on_from_the_new_value(arrow: str) -> None:
    """The name may have an index, and the line may begin with the numbers put in."""
    right = (
        rf"Let $w_{{12}} = 0.6$. $$w_{{12}} {arrow} w_{{12}} - 0.2 \cdot 0.5 = 0.5$$"
        "\n\nSo $y = 4 w_{12} = 2.0$."
    )
    assert report(right).findings == ()
    assert [f.printed for f in report(right.replace("2.0$", "2.1$")).findings] == ["2.1"]


def test_an_update_without_its_result_leaves_the_name_without_a_value() -> None:
    """What the name was made of before does not hold either."""
    assert report("a = 1.2, w = 0.5a = 0.6\n\nw ← w − 0.2·0.5\n\ny = 4w = 2.0").findings == ()
    rule = "w = 0.6\n\nw ← w − η·g\n\ny = 4w = 2.1"
    assert [finding.printed for finding in report(rule).findings] == ["2.1"]


@pytest.mark.parametrize("text", ["x = 3, x ← z ← y, 2x = 6", "x = 3, x ← 0.5 ← y, 2x = 6"])
def test_an_arrow_of_a_graph_gives_no_name_a_value(text: str) -> None:
    """Such an arrow says where a derivative goes."""
    assert report(text).findings == ()


@pytest.mark.parametrize(
    "names", [("rec", "KL", "loss"), ("L_rec", "L_KL", "L"), ("bce", "kl", "total")]
)
def test_a_loss_and_its_terms_are_each_rounded_by_itself(names: tuple[str, str, str]) -> None:
    """A last digit of the sum may differ; two of a sum that an author chose may not."""
    one, other, total = names
    text = f"{one} = 0.4217\n\n{other} = 0.1140\n\n{total} = {one} + {other} = 0.5356"
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("0.5356", "0.5365")).findings] == ["0.5365"]


def test_a_name_with_a_number_in_brackets_is_one_beside_the_name_without() -> None:
    """`E(1)` is the error of the first step, and not E times 1."""
    text = "E = 0.5\n\nE(1) = 0.2, E(2) = 0.3\n\ny = 4·E(1) + E(2) = 1.1"
    assert report(text).findings == ()
    assert [f.printed for f in report(text.replace("1.1", "1.3")).findings] == ["1.3"]


@pytest.mark.parametrize(
    ("formula", "elements", "wrong"),
    [
        ("v/‖v‖", "(2/7, 3/7, 6/7)", "(2/7, 3/7, 6/8)"),
        ("v/sum(v)", "(2/11, 3/11, 6/11)", "(2/11, 3/12, 6/11)"),
        ("v − max(v)", "(2 − 6, 3 − 6, 6 − 6)", "(2 − 6, 3 − 5, 6 − 6)"),
    ],
)
def test_elements_may_be_made_of_all_of_a_list(formula: str, elements: str, wrong: str) -> None:
    """Such as what a list is divided by, so that its length is 1."""
    assert report(f"v = (2, 3, 6)\n\n{formula} = {elements}").findings == ()
    assert len(report(f"v = (2, 3, 6)\n\n{formula} = {wrong}").findings) == 1
