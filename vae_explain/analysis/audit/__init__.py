"""What is wrong with a VAE's loss, found by rules that show numbers as evidence.

`report.py` lets each rule below look at one `Anatomy`, a run taken apart once for all:

1. `lineage.py`: what was each value made from?
2. `posterior.py`: where are latents sampled, with which location and scale? `linearity.py`
   says what an operation multiplies its operands by.
3. `summands.py`: what does the loss add up? `loss_parts.py`: what is each of it for? That is
   asked by way of the sites, which must be known first.
4. `experiments.py` runs a site again with other numbers, `closed_form.py` says which formula
   such numbers are those of, and `kl.py` keeps what was found of each site.
5. `comparisons.py` finds where the loss compares with the input, `scales.py` what each term
   weighs.

No step goes by a variable's name, and none changes the run. What cannot be decided is
`NotApplied`, with the reason, and never a finding.

To add a rule, write its file and add its id, which names the file, to `ids.py`.
"""
