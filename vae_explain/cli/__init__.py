"""What was typed, and what exit code comes of it?

One file a command: each parses, calls and prints. Nothing in this folder imports PyTorch or
NumPy at module level, so that help, version and every bad request answer at once. Read
`app.py` first, then `forward.py`.
"""
