"""What a printed formula comes to, and whether two sides of an equation agree.

A printed number stands for its rounding interval: `evaluation.py` computes in the arithmetic of
`intervals.py`, and `results.py` lays what it gives beside what is printed. `comparison.py` holds
two `sides.py` against each other, by what is `known.py` of their numbers, which stand elsewhere
in the document (`seen.py`), and by where their formulas are `alike.py`. `demands.py` says what a
number would have to be, `damages.py` what may have happened to it, and `findings.py` what is
reported.
"""
