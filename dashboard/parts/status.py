"""The words, icons and colours of runs and steps: the same on every page, and never a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

Color = Literal["gray", "blue", "green", "red", "orange"]


@dataclass(frozen=True)
class Look:
    """How a status is shown; `hex_color` is for drawings, which do not know the theme."""

    word: str
    icon: str
    color: Color
    hex_color: str


_GRAY, _BLUE, _GREEN, _RED, _AMBER = "#6b7280", "#2563eb", "#15803d", "#dc2626", "#b45309"

LOOKS: Mapping[str, Look] = {
    "pending": Look("Pending", ":material/schedule:", "gray", _GRAY),
    "queued": Look("Queued", ":material/schedule:", "gray", _GRAY),
    "running": Look("Running", ":material/progress_activity:", "blue", _BLUE),
    "waiting": Look("Waiting", ":material/hourglass_empty:", "orange", _AMBER),
    "succeeded": Look("Succeeded", ":material/check_circle:", "green", _GREEN),
    "partly": Look("Succeeded, parts failed", ":material/warning:", "orange", _AMBER),
    "failed": Look("Failed", ":material/error:", "red", _RED),
    "cancelled": Look("Cancelled", ":material/cancel:", "gray", _GRAY),
    "interrupted": Look("Interrupted", ":material/pause_circle:", "orange", _AMBER),
    "skipped": Look("Skipped", ":material/skip_next:", "gray", _GRAY),
}
OPEN = frozenset({"queued", "running"})
"""Statuses of a run that will change by itself soon."""


def look_of(status: str, counts: Mapping[str, Any] | None = None) -> Look:
    """Return how a run or step is shown; with its `counts`, a run that succeeded with failed parts is amber."""
    failed = counts is not None and (counts.get("failed_steps") or counts.get("failed_items"))
    if status == "succeeded" and failed:
        return LOOKS["partly"]
    return LOOKS.get(status, LOOKS["pending"])


def status_badge(status: str, counts: Mapping[str, Any] | None = None) -> None:
    """Show a status as icon, word and colour."""
    look = look_of(status, counts)
    st.badge(look.word, icon=look.icon, color=look.color)


def status_markdown(status: str, counts: Mapping[str, Any] | None = None) -> str:
    """Return the same for use inside a line of Markdown."""
    look = look_of(status, counts)
    return f":{look.color}[{look.icon} {look.word}]"
