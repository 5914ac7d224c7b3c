"""What is to blame where two sides of an equation do not agree.

`blame.py` decides it for an equation, with `wrong_arithmetic.py` where it is a number or a sign
in arithmetic and `wrong_formulas.py` where it is a formula's text; `stated_formulas.py` decides
it for a value that formulas contradict, and `backward.py` for a derivative. What explains a
mistake is asked of `operands.py` and `other_operands.py` for a number that was put in, of
`edits.py` for a sign, factor or term that arithmetic has lost, of `put_in.py` for what stands for
quantities that are stated nowhere, of `logarithms.py` for a base, of `terms.py` for a sum term by
term, of `claims.py` for what a table bears out, of `dropped.py` for a row that is lost, of
`restated.py` and `sums_in_words.py` for what is stated twice, and of `doubts.py` for a value that
is stated wrong.
"""
