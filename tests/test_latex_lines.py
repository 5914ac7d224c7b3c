"""Long formulas in LaTeX: what the lines say together, where they end, and how wide they are."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.pages.render.latex.lines import (
    FIRST,
    LINE,
    MARGIN,
    Cutter,
    filled,
    name_pieces,
)
from vae_explain.pages.render.latex.width import width
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
)
from vae_explain.symbolic.latex import latex_name, to_latex

from .support import same_number, trees

NARROW = MARGIN + 20.0  # a line on which only a single short name fits
A, B, C = Ref("alpha"), Ref("gamma"), Ref("delta")
TWO = Number(2.0)
FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "max": max,
    "pow": pow,
    "gate": float,
}


def group(latex: str, start: int) -> tuple[str, int]:
    """Return what stands in the braces that open at `start`, and where it goes on behind them."""
    depth = 0
    for at in range(start, len(latex)):
        depth += {"{": 1, "}": -1}.get(latex[at], 0)
        if not depth:
            return latex[start + 1 : at], at + 1
    raise AssertionError(f"a brace is open in {latex}")


def computed(latex: str) -> float:
    """Compute a formula whose leaves are numbers, by what the marks of LaTeX mean."""
    return float(eval(python(latex), {"__builtins__": {}, **FUNCTIONS}))


def python(latex: str) -> str:
    written, at = "", 0
    latex = re.sub(r"\\(left|right|bigl|bigr)(?![a-z])", "", latex)
    while at < len(latex):
        command = re.compile(r"\\[a-z]+ ?|.").match(latex, at)
        assert command, latex[at:]
        name, at = command[0].strip(" "), command.end()
        if name == r"\frac":
            above, at = group(latex, at)
            below, at = group(latex, at)
            written += f"(({python(above)})/({python(below)}))"
        elif name in (r"\sqrt", "^", "{"):
            inside, at = group(latex, at - (name == "{"))
            written += {r"\sqrt": "sqrt", "^": "**", "{": ""}[name] + f"({python(inside)})"
        elif name == r"\operatorname":
            function, at = group(latex, at)
            written += function
        else:
            signs = {r"\cdot": "*", "[": "gate(", "]": ")"}
            written += signs.get(name, name.removeprefix("\\") or " ")
    return written


def number(leaf: Number | Ref) -> str:
    return repr(float(leaf.value))


def joined(lines: list[str]) -> str:
    """Put the lines of a formula on one again."""
    return " ".join(re.sub(r"^(\\hspace\*\{\d+em\})?(\{\})?", "", line) for line in lines)


@given(trees(), st.floats(30, 500))
def test_a_broken_formula_is_the_number_that_it_was(tree: Expression, room: float) -> None:
    pieces = Cutter(number, room).equation(tree)
    lines = filled(pieces, room=room)
    whole = joined(lines).removeprefix(" = ").removeprefix("= ")
    assert same_number(computed(whole), tree), lines
    assert not re.search(r"\^\{[^{}]*\}\^", whole), lines
    assert "- -" not in whole
    assert "+ -" not in whole


@given(trees())
def test_what_fits_is_written_in_one_piece(tree: Expression) -> None:
    written = to_latex(tree, number)
    lines = filled(Cutter(number, 1e6).equation(tree), room=1e6)
    assert lines == [f" = {written}"]


def narrow(tree: Expression) -> str:
    """Write a formula on lines so narrow that everything is broken, as one line."""
    return "".join(piece.before + piece.text for piece in Cutter(room=NARROW).equation(tree))[3:]


ALPHA, GAMMA, DELTA = (latex_name(ref.name) for ref in (A, B, C))


@pytest.mark.parametrize(
    ("tree", "latex"),
    [
        pytest.param((A + B) / C, rf"\bigl({ALPHA} + {GAMMA}\bigr)/{DELTA}", id="fraction"),
        pytest.param(A / (B * C), rf"{ALPHA}/\bigl({GAMMA} \cdot {DELTA}\bigr)", id="divisor"),
        pytest.param(A / (B / C), rf"{ALPHA}/\bigl({GAMMA}/{DELTA}\bigr)", id="nested"),
        pytest.param(
            A / SumOver(B - C, (0,), ()),
            rf"{ALPHA}/\bigl(\sum \bigl({GAMMA} - {DELTA}\bigr)\bigr)",
            id="sum-as-divisor",
        ),
        pytest.param(Apply("sqrt", (A + B,)), rf"\bigl({ALPHA} + {GAMMA}\bigr)^{{1/2}}", id="root"),
        pytest.param(
            Apply("sqrt", (A + B,)) ** TWO,
            rf"\bigl(\bigl({ALPHA} + {GAMMA}\bigr)^{{1/2}}\bigr)^{{2}}",
            id="square-of-a-root",
        ),
        pytest.param(
            Apply("floor", (A + B,)), rf"\bigl\lfloor {ALPHA} + {GAMMA} \bigr\rfloor", id="floor"
        ),
        pytest.param(
            MatMul((A + B) / TWO, C),
            rf"\bigl(\bigl({ALPHA} + {GAMMA}\bigr)/2\bigr) \, {DELTA}",
            id="matrix-product-of-a-fraction",
        ),
        pytest.param(Transpose(A + B), rf"\bigl({ALPHA} + {GAMMA}\bigr)^{{\top}}", id="transposed"),
        pytest.param(
            Mul((Reshape(A + B, (2,)), C)),
            rf"\bigl({ALPHA} + {GAMMA}\bigr) \cdot {DELTA}",
            id="reshaped-sum",
        ),
        pytest.param(
            Opaque("conv_2d", (A, B), (("by", 2),)),
            rf"\operatorname{{conv\_2d}}\bigl({ALPHA}, {GAMMA}, \mathrm{{by=2}}\bigr)",
            id="call",
        ),
        pytest.param(
            Opaque("[:, 1]", (A + B,)),
            rf"\bigl({ALPHA} + {GAMMA}\bigr)\mathtt{{[:, 1]}}",
            id="slice",
        ),
        pytest.param(
            Pow(A, B + C),
            rf"\operatorname{{pow}}\bigl({ALPHA}, {GAMMA} + {DELTA}\bigr)",
            id="long-exponent",
        ),
        pytest.param(
            A - Neg(B + C),
            rf"{ALPHA} - \bigl(-\bigl({GAMMA} + {DELTA}\bigr)\bigr)",
            id="minus-minus",
        ),
    ],
)
def test_parts_of_a_long_formula(tree: Expression, latex: str) -> None:
    assert narrow(tree) == latex


def test_an_unknown_node_is_named() -> None:
    class Strange(Expression):
        pass

    with pytest.raises(TypeError, match="no way to write Strange"):
        Cutter(room=NARROW).equation(A + Strange())


# --- where a line ends ------------------------------------------------------------------


def of(count: int) -> Add:
    """Return a sum of squares of differences, as a variance has one."""
    return Add(tuple((Number(i + 0.12345678) - Number(0.5)) ** TWO for i in range(count)))


def test_a_long_fraction_goes_on_inside_its_parentheses() -> None:
    written = filled(Cutter(number).equation(Div(of(9), Number(9.0))))
    assert len(written) > 1
    assert written[0].startswith(r" = \bigl(\left(")
    assert all(line.startswith(r"\hspace*{1em}{} + ") for line in written[1:])
    assert written[-1].endswith(r"\bigr)/9.0")


def test_a_sum_is_broken_outside_of_its_parentheses() -> None:
    lines = filled(Cutter(number).equation(of(9)))
    assert len(lines) > 1
    assert all(line.startswith("{} + ") for line in lines[1:])
    assert not any("bigl" in line for line in lines)


def test_what_is_done_to_a_whole_goes_on_in_the_next_line() -> None:
    done = ".reshape(2, 3, 4).permute(2, 0, 1)[0]"
    found = "".join(piece.text for piece in Cutter().equation(Opaque(done, (A,))))
    assert found == rf"\mathrm{{alpha}}\mathtt{{{done}}}"
    lines = filled(Cutter(room=100.0).equation(Opaque(done, (A,))), room=100.0)
    assert [line.partition(r"\mathtt")[2] for line in lines] == [
        "{.reshape(2, 3, 4)}",
        r"{.permute(2, 0, 1)}\mathtt{[0]}",
    ]


def test_a_summand_of_several_lines_starts_one() -> None:
    tree = Add((Number(1.0), Mul((Number(2.0), of(9))), Number(3.0)))
    lines = filled(Cutter(number).equation(tree))
    assert lines[0] == " = 1.0"
    assert lines[1].startswith(r"{} + 2.0 \cdot \bigl(")
    assert lines[-1] == "{} + 3.0"


LONG = "encoder.blocks." + ".".join(f"stage_{i}.attention" for i in range(12)) + ".weight"


@pytest.mark.parametrize("name", [LONG, f"∂loss/∂{LONG}", "w" * 200, f"∂{LONG}/∂{LONG}"])
def test_a_long_name_is_broken(name: str) -> None:
    index = (0, 12)
    pieces = name_pieces(latex_name(name, index), name, index)
    assert len(pieces) > 1
    assert pieces[-1].text.endswith("_{0,12}")
    letters = "".join(piece.text for piece in pieces)
    for mark in (r"\mathrm{", "}", r"\partial ", r"\mathcal{L", "\\"):
        letters = letters.replace(mark, "")
    plain = name.replace("∂loss", "").replace("∂", "")
    assert letters.replace("_{0,12", "") == plain
    for line in filled(pieces):
        assert width(line) <= LINE + FIRST


def test_a_short_name_stays_as_it_is() -> None:
    written = latex_name("∂loss/∂mu", (1,))
    assert [piece.text for piece in name_pieces(written, "∂loss/∂mu", (1,))] == [written]


# --- the estimate -----------------------------------------------------------------------

FORMULAS = [
    r"\mathrm{encoder\_pre}_{1} = 0.3694 \cdot 1 + 0.4851 \cdot \left(-0.5\right) - 0.4427",
    r"\displaystyle \mathrm{KL} = -\tfrac{1}{2} \cdot \sum \left(1 + \log\sigma^2 - \mu^{2}\right)",
    r"\displaystyle \frac{\partial \mathcal{L}}{\partial \mathrm{fc1.weight}} = \sum \hat{x}",
    r"\mathtt{[:, 6:9]} \, {\mathrm{k\_3}}^{\top} + \operatorname{softmax}\left(x\right)",
    r"\displaystyle \sqrt{\frac{0.70585358^{2} + 0.50343525^{2}}{9} + 1.1920929 \cdot 10^{-7}}",
    r"\exp\left(-0.85071498\right) \cdot \left(-0.85071498 + 1.0986122886681098\right)",
    r"\bigl(0.12 - 0.5\bigr)^{1/2} = \mathbf{0.06320113}\quad\text{gate closed}",
    r"\displaystyle \frac{-1 - \frac{\left(0.335 - 0.24\right) \cdot \left(-0.1 - 1\right)}{2}}{4}",
    r"0.4096 \cdot \frac{-1 - \frac{0.335094 - 0.06441369 - 0.24442398}{0.1172 + 1}}{4 + 3 = 7}",
    r"\displaystyle \frac{\frac{\frac{0.25 - 0.0625 \cdot 0.5}{2}}{0.75}}{\sqrt{4}}",
    r"\mathrm{ABCDEFGHIJKLMNOPQRSTUVWXYZ} + \mathrm{abcdefghijklmnopqrstuvwxyz}",
]


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex is installed")
def test_the_estimate_is_near_to_what_tex_measures(tmp_path: Path) -> None:
    boxes = "\n".join(
        rf"\setbox0\hbox{{${formula}$}}\typeout{{measured \the\wd0}}" for formula in FORMULAS
    )
    page = (
        r"\documentclass{article}\usepackage{amsmath}\begin{document}" + boxes + r"\end{document}"
    )
    (tmp_path / "boxes.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "boxes.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    measured = re.findall(r"measured ([\d.]+)pt", done.stdout.decode("utf-8", "replace"))
    assert len(measured) == len(FORMULAS)
    for formula, points in zip(FORMULAS, map(float, measured), strict=True):
        assert 0.94 < width(formula, "displaystyle" not in formula) / points < 1.08, formula
