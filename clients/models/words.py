"""Requests JSON of a given schema in words, from a model server that does not support schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def asked_in_words(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages with the schema in the instructions, for servers that support `json_object` at most."""
    wish = (
        "Answer with one JSON value and nothing else: no explanation, no code fence. "
        f"It must fit this JSON Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
    first, *rest = [dict(message) for message in messages] or [{"role": "system", "content": ""}]
    if first.get("role") == "system":
        return [{**first, "content": f"{first['content']}\n\n{wish}".strip()}, *rest]
    return [{"role": "system", "content": wish}, first, *rest]
