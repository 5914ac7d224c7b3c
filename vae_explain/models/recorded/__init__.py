"""A run in a file, asked again without PyTorch.

`recorded_run.py` writes and opens the file, `recorded_trace.py` the trace in it, and
`checked_json.py` holds each field to its type. `run_cache.py` keeps the runs of the built-in VAE.
"""
