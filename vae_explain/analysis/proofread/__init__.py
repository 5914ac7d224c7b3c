"""Proof-reading a published document: its equations, and the figures of a VAE's run.

`report.py` is the whole way. `reading/formats.py` gives a document's passages (`passage.py`).
Five rooms hold the sides of every equation against each other, and against what the document
states, whatever it is about; each uses those before it:

- `grammar/`: how is a formula printed?
- `arithmetic/`: what does it come to, and do two sides agree?
- `statements/`: what does the document state, and by which formulas?
- `blame/`: which number or sign is wrong where two sides do not agree?
- `equations/`: the way through a whole document.

Where it is the walkthrough of a VAE, `proof.py` leads it through three rooms more, which read
with the same tokens and grammar:

1. `reading/`: what does the text say? Statements, each a label with the numbers that are
   said of it, and numbers that stand in none. No model is known here.
2. `matching/`: which number of the run is each figure said to be? And which run: its seed,
   shape, loss and learning rate.
3. `judging/`: is it right? The numbers are made again, in several arithmetics, and each
   figure and each line of printed arithmetic gets its verdict.

What holds between the steps:

- A statement keeps its numbers as they are printed, with the line that they stand on; no
  step rounds or rewrites them.
- Every number that is read ends as a figure, as a part of a line, as not recognised or as
  set aside with a reason. None is lost.
- Which run is stated must be known before a figure has its place, since the shape decides
  what fits.
- The inputs must be held against the seed before any verdict, and a damaged one be put
  right before the rest: else one wrong digit blames all that follows from it.
- Where the stated loss is doubted, all of `judging/` runs again under the other one.
"""
