"""What did PyTorch do?

Runs a model once, catches every call, asks autograd for the gradients, and returns a
`Trace` of NumPy arrays: PyTorch ends here. Read `recorder.py` first, then
`trace_builder.py` and `capture.py`.
"""
