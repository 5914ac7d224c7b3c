"""What else can be asked of a run?

One room for each further question: checks against independent gradients, training, many
draws of the noise, an audit of the loss (`audit/`), the figures of a published document
(`proofread/`). Read `gradient_check.py` first.
"""
