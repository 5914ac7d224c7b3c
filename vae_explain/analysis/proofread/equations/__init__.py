"""Equations wherever they stand, each side held against the next."""
