"""Ops that bring many elements together: sums, means, norms, extremes, softmax."""
