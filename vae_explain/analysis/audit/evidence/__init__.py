"""What the rules of the audit rest on: a run taken apart, measured and run again.

1. `lineage.py`: what was each value made from?
2. `posterior.py`: where are latents sampled, with which location and scale? `linearity.py`
   says what an operation multiplies its operands by, and `discrete.py` finds discrete latents.
3. `summands.py`: what does the loss add up? `loss_parts.py`: what is each of it for? That is
   asked by way of the sites, which must be known first. `anatomy.py` is all of this.
4. `experiments.py` runs a site again with other numbers, `closed_form.py` says which formula
   such numbers are those of, `element_form.py` and `flow_form.py` where the prior is learned or
   a flow follows, and `kl.py` keeps what was found of each site.
5. `comparisons.py` finds where the loss compares with the input, `scales.py` what each term
   weighs, by its `reductions.py`, `element_weights.py` and `draw_weights.py`. `reach.py` says
   what a value can be, and `mending.py` tries mends before they are suggested.
"""
