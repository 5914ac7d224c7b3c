"""Faults of a model or its loss, which an audit of one batch names."""
