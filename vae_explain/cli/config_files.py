"""Arguments of a model from a file: YAML, TOML or JSON, as training scripts keep them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..models.request import Settings
from .errors import Problem
from .files import require_ending, require_file

OPTION = "--config"
ENDINGS = ".yaml", ".yml", ".toml", ".json"
LARGEST = 2**20  # bytes; a configuration of a thousand settings has a thirtieth of that


def read(path: Path) -> Settings:
    """Return the settings of a file, those within others by key and by name."""
    require_ending(OPTION, path, ENDINGS)
    require_file(OPTION, path)
    file = path.expanduser()
    if file.stat().st_size > LARGEST:
        raise Problem(OPTION, path, "it is too large for a configuration")
    parse, kind = _parser(path)
    try:
        parsed = parse(file.read_text("utf-8"))
    except RecursionError:
        raise Problem(OPTION, path, f"this {kind} is nested too deeply") from None
    except Exception as error:  # each parser has kinds of its own for what it cannot read
        words = " ".join(str(error).split())
        raise Problem(OPTION, path, f"it cannot be read as {kind}: {words}") from None
    if not isinstance(parsed, Mapping) or not all(isinstance(name, str) for name in parsed):
        mend = "it has no named settings; write one per line, such as latent: 2"
        raise Problem(OPTION, path, mend)
    settings = _settings(parsed)
    assert isinstance(settings, Settings), "made of a mapping"
    return settings


def _parser(path: Path) -> tuple[Callable[[str], Any], str]:
    match path.suffix.lower():
        case ".json":
            return json.loads, "JSON"
        case ".toml":
            if sys.version_info < (3, 11):
                raise Problem(OPTION, path, "TOML is read from Python 3.11 on; write it as JSON")
            import tomllib

            return tomllib.loads, "TOML"
        case _:
            if find_spec("yaml") is None:
                mend = "YAML needs PyYAML; install it with: pip install 'vae-explain[yaml]'"
                raise Problem(OPTION, path, mend)
            import yaml

            return yaml.safe_load, "YAML"


def _settings(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Settings({name: _settings(each) for name, each in value.items()})
    return [_settings(each) for each in value] if isinstance(value, list) else value
