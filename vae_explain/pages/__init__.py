"""What is said about a run, and how is it written?

`walkthrough/` decides what is said and in which order, as the blocks of `blocks.py`, which
know no formatting; `render/` writes blocks, one format a file. Read `blocks.py` first.
"""
