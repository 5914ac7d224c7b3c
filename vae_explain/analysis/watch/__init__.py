"""A training run watched: what one batch cannot show.

1. `watcher.py` sees each step of a loop, by the hooks of `models/training_loop.py`, and decides
   which ones are looked at closely.
2. `look.py` audits such a step, and measures its latents and its terms.
3. `findings.py` says what came of all of it, and since when.

`records.py` has what was seen, in plain numbers.
"""

from __future__ import annotations

from .findings import Told, findings, is_sound
from .records import Look, Watched
from .watcher import EVERY, Watcher

__all__ = ["EVERY", "Look", "Told", "Watched", "Watcher", "findings", "is_sound"]
