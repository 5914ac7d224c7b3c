"""Whole documents of runs, composed as the command composes them."""

from __future__ import annotations

from vae_explain import checking, pipeline, training
from vae_explain.blocks import Walkthrough
from vae_explain.walkthrough.document import document

from .models import MODELS


def composed(request: pipeline.Request) -> Walkthrough:
    """Compose the document of a run of the built-in VAE."""
    recorded = pipeline.recorded(request)
    check = checking.check_in_reach(recorded.run, request.architecture)
    moved = training.gradient_step(recorded, 0.01)
    return document(recorded.run, check, moved, request.architecture)[0]


def of_a_model(name: str) -> Walkthrough:
    """Compose the document of one of `MODELS`."""
    own = MODELS[name]
    run = pipeline.run_held(pipeline.held(own.build(), own.x(), seed=1, **own.keywords()))
    return document(run, checking.check_in_reach(run, None))[0]
