"""Exercises: which numbers of a run a sheet leaves blank, and how filled sheets are marked.

`selection.py` chooses blanks of a run, `sheets.py` makes the runs of many sheets, and `key.py`
keeps what marking needs: the numbers on each sheet and, for each blank, its expression tree.
From those alone, without PyTorch or NumPy, `marking.py` recomputes a sheet from the student's
own numbers, and `mistakes.py` knows what each usual mistake gives. Read `key.py` first.
"""
