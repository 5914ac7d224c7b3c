"""The JSON schema of an exercise key, made of the records that read and write it.

    python -m tests.key_schema

prints it, as `vae_explain/analysis/exercise/key.schema.json` has it.
"""

from __future__ import annotations

import json
from typing import Any

from vae_explain.analysis.exercise.key import VERSION, KeyFile

from .recording_schema import schema_of

TREE = {
    "description": "the arithmetic of one number: a constant, a name of the sheet, or an "
    "operation with its operands",
    "anyOf": [
        {"type": "number"},
        {"type": "string"},
        {
            "type": "array",
            "prefixItems": [{"type": "string"}],
            "items": {"$ref": "#/$defs/Tree"},
            "minItems": 2,
        },
    ],
}


def schema() -> dict[str, Any]:
    """Return the schema of a key."""
    definitions: dict[str, Any] = {}
    top = schema_of(KeyFile, definitions)
    definitions["BlankEntry"]["properties"]["tree"] = {"$ref": "#/$defs/Tree"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A key of exercise sheets of vae-explain, version {VERSION} of the format",
        **top,
        "$defs": definitions | {"Tree": TREE},
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
