"""Equations wherever they stand, each side held against the next.

In order: `tokens.py` cuts text, code and LaTeX; `parser.py` reads formulas, a tree of
`syntax.py`; `chains.py` finds the equations of a passage that `reader.py` gives it, `columns.py`
those of a table's columns. `evaluation.py` computes in the arithmetic of `intervals.py`, and
`judging.py` says whether two sides agree. `run.py` goes through a document with the `scope.py` of
what it has stated so far, and `gradients.py` turns that round; `terms.py` holds a sum term by
term, `variants.py` asks for a formula's sign, `hypotheses.py` for a value that is stated wrong.
`document.py` is the whole of it.
"""
