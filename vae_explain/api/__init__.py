"""How is all of it asked from Python? What is explained, loaded or watched."""
