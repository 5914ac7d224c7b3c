"""What was typed, and what exit code comes of it?

Each of the `commands/` parses, calls and prints; the rest of the folder reads what was typed and
writes what comes of it. Nothing in it imports PyTorch or NumPy at module level, so that help,
version and every bad request answer at once. Read `app.py` first, then `commands/forward.py`.
"""
