"""The rules of the audit: one family of findings each, in a file that its id names.

To add a rule, write its file, which fills in a `rule.py`, and add its id to `ids.py`.
"""
