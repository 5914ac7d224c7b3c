"""VAEs of different make that are right, and nothing may be said against."""
