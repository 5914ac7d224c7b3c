"""What does a document say?

In order: `formats.py` gives passages in any format, each with the words it stands under
(`formulas_in_text.py`); `reader.py` takes each to the file for its kind; `values.py` reads
numbers, arrays and arithmetic, with the tokens and the parser of `equations/`;
`running_text.py` and `tables.py` say which label they belong to; `parts.py` puts a tensor that is
printed in parts together again.

What comes out is in `statement.py`.

A new kind of passage is one function and one entry in `reader.py`.
"""
