"""The equations of a whole document, each side held against the next.

`run.py` goes through a document in order and remembers what it has stated, `columns.py` and
`named_columns.py` read the equations of a table's columns, `summaries.py` holds what a table has
again against the text, and `hypotheses.py` asks whether one value that is stated wrong explains
more than many wrong results. `document.py` is the whole of it.
"""
