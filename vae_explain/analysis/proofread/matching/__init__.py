"""Which number of the run is each figure said to be?

In order: `names.py` finds names of quantities in words; `labels.py` decides which of them a
statement is about; `stated_run.py` gathers which run the document states; `figures.py` gives
each number its place in a tensor of that run.
"""
