"""A Jupyter notebook whose cells compute each step in PyTorch.

`notebook.py` writes it; `torch_code.py` makes code of a formula, `torch_calls.py` of an op that
has none but its name, and `torch_numbers.py` of a tensor.
"""
