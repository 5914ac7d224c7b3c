"""Matrix products and what solves with matrices. Read `linear.py` first."""
