"""Equations wherever they stand, each side held against the next.

In order: `tokens.py` cuts text, code and LaTeX; `parser.py` reads formulas, with the `brackets.py`
in them, the `cursor.py` that goes over them and what `quantities.py` are called, a tree of
`syntax.py`; `clauses.py` cuts a passage that `reader.py` gives it where its statements end,
`chains.py` finds their equations, by the `habits.py` of their authors, and `columns.py` and
`named_columns.py` those of a table's columns, `sums_in_words.py` what a list calls its sum, and
`repeated.py` the lists that running text has again. `sigmoids.py` says what a σ before a bracket
is, and `distributions.py` what `N(…)` says of μ and σ. `evaluation.py` computes in the arithmetic
of `intervals.py`; `judging.py` says whether two `sides.py` agree, by what is `known.py` of their
numbers and where they are `alike.py`.

`run.py` goes through a document with the `scope.py` of what it has stated so far, and holds values
against its `stated_formulas.py`; `blame.py` decides what is wrong where two sides do not agree,
`wrong_formulas.py` where it is a formula's text, `wrong_arithmetic.py` where it is arithmetic. What
explains a mistake is asked of `terms.py` for a sum term by term, of `variants.py` for one sign,
factor or power, of `put_in.py` for what stands for quantities that are stated nowhere, of
`usual.py` for what the field's own quantities are everywhere, of `operands.py` for a number that
was put in, among the `other_operands.py` whose `results.py` are those printed, with the
`damages.py` that numbers suffer and the numbers `seen.py` elsewhere, of `claims.py` for what a
table bears out, of `dropped.py` for a row that is lost, of `restated.py` for what is stated twice,
of `backward.py` and `gradients.py` for derivatives, and, for a value that is stated wrong, of
`doubts.py` and `hypotheses.py`.
`lists.py` holds the lists that are stated, and the rows and columns of matrices, against arithmetic
that names none of them, `used_matrices.py` all of a matrix, and `alone.py` formulas beside no sign
of equality against what they are everywhere. `document.py` is the whole of it.
"""
