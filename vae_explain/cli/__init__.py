"""The command line: one file a command, each parse, call and print.

Nothing in this folder imports PyTorch or NumPy at module level, so that help, version and
every bad request answer at once.
"""
