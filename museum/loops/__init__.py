"""Faults of a training loop, which watching it names: each file has one step of it."""
