"""The pytest fixture `assert_sound_vae`, which pytest finds when vae-explain is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def assert_sound_vae() -> Callable[..., Any]:
    """Give a test `vae_explain.testing.assert_sound`."""
    from .testing import assert_sound

    return assert_sound
