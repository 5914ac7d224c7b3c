"""Files by chance: those that commands read, damaged, and models of one's own, put together.

Nothing of a damaged file may come out as an error of ours, and none may take long to refuse. A
model that is put together is right, so no line of its pages may be marked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .pages import command_line

PAGES = ("md", "html", "ipynb", "tex", "txt")
READERS: dict[str, tuple[tuple[str, ...], ...]] = {
    **{f"page.{suffix}": (("verify", "{}"),) for suffix in PAGES},
    "run.safetensors": (
        ("forward", "--run", "{}"),
        ("backward", "--run", "{}", "--param", "fc_mu.bias"),
        ("why", "z", "--run", "{}"),
    ),
    "weights.safetensors": (("forward", "--weights", "{}"), ("audit", "--weights", "{}")),
    "weights.pt": (("params", "--weights", "{}"), ("check", "--weights", "{}")),
    "x.csv": (("forward", "--x-file", "{}"), ("why", "loss", "--x-file", "{}")),
    "x.npy": (("backward", "--x-file", "{}"),),
    "baseline.json": (("audit", "--baseline", "{}"),),
}
# What a model of one's own is put together from: each choice is right beside all others.
HEADS = ("{h}", "torch.relu({h})", "nn.functional.silu({h})", "torch.tanh({h})", "{h}.sigmoid()")
SCALES = (
    "torch.exp(0.5 * logvar)",
    "logvar.mul(0.5).exp()",
    "torch.sqrt(logvar.exp())",
    "nn.functional.softplus(logvar) + 1e-3",
)
DRAWS = (
    "mu + std * torch.randn_like(std)",
    "torch.randn_like(std).mul(std).add_(mu)",
    "mu.addcmul(std, torch.randn(std.shape))",
    "torch.distributions.Normal(mu, std).rsample()",
)
ERRORS = (
    "nn.functional.mse_loss(recon, x, reduction='sum')",
    "((recon - x) ** 2).sum(1).mean()",
    "nn.functional.l1_loss(recon, x)",
    "0.5 * (x - recon).pow(2).sum()",
    "nn.functional.smooth_l1_loss(recon, x, reduction='sum')",
    "-torch.distributions.Normal(recon, 1.0).log_prob(x).sum()",
)
DIVERGENCES = (
    "-0.5 * torch.sum(1 + torch.log(std ** 2) - mu ** 2 - std ** 2)",
    "(0.5 * (mu ** 2 + std ** 2 - 1) - std.log()).sum(1).mean()",
    "0.1 * torch.distributions.kl_divergence(torch.distributions.Normal(mu, std), "
    "torch.distributions.Normal(torch.zeros(2), torch.ones(2))).sum()",
)
MODEL = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear({width}, {hidden})
        self.heads = nn.Linear({hidden}, 4)
        self.last = nn.Sequential(
            nn.Linear(2, {hidden}), nn.{activation}(), nn.Linear({hidden}, {width})
        )

    def forward(self, x):
        h = {head}
        mu, logvar = self.heads(h).chunk(2, dim=-1)
        std = {scale}
        z = {draw}
        recon = self.last(z)
        error = {error}
        divergence = {divergence}
        return error + divergence
"""


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    lambda chance, piece: chance.randbytes(chance.randint(1, 9)),
    lambda chance, piece: b"",
    lambda chance, piece: piece * chance.choice((2, 2, 50)),
    lambda chance, piece: piece[::-1],
    lambda chance, piece: bytes(
        chance.choice(b"0123456789") if 48 <= byte < 58 else byte for byte in piece
    ),
    lambda chance, piece: chance.choice(
        (b"{", b"[" * 300, b"\\frac{", b"<", b"nan", b"-", b"1e999", b"\0")
    ),
)


def number_text(chance: random.Random, largest: float) -> str:
    """Return a number as one might type it: whole, decimal, with an exponent, 0 or tiny."""
    size = chance.uniform(-1, 1) * 10 ** chance.uniform(-2, 0) * largest
    kinds = (f"{size:.0f}", f"{size:.4f}", f"{size:.3g}", repr(size), "0", "-0.0", "1e-40", "1")
    return chance.choices(kinds, (4, 4, 4, 4, 1, 1, 1, 1))[0]


def numbers_text(chance: random.Random, count: int, largest: float) -> str:
    return ",".join(number_text(chance, largest) for _ in range(count))


def pristine(folder: Path) -> None:
    """Write one whole file of each kind into a folder."""
    for suffix in PAGES:
        how = (
            ("forward",)
            if suffix == "txt"
            else ("document", "--dims", "2-3-1-3-2", "--x", "1,-0.5")
        )
        command_line(*how, "-o", str(folder / f"page.{suffix}"))
    for suffix in ("safetensors", "pt"):
        command_line("params", "--save", str(folder / f"weights.{suffix}"))
    command_line("record", "-o", str(folder / "run.safetensors"))
    command_line("audit", "--json", "-o", str(folder / "baseline.json"))
    (folder / "x.csv").write_text("1,2,3,4\n0.5,-1,2e3,0\n", encoding="utf-8")
    np.save(folder / "x.npy", np.arange(8.0).reshape(2, 4))


def damaged(chance: random.Random, whole: bytes) -> bytes:
    """Return a file's bytes with one to four damages: bits, digits, pieces lost, twice, moved."""
    data = whole
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(max(len(data), 1))
        end = at + int(2 ** chance.uniform(0, 10))
        piece = chance.choice(DAMAGES)(chance, data[at:end])
        data = data[:at] + piece + data[end:]
    return data[: chance.randrange(len(data))] if data and chance.random() < 0.1 else data


def damaged_request(chance: random.Random, folder: Path) -> list[str]:
    """Damage one of the folder's whole files in a copy, and return a command that reads it."""
    name = chance.choice(sorted(READERS))
    copy = folder / f"damaged.{name.rpartition('.')[2]}"
    copy.write_bytes(damaged(chance, (folder / name).read_bytes()))
    return [word.format(copy) for word in chance.choice(READERS[name])]


def written_model(chance: random.Random, folder: Path) -> tuple[str, int]:
    """Put a model together in a file; return what --model takes, and the width of its rows."""
    width, hidden = chance.choice((1, 3, 4)), chance.choice((1, 5, 8))
    text = MODEL.format(
        width=width,
        hidden=hidden,
        activation=chance.choice(("ReLU", "Tanh", "GELU", "Softplus", "ELU")),
        head=chance.choice(HEADS).format(h="self.first(x)"),
        scale=chance.choice(SCALES),
        draw=chance.choice(DRAWS),
        error=chance.choice(ERRORS),
        divergence=chance.choice(DIVERGENCES),
    )
    path = folder / f"model_{chance.randrange(10**9)}.py"
    path.write_text(text, encoding="utf-8")
    return f"{path}:Model", width


def model_request(chance: random.Random, folder: Path) -> list[str]:
    """Put a model together, and return a command that shows it."""
    model, width = written_model(chance, folder)
    command = chance.choice(("forward", "backward", "check", "document", "update", "why"))
    words = [command, *(["loss"] if command == "why" else []), "--model", model]
    for _ in range(chance.choice((1, 1, 2, 5))):
        # Larger ones leave float32 behind the two exponentials.
        words += ["--x", numbers_text(chance, width, 20)]
    return [*words, "--seed", str(chance.randrange(1000))]
