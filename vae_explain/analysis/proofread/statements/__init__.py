"""What a document states: its equations, its quantities and its formulas.

`reader.py` gives a passage's tokens, `chains.py` the equations `a = b ≈ c` in it, and `sides.py`
their sides, each as far as it is a formula. `scope.py` keeps what was stated so far, `usual.py`
what the field's own quantities are made of, `adam.py` Adam's moments, `gradients.py` what a
document's own formulas send back, and `distributions.py` what `N(…)` says of μ and σ.
`matrix_products.py` parts names in one piece; `sigmoids.py` and `errors_called_e.py` say what σ
and e are here. `lists.py`, `repeated.py` and `used_matrices.py` hold numbers that are stated
against those that stand elsewhere without a name, `totals.py` and `chain_rule.py` the terms of a
loss and the factors of a derivative against what is stated of them, and `alone.py` formulas beside
no sign of equality against what they are everywhere.
"""
