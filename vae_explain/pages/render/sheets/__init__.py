"""Exercise sheets for learning platforms, as a notebook, and marked.

`moodle.py` and `qti.py` write questions in `plain_html.py`, `worksheet_notebook.py` a notebook,
and `marks.py` what was marked.
"""
