"""The HTML document: one file that needs no network, typeset, with every number a link.

`document.py` goes through the blocks; `mathml.py` typesets expressions; `links.py` knows
where each number is made and what it is made from, which `script.js` shows.
"""
