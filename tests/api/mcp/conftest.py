"""Workflows that are tools, and one that is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GREETING = {
    "schema_version": 1,
    "title": "Greet",
    "description": "Greets somebody.",
    "expose": True,
    "inputs": {
        "type": "object",
        "properties": {"who": {"type": "string"}, "times": {"type": "integer", "default": 1}},
    },
    "steps": [{"id": "set", "uses": "flow.set", "with": {"values": {"text": "Hello {{ inputs.who }}"}}}],
    "outputs": {"text": "{{ steps.set.output.text }}", "times": "{{ inputs.times }}"},
}
FAILING = {
    "schema_version": 1,
    "expose": True,
    "steps": [
        {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ 1 == 2 }}", "message": "One is not two."}}
    ],
}
ASKING = {
    "schema_version": 1,
    "expose": True,
    "steps": [{"id": "ask", "uses": "flow.approve", "with": {"message": "Send the invoice?"}}],
    "outputs": {"done": True},
}
SLOW = {
    "schema_version": 1,
    "expose": True,
    "steps": [{"id": "pause", "uses": "flow.wait", "with": {"seconds": 3600}}],
}
HIDDEN = {**GREETING, "expose": False}
BROKEN = {**GREETING, "steps": [{"id": "set", "uses": "flow.nothing"}]}


def write_tools(root: Path) -> None:
    """Write the workflows into a workspace."""
    named: Mapping[str, Mapping[str, Any]] = {
        "greet": GREETING,
        "failing": FAILING,
        "asking": ASKING,
        "slow": SLOW,
        "hidden": HIDDEN,
        "broken": BROKEN,
        "run_status": GREETING,
    }
    for name, document in named.items():
        (root / "workflows" / f"{name}.json").write_text(json.dumps({**document, "id": name.replace("_", "-")}))
