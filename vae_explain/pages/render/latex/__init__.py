"""A page in LaTeX that compiles as it is.

`document.py` writes the blocks, `lines.py` breaks formulas by how wide `width.py` says they will
be, `marks.py` escapes words and names, and `picture.py` draws the model.
"""
