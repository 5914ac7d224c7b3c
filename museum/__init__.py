"""Faults of VAEs as people report them, each beside its right twin, and VAEs that are right."""
