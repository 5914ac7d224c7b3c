"""Three lines to try of each command, on the files that `vae-explain samples` writes."""

from __future__ import annotations

from collections.abc import Mapping

OWN = "--model small_vae.py:SmallVAE --loss small_vae.py:loss --x 0.2,0.9,0.5"

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "forward": (
        "forward",
        "forward z recon_x --latex",
        "forward --x 4,3,2,1 --seed 7 --eps 0.5,-1",
    ),
    "backward": (
        "backward fc1.weight",
        "backward mu --term kl",
        "backward --recon bce --x 0,1,0.5,0.2 --json",
    ),
    "params": ("params", "params fc1", "params --seed 7 --save w.safetensors"),
    "why": ("why z 0", "why fc1.weight.grad 0 1", "why loss --full --beta 4"),
    "ask": ("ask", "ask --run run.safetensors", f"ask {OWN}"),
    "record": (
        "record -o run.safetensors",
        "record --seed 7 --latent 3 -o three.safetensors",
        f"record {OWN} -o mine.safetensors",
    ),
    "cache": ("cache", "cache --path", "cache --clear"),
    "check": ("check", "check --activation tanh --hidden 16", f"check {OWN}"),
    "audit": ("audit", f"audit {OWN}", "audit --list"),
    "verify": ("verify", "verify post.md", "verify post.md --sarif found.sarif"),
    "update": ("update", "update fc_mu.bias", "update --lr 0.1 --x 4,3,2,1"),
    "train": (
        "train --steps 200 --lr 0.01",
        "train --optimizer adam --explain-step 3 fc_mu.bias",
        "train --steps 20 --save w.safetensors",
    ),
    "sample": ("sample", "sample --draws 1000 --latent 3", f"sample {OWN}"),
    "compare": ("compare --seed2 7", "compare --beta2 4", "compare --activation2 tanh --json"),
    "play": ("play", "play --x 4,3,2,1 --beta 4", "play --no-open -o page.html"),
    "exercise": (
        "exercise -o sheet.md --key key.json",
        "exercise --variants 3 --topic chain,update -o sheets.tex --key keys.json",
        "exercise --difficulty easy --nice -o easy.ipynb --key easy.json",
    ),
    "mark": (
        "mark sheet.md --key key.json",
        "mark sheet.md --key key.json --csv class.csv",
        "mark sheet.md --key key.json --json",
    ),
    "samples": ("samples", "samples lesson", "samples --list"),
    "document": (
        "document -o walkthrough.html",
        "document -o lesson.md --lr 0.1",
        f"document {OWN} -o mine.ipynb",
    ),
    "diagram": (
        "diagram -o model.svg",
        "diagram --hidden 3 --latent 1 -o small.svg",
        f"diagram {OWN} -o mine.svg",
    ),
}
