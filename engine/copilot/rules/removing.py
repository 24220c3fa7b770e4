"""What goes with steps that are removed: the outputs of the workflow that name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.workflows.editing.graph import CanvasStep


def removal(steps: Sequence[CanvasStep], document: JsonObject) -> list[dict[str, Any]]:
    """Return the operations that remove steps, and the outputs that name one of them."""
    ops: list[dict[str, Any]] = [{"op": "remove", "steps": [one.id for one in steps]}]
    outputs = document.get("outputs")
    around = {node.step.id: node.parent.step.id for node in step_nodes(document) if node.parent is not None}
    for name, value in outputs.items() if isinstance(outputs, Mapping) else ():
        written = json.dumps(value, ensure_ascii=False)
        if any(_names(written, one.id, around.get(one.id, "")) for one in steps):
            ops.append({"op": "unset", "field": ["outputs", name]})
    return ops


def _names(written: str, id_: str, around: str) -> bool:
    """Return whether a text uses the output of a step, itself or as a member of that of the step around it."""
    if re.search(rf"\bsteps\.{re.escape(id_)}\b", written):
        return True
    is_inside = bool(around) and re.search(rf"\bsteps\.{re.escape(around)}\b", written) is not None
    return is_inside and re.search(rf"\.{re.escape(id_)}\b", written) is not None
