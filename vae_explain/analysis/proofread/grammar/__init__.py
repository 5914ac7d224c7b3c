"""Formulas as they are printed: text, code and LaTeX read as trees.

`tokens.py` cuts the text, `parser.py` reads it with a `cursor.py`, what stands in `brackets.py`
and what `quantities.py` are called, and the result is a tree of `syntax.py`. `clauses.py` says
where a statement ends, by the `habits.py` of authors. `variants.py` changes one sign, factor or
power of a tree, and `counts.py` reads whole numbers that count something.
"""
