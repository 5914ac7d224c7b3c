"""What is one number's formula, and how is it written?

The arithmetic of a number is a tree, and its value, text and LaTeX all come from that tree.
Read `expression.py` first.
"""
