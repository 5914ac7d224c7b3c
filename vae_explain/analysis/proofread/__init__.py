"""Proof-reading a published walkthrough: its figures found, named, recomputed and judged.

The way of a document through these rooms:

1. `markdown.py` reads the structure with a CommonMark parser: passages of prose, code,
   formulas and tables, each with the words it stands under.
2. `recognisers.py` finds the figures of each passage; one entry in its list for each kind.
   `tokens.py` and `tex.py` cut text into words, numbers and signs, `grammar.py` reads
   numbers, arrays and printed arithmetic from them, `tables.py` reads tables.
3. `vocabulary.py` finds the names in a text, `labels.py` says which of them a label means,
   `resolving.py` brings each statement together with its quantity, `collecting.py` each
   figure with its place in it.
4. `statement.py` gathers what the document states: seed, parameters, input, noise, shape.
5. `recomputing.py` makes the numbers again, in several arithmetics, and `repairing.py` asks
   whether one damaged input explains more than many wrong figures.
6. `chaining.py` goes on from the figures as printed, `judging.py` gives each its verdict,
   `substitution.py` each line of arithmetic.

`proof.py` is that way on one page, `verdicts.py` what it hands over.
"""
