"""The tests. `support.py` holds what several of them share."""
