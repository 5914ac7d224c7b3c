"""Loss functions, each element by element with a reduction around it."""
