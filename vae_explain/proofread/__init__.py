"""Proof-reading a published walkthrough: its figures found, named, recomputed and judged.

The way of a document through these rooms:

1. `markdown.py` reads the structure with a CommonMark parser: passages of prose, code,
   formulas and tables, each with the words it stands under.
2. `recognisers.py` finds the figures of each passage; one entry in its list for each kind.
   `tokens.py` and `tex.py` cut text into words, numbers and signs, `grammar.py` reads
   numbers, arrays and printed arithmetic from them, `tables.py` reads tables.
3. `labels.py` says which quantity a label means, `collecting.py` brings each figure together
   with its place in that quantity.
4. `statement.py` gathers what the document states: seed, parameters, input, noise, shape.
5. `recomputing.py` makes the numbers again, in several arithmetics, and `repairing.py` asks
   whether one damaged input explains more than many wrong figures.
6. `judging.py` gives each figure its verdict, `substitution.py` each line of arithmetic.

`proof.py` is that way on one page, `verdicts.py` what it hands over.
"""
