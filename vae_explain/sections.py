"""Which part of a VAE a value belongs to: encoder, latent, decoder or loss.

Told from the graph, not from names: the latent part is the noise, what it is combined
with element by element, and what has its shape without a layer of its own in between.
"""

from __future__ import annotations

from typing import Literal

from .run import Run

Section = Literal["encoder", "latent", "decoder", "loss", "model"]


def section_of(run: Run, number: int) -> Section:
    """Return the part of the model that a value belongs to; `model` when nothing is drawn."""
    values, graph = run.trace.values, run.graph
    ends = {run.trace.output, *(term.value for term in run.trace.terms)}
    if any(end in graph.ancestors(number) for end in ends):
        return "loss"
    draws = [value for value in values if value.kind == "noise"]
    if not draws:
        return "model"
    behind = graph.ancestors(number)
    drawn = next((draw for draw in draws if draw.id in behind), None)
    draw = drawn or draws[0]
    elementwise = values[number].shape == draw.shape and not _uses_parameters(run, number)
    if drawn is None:
        return "latent" if elementwise else "encoder"
    return "latent" if elementwise else "decoder"


def _uses_parameters(run: Run, number: int) -> bool:
    """Whether the step that made a value, back to the named ones, has a parameter in it."""
    values, producer = run.trace.values, run.trace.producer
    stack = [number]
    while stack:
        position = producer.get(stack.pop())
        if position is None:
            continue
        for source in run.trace.operations[position].inputs:
            if values[source].kind == "parameter":
                return True
            if values[source].name is None:
                stack.append(source)
    return False
