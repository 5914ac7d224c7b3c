"""A page in a terminal.

`layout.py` lays blocks out as lines of styled `pieces.py` for a width, with the signs of
`symbols.py`: `arithmetic.py`, broken by `filling.py`; matrices and tables in `grids.py`, whose
columns `table_columns.py` measures; `derivations.py`; `curves.py`; and `summaries.py` of what is
too big, with `heat.py`. `terminal.py` writes the lines: the one file that knows Rich.
"""
