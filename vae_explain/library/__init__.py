"""The way in from Python: what is explained or watched, and what can be asked of it."""
