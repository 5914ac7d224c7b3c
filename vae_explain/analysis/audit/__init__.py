"""What is wrong with a VAE's loss, found by rules that show numbers as evidence.

`report.py` lets each of the `rules/` look at one `Anatomy`, a run taken apart once for all, and
`evidence/` is what such a look finds. `completeness.py` says whether an audit has seen what a VAE
has, and `baseline.py` keeps the findings of an earlier one.

No step goes by a variable's name, and none changes the run. What cannot be decided is
`NotApplied`, with the reason, and never a finding.
"""
