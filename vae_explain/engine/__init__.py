"""How is each number made, by hand?

From a trace and the rules of its operations: the forward and the backward pass in NumPy,
the formula of each named value, and every worked line, checked against PyTorch's number.
Nothing here needs PyTorch. Read `run.py` first, then `worked_lines.py`.
"""
