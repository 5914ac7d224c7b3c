"""The files that a user names: code, weights and inputs.

`user_files.py` imports each file once, `definitions.py` only what it defines, and `user_code.py`
builds the model that stands in it; `user_expressions.py` reads what is typed in the place of a
function. `weight_files.py` and `input_files.py` read numbers.
"""
