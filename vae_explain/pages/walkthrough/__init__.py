"""What is said, in which order: one file a page, each from a run to blocks."""
