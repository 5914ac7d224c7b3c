"""A loss curve as a picture, by matplotlib: the optional extra `plot`."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..optimization import Training

COLORS = {"loss": "#c47f17", "reconstruction": "#6f83c4", "KL": "#c4625f"}


def curve(training: Training, name: str) -> bytes:
    """Return the picture in the format that a file's name ends with, svg or png.

    The same training gives the same bytes: no date, and no random names in the SVG.
    """
    import matplotlib
    from matplotlib.figure import Figure

    steps = [entry.step for entry in training.losses]
    series = {
        "loss": [entry.loss for entry in training.losses],
        "reconstruction": [entry.recon for entry in training.losses],
        "KL": [entry.kl for entry in training.losses],
    }
    kind = PurePath(name).suffix[1:].lower()
    with matplotlib.rc_context({"svg.hashsalt": "vae-explain", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.add_subplot()
        marker = "o" if len(steps) == 1 else ""
        for label, values in series.items():
            axes.plot(steps, values, label=label, color=COLORS[label], marker=marker)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        request = training.request
        axes.set_title(f"{request.architecture.label}, {request.optimizer}, lr {request.lr!r}")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
