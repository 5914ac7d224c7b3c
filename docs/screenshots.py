"""Make the pictures of the README from real runs: `python docs/screenshots.py`.

Same code as the terminal, written as SVG by Rich with a template that asks no font host.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vae_explain.blocks import Heading, Walkthrough
from vae_explain.pipeline import Request, run
from vae_explain.render.terminal import lay_out, svg
from vae_explain.walkthrough.backward import backward
from vae_explain.walkthrough.forward import forward

HERE = Path(__file__).parent
WIDTH = 112
X = ((1.0, 2.0, 3.0, 4.0),)


def sections(page: Walkthrough, titles: Sequence[str]) -> Walkthrough:
    """Keep the sections with these titles."""
    kept = []
    keep = False
    for block in page.blocks:
        if isinstance(block, Heading):
            keep = block.title in titles
        if keep:
            kept.append(block)
    return Walkthrough(page.command, page.title, page.remarks, tuple(kept))


def main() -> None:
    """Write the pictures beside this file."""
    page, _ = forward(run(Request(x=X, arithmetic="printed")))
    shown = sections(page, ("Encode to the hidden layer", "Sample z: the reparameterization trick"))
    (HERE / "forward.svg").write_text(svg(lay_out(shown, WIDTH), WIDTH, "vae-explain forward"))
    page, _ = backward(run(Request(x=X, arithmetic="full")))
    shown = sections(page, ("∂loss/∂logvar", "∂loss/∂encoder_pre"))
    (HERE / "backward.svg").write_text(svg(lay_out(shown, WIDTH), WIDTH, "vae-explain backward"))


if __name__ == "__main__":
    main()
