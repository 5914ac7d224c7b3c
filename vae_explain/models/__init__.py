"""Which model, loss and input are run?

The built-in VAE, or a user's own model with the loss that belongs to it, made ready to be
recorded, trained or nudged. Read `prepared_model.py` first. Three rooms of their own:

- `loading/`: the files that are named: a user's code, weights and inputs.
- `binding/`: which loss is it, and which of its arguments is what the model returned?
- `recorded/`: a run in a file, asked again without PyTorch.
"""
