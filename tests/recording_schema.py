"""The JSON schema of a recording's contents, made of the records that read and write them.

    python -m tests.recording_schema

prints it, as `vae_explain/models/recorded/recording.schema.json` has it.
"""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from vae_explain.models.recorded.checked_json import WORDS, defaults_of, types_of
from vae_explain.models.recorded.recorded_run import VERSION, Contents

PLAIN: dict[Any, dict[str, Any]] = {
    Any: {},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"anyOf": [{"type": "number"}, {"enum": list(WORDS)}]},
    str: {"type": "string"},
}


def schema() -> dict[str, Any]:
    """Return the schema of what stands under `contents` in a recording's metadata."""
    definitions: dict[str, Any] = {}
    top = schema_of(Contents, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Contents of a recording of vae-explain, version {VERSION} of the format",
        **top,
        "$defs": definitions,
    }


def schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind in PLAIN:
        return PLAIN[kind]
    parts = get_args(kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(parts[0], definitions), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (tuple, frozenset):
        return {"type": "array", "items": schema_of(parts[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(parts[1], definitions)}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # a record may stand in itself
        types = types_of(kind)
        definitions[kind.__name__] = {
            "type": "object",
            "properties": {key: schema_of(each, definitions) for key, each in types.items()},
            "required": [key for key in types if key not in defaults_of(kind)],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
