"""Is each figure right, and each line of printed arithmetic?

In order: `starting_point.py` holds the inputs against the seed; `recomputed.py` makes the
numbers again, in several arithmetics; `damaged_inputs.py` asks whether one damaged input
explains more than many wrong figures; `figure_verdicts.py` and `line_verdicts.py` judge.
`agreement.py` says when a printed number and a computed one agree, `rounding.py` how far
another processor may be off, and `verdicts.py` is what is handed over.
"""
