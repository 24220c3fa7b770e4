"""Why items of a run failed, told once for all that failed for the same reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.parts.errors import message_markdown

_SHOWN = 3
_LAST_PART = re.compile(r"(?:\.[^.\[\]]+|\[\d+\])\Z")


@dataclass(frozen=True)
class Reason:
    """An error in words, and how many steps ended with it."""

    message: str
    remedy: str
    count: int


def run_failures(run: Mapping[str, Any]) -> None:
    """Show the most frequent reasons; each item's own pane has the rest."""
    for reason in reasons(run)[:_SHOWN]:
        times = f"**{reason.count} times:** " if reason.count > 1 else ""
        st.error(times + message_markdown(reason.message, reason.remedy), icon=":material/error:")


def reasons(run: Mapping[str, Any]) -> list[Reason]:
    """Return why steps failed, the most frequent reason first; what failed only with a part of it is left out."""
    failed = {step["path"]: step["error"] for step in run["steps"] if step["status"] == "failed" and step["error"]}
    around = {outer for path in failed for outer in _around(path)}
    told = Counter((one["message"], one.get("remedy") or "") for path, one in failed.items() if path not in around)
    return [Reason(message, remedy, count) for (message, remedy), count in told.most_common()]


def _around(path: str) -> Iterator[str]:
    """Return the paths of what a step stands in, e.g. `each[3]` and `each` of `each[3].task`."""
    while (shorter := _LAST_PART.sub("", path)) != path:
        path = shorter
        yield path
