"""The document as a page whose numbers can be changed: its modules in JavaScript, and their data.

The modules mirror `symbolic/` and the renderer by name: `expression`, `simplify`, `functions`,
`boxes`, `text`, `numbers`, `guard_digits`, `inline`. Tests hold both to the same cases.
"""
