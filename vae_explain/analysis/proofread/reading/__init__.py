"""What does a document say?

In order: `markdown.py` gives passages, each with the words it stands under; `reader.py`
takes each to the file for its kind; `tokens.py` and `latex_tokens.py` cut text into tokens;
`grammar.py` reads numbers, arrays and arithmetic from tokens; `running_text.py` and
`tables.py` say which label they belong to; `parts.py` puts a tensor that is printed in parts
together again. What comes out is in `statement.py`.

A new kind of passage is one function and one entry in `reader.py`.
"""
