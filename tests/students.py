"""Simulated students: the built-in VAE worked out by hand in plain Python, with one mistake.

They share no code with the package: every formula is written out here, right and wrong, so that
what marking finds from expression trees is held against what a person would compute.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

Numbers = Mapping[str, float]
WEIGHTS = {
    "encoder_pre": ("fc1", "x"),
    "mu": ("fc_mu", "encoder_hidden"),
    "logvar": ("fc_logvar", "encoder_hidden"),
    "decoder_pre": ("fc_dec1", "z"),
    "recon_x": ("fc_dec2", "decoder_hidden"),
}
# Through which layer each value gets its gradient, from what.
BEHIND = {
    "decoder_hidden": [("fc_dec2", "recon_x")],
    "z": [("fc_dec1", "decoder_pre")],
    "encoder_hidden": [("fc_mu", "mu"), ("fc_logvar", "logvar")],
}
NAME = re.compile(r"(?:∂(\w+)/∂)?([\w.]+?)(_new)?(?:\[([\d,]+)\])?")


class CannotMake(Exception):
    """A mistake that this number gives no room for."""


class Student:
    """Works out numbers from those on a sheet and their own earlier answers."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        self.inputs, self.hidden, self.latent = widths[0], widths[1], widths[2]
        self.sizes = {
            "x": self.inputs,
            "recon_x": self.inputs,
            "encoder_hidden": self.hidden,
            "encoder_pre": self.hidden,
            "decoder_hidden": self.hidden,
            "decoder_pre": self.hidden,
            "mu": self.latent,
            "logvar": self.latent,
            "z": self.latent,
        }

    def answer(self, name: str, numbers: Numbers, mistake: str = "") -> float:
        """Return what a student finds who makes one mistake, or none."""
        match = NAME.fullmatch(name)
        assert match, name
        of, value, new, index = match[1], match[2], match[3], match[4]
        at = tuple(map(int, index.split(","))) if index else ()
        where = f"[{index}]" if index else ""
        if new:
            rate = 1.0 if mistake == "rate" else numbers["lr"]
            return self._plus(
                numbers[value + where], -rate * numbers[f"∂loss/∂{value}{where}"], mistake, "rate"
            )
        if of == "kl":
            return self._of_kl(value, at, numbers, mistake)
        if of:
            return self._gradient(value, at, numbers, mistake)
        return self._value(value, at, numbers, mistake)

    def _plus(self, one: float, other: float, mistake: str, *own: str) -> float:
        if mistake == "sign":
            return one - other
        if mistake and mistake not in own:
            raise CannotMake
        return one + other

    def _value(self, value: str, at: tuple[int, ...], n: Numbers, mistake: str) -> float:
        where = f"[{at[0]}]" if at else ""
        if value in WEIGHTS:
            layer, source = WEIGHTS[value]
            unit = (at[0] + 1) % self.sizes[value] if mistake == "unit" else at[0]
            products = [
                self._weight(layer, unit, j, n, mistake) * n[f"{source}[{j}]"]
                for j in range(mistake == "summand", self.sizes[source])
            ]
            if mistake not in ("", "bias", "transposed", "unit", "summand"):
                raise CannotMake
            return sum(products) + (0.0 if mistake == "bias" else n[f"{layer}.bias[{unit}]"])
        simple: dict[str, Callable[[], dict[str, float]]] = {
            "encoder_hidden": lambda: self._relu(n["encoder_pre" + where]),
            "decoder_hidden": lambda: self._relu(n["decoder_pre" + where]),
            "variance": lambda: {
                "": math.exp(n["logvar" + where]),
                "log": n["logvar" + where],
            },
            "std": lambda: {
                "": math.exp(0.5 * n["logvar" + where]),
                "half": math.exp(n["logvar" + where]),
                "log": n["logvar" + where],
            },
            "z": lambda: {
                "": n["mu" + where] + n["std" + where] * n["eps" + where],
                "variance": n["mu" + where] + n["std" + where] ** 2 * n["eps" + where],
                "noise": n["mu" + where],
                "sign": n["mu" + where] - n["std" + where] * n["eps" + where],
            },
            "mse": lambda: self._mse(n),
            "kl": lambda: self._kl(n),
            "loss": lambda: {"": n["mse"] + n["kl"], "kl": n["mse"], "sign": n["mse"] - n["kl"]},
        }
        return self._pick(simple[value](), mistake)

    @staticmethod
    def _pick(ways: dict[str, float], mistake: str) -> float:
        if mistake not in ways:
            raise CannotMake
        return ways[mistake]

    @staticmethod
    def _relu(before: float) -> dict[str, float]:
        return {"": max(0.0, before), "gate": before}

    def _mse(self, n: Numbers) -> dict[str, float]:
        off = [n[f"recon_x[{i}]"] - n[f"x[{i}]"] for i in range(self.inputs)]
        whole = sum(each**2 for each in off)
        return {"": whole, "mean": whole / self.inputs, "square": sum(off)}

    def _kl(self, n: Numbers) -> dict[str, float]:
        pairs = [(n[f"mu[{i}]"], n[f"logvar[{i}]"]) for i in range(self.latent)]
        inside = sum(1 + lv - mu**2 - math.exp(lv) for mu, lv in pairs)
        unlogged = sum(1 + lv - mu**2 - lv for mu, lv in pairs)
        return {
            "": -0.5 * inside,
            "half": -inside,
            "sign": 0.5 * inside,
            "log": -0.5 * unlogged,
            "mean": -0.5 * inside / self.latent,
            "square": -0.5 * sum(1 + lv - mu - math.exp(lv) for mu, lv in pairs),
        }

    def _of_kl(self, value: str, at: tuple[int, ...], n: Numbers, mistake: str) -> float:
        assert value == "logvar", value
        variance = math.exp(n[f"logvar[{at[0]}]"])
        return self._pick(
            {
                "": 0.5 * (variance - 1),
                "half": variance - 1,
                "log": 0.5 * (n[f"logvar[{at[0]}]"] - 1),
                "sign": -0.5 * (variance - 1),
            },
            mistake,
        )

    def _weight(self, layer: str, i: int, j: int, n: Numbers, mistake: str) -> float:
        name = f"{layer}.weight[{j},{i}]" if mistake == "transposed" else f"{layer}.weight[{i},{j}]"
        if name not in n:
            raise CannotMake
        return n[name]

    def _gradient(self, value: str, at: tuple[int, ...], n: Numbers, mistake: str) -> float:
        where = f"[{at[0]}]" if at else ""

        def g(name: str) -> float:
            return n[f"∂loss/∂{name}"]

        if value in BEHIND:
            ways = BEHIND[value]
            if mistake == "path":
                if len(ways) < 2:
                    raise CannotMake
                ways = ways[:1]
            elif mistake not in ("", "transposed", "unit", "summand"):
                raise CannotMake
            unit = (at[0] + 1) % self.sizes[value] if mistake == "unit" else at[0]
            products = [
                g(f"{source}[{i}]") * self._weight(layer, i, unit, n, mistake)
                for layer, source in ways
                for i in range(self.sizes[source])
            ]
            return sum(products[mistake == "summand" :])
        if value.endswith("_pre"):
            hidden = value.replace("_pre", "_hidden")
            passed = g(hidden + where)
            return self._pick({"": passed * (n[value + where] > 0), "gate": passed}, mistake)
        if value == "recon_x":
            off = n["recon_x" + where] - n["x" + where]
            return self._pick(
                {"": 2 * off, "factor": off, "sign": -2 * off, "mean": 2 * off / self.inputs},
                mistake,
            )
        if value == "std":
            return self._pick(
                {"": g("z" + where) * n["eps" + where], "noise": g("z" + where)}, mistake
            )
        if value == "mu":
            return self._pick({"": g("z" + where) + n["mu" + where], "kl": g("z" + where)}, mistake)
        if value == "logvar":
            std, lv = n["std" + where], n["logvar" + where]
            by_std = 0.5 * g("std" + where) * std
            by_kl = 0.5 * (math.exp(lv) - 1)
            return self._pick(
                {
                    "": by_std + by_kl,
                    "half": 2 * by_std + by_kl,
                    "kl": by_std,
                    "variance": by_std * std + by_kl,
                    "sign": by_std - by_kl,
                    "log": by_std + 0.5 * (lv - 1),
                },
                mistake,
            )
        layer, part = value.rsplit(".", 1)
        assert part == "weight", value
        after, before = next(
            (out, source) for out, (name, source) in WEIGHTS.items() if name == layer
        )
        upstream = g(f"{after}[{at[0]}]")
        return self._pick(
            {
                "": upstream * n[f"{before}[{at[1]}]"],
                "local": upstream,
                "sign": -upstream * n[f"{before}[{at[1]}]"],
            },
            mistake,
        )


MISTAKES = (
    "gate",
    "kl",
    "variance",
    "noise",
    "log",
    "half",
    "rate",
    "sign",
    "transposed",
    "path",
    "mean",
    "bias",
    "square",
    "factor",
    "local",
    "unit",
    "summand",
)
