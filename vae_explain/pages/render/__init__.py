"""How a page is written: one file a format, each an exhaustive match over the blocks."""
