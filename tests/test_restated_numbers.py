"""A number that is stated once more, just before the arithmetic that it is for."""

from __future__ import annotations

import pytest

from vae_explain.analysis.proofread.report import report

GAMMAS = r"""\
The encoder says $m = [0.62, -0.85]$ and $g = [0.0943, -0.7133]$.

For $j = 2$ ($m_2 = -0.85$, $g_2 = -0.7133$):
$$1 - 0.7133 - 0.85^2 - 0.490 = -0.9258$$
$p_2 = \sigma(-0.4254) = 0.3952$

For $j = 2$ ($p_2 = 0.3952$):
$$3 \cdot 0.3952 = 1.1856$$
"""


@pytest.mark.parametrize(
    ("old", "new", "printed"),
    [
        ("g_2 = -0.7133", "g_2 = -0.7313", "-0.7313"),
        ("g_2 = -0.7133", "g_2 = -1.4266", "-1.4266"),
        ("m_2 = -0.85", "m_2 = -0.58", "-0.58"),
        ("($p_2 = 0.3952", "($p_2 = -0.3952", "-0.3952"),
        ("($p_2 = 0.3952", "($p_2 = 3.952", "3.952"),
    ],
)
def test_a_number_that_is_not_put_in_is_held_against_what_stood_before(
    old: str, new: str, printed: str
) -> None:
    assert report(GAMMAS).findings == ()
    (finding,) = report(GAMMAS.replace(old, new)).findings
    assert finding.printed == printed
    assert float(finding.expected) == float(old.split()[-1])


@pytest.mark.parametrize(
    "after",
    [
        # The number that is stated now is put in.
        "$$1 - 0.85 - 0.55^2 = -0.1525$$",
        # Its sign is left out of a square.
        "$$1 - 0.62^2 = 0.6156$$",
        # What stood before is too short to be told from another number.
        "$$3 \\cdot 0.5 = 1.5$$",
        # It is used further on.
        "The rest is as above.\n\nNothing is new.\n\n$$1 - 0.62 = 0.38$$",
    ],
)
def test_a_quantity_may_have_another_value_from_now_on(after: str) -> None:
    text = f"Take $m = [0.62, -0.85]$.\n\nNow $m_1 = {{}}$:\n{after}\n"
    value = "0.55" if "0.55" in after else "-0.62"
    assert report(text.format(value)).findings == ()
