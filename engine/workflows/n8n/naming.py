"""Names that expressions can contain, made of the names that people gave in n8n."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from engine.compiler.definition.identifiers import step_id_fault

_LONGEST = 40


def named(title: str, taken: Container[str], longest: int = _LONGEST) -> str:
    """Return a free name for a title, such as `create_issue` for "Create issue"; a number follows if it is taken."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_").lstrip("0123456789_")[: longest - 3].rstrip("_") or "step"
    if step_id_fault(name):
        name = f"{name}_step"
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
