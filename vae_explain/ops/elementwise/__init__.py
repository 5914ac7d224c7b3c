"""Ops that work on each element alone: arithmetic, powers, activations, choices."""
