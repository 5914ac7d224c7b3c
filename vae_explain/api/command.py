"""The command line that makes the same run as a call of `explain`, where there is one."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

import numpy as np

from ..models.builtin_config import BUILT_IN
from ..models.request import Request, UserModel


def as_command(request: Request) -> tuple[str, dict[str, list[str]]]:
    """Return the words of a command without x, ε and what is set, and these.

    The command is empty where none makes the run, as that of a model which is an object.

    Examples
    --------
    >>> as_command(Request([[1.0, 2.0]], eps=(0.5, -1.0)))
    ('vae-explain document', {'x': ['--x 1,2'], 'eps': ['--eps 0.5,-1'], 'set': []})
    """
    source, x = request.source, np.asarray(request.x)
    options: dict[str, Any] = {"seed": request.seed if request.seed != 42 else None}
    if isinstance(source, UserModel):
        references = source.model, source.loss, source.objective
        if not all(each is None or isinstance(each, str) for each in references):
            return "", {}
        options |= {each.name: getattr(source, each.name) for each in fields(source)}
        if source.loss_arguments or source.model_arguments or request.seed is None or x.ndim != 2:
            return "", {}
    else:
        options |= {
            each.name: getattr(source, each.name)
            for each in fields(source)
            if each.name != "beta" and getattr(source, each.name) != getattr(BUILT_IN, each.name)
        }
    words = ["vae-explain", "document"]
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, "-".join(map(str, value)) if name == "dims" else str(value)]
    rows = x.reshape(-1, x.shape[-1]).tolist() if x.ndim else []
    given = {
        "x": [["--x", _numbers(row)] for row in rows],
        "eps": [["--eps", _numbers(request.eps)]] if request.eps else [],
        "set": [["--set", f"{each.target}={each.value!r}"] for each in request.changes],
    }
    if source == BUILT_IN and x.tolist() == [list(row) for row in BUILT_IN.default_x]:
        given["x"] = []
    return shlex.join(words), {name: list(map(shlex.join, each)) for name, each in given.items()}


def _numbers(numbers: Any) -> str:
    return ",".join(str(number).removesuffix(".0") for number in numbers)
