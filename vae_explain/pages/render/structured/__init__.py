"""What programs read: JSON, and the reports that continuous integration shows.

`json.py` is the contract of a run, `reports.py` of what was found out about one, and
`watch_lines.py` of a training as it goes on; `junit.py` and `sarif.py` are of a proof-reading or
an audit.
"""
