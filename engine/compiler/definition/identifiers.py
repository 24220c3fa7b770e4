"""Names in a workflow: which of them expressions can contain, and which are free."""

from __future__ import annotations

import re

CEL_WORDS = frozenset(
    "in as if for loop package namespace return var void while const continue break else function import let "
    "true false null bool int uint double string bytes list map type null_type dyn".split()
)
"""Reserved words of the expression language."""
_STEP_WORDS = frozenset({"key", "status", "error", "index", "item", "steps", "inputs", "run", "on_failure"})
RESERVED_IDS = CEL_WORDS | _STEP_WORDS
"""Names that no step can have."""
_LOOP_WORDS = frozenset({"steps", "inputs", "run", "index", "key", "error"})
_SPEAKABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LONGEST = 64
_FREE = "Take another name, such as {}."


def is_speakable(name: str) -> bool:
    """Return whether expressions can contain this name behind a dot, allowed or not."""
    return bool(_SPEAKABLE.match(name)) and name not in ("in", "true", "false", "null")


def is_variable(name: str) -> bool:
    """Return whether expressions can begin with this name, allowed or not."""
    return bool(_SPEAKABLE.match(name)) and name not in CEL_WORDS


def name_fault(name: str, reserved: frozenset[str] = frozenset()) -> tuple[str, str] | None:
    """Return (what is wrong, remedy) for a name that expressions use, or None if it is valid."""
    if name in reserved:
        return "must be a name that means nothing else in expressions", _FREE.format(f"my_{name}")
    plain = name.replace("_", "a")
    if not (plain.isascii() and plain.isalnum() and name[:1].isalpha()) or plain != plain.lower():
        example = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        example = example.lstrip("0123456789_")
        return (
            "must be lower-case letters, digits and '_', a letter first",
            f"Write it like {repr(example[:LONGEST]) if _is_free(example) else repr('read_mail')}.",
        )
    if name in CEL_WORDS:
        return "must be a name that the expression language leaves free", _FREE.format(f"my_{name}")
    return None


def _is_free(name: str) -> bool:
    return bool(name) and name not in _STEP_WORDS and name_fault(name) is None


def step_id_fault(name: str) -> tuple[str, str] | None:
    """Return (what is wrong, remedy) for the id of a step, or None if it is valid."""
    return name_fault(name, _STEP_WORDS)


def loop_name_fault(name: str) -> tuple[str, str] | None:
    """Return (what is wrong, remedy) for the `as` of a loop, or None if it is valid."""
    return name_fault(name, _LOOP_WORDS)
