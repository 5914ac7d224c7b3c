"""Which model, loss and input are run?

The built-in VAE, or a user's own model with the loss that belongs to it, made ready to be
recorded, trained or nudged. Read `prepared_model.py` first.
"""
