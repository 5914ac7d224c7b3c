"""Which loss is meant, and what each of its arguments is.

`loss_binding.py` finds the loss: in the model, in a training step, or given apart;
`loss_methods.py` and `model_losses.py` know its forms, and `batches.py` what a training step is
given.
`argument_matching.py` fits what the model returned (`model_outputs.py`) to what the loss takes
(`loss_parameters.py`), by the `part_names.py` of the field, by what the source says
(`code_reading.py`, `parameter_uses.py`, `assignments.py`) and by what PyTorch's graph says against
it (`binding_evidence.py`, `autograd_graph.py`), once it was called by that of the loss
(`loss_evidence.py`); `partial_call.py` is a call in the making, `called_loss.py` one that is made,
and `argument_sources.py` says where its arguments came from. `loss_total.py` finds the one number
in what a loss returned.
Nothing is guessed: `argument_refusals.py` says what is unclear, and `suggested_objective.py` what
to write instead.
"""
