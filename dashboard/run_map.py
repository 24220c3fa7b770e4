"""The map of a run: the workflow's steps in the colours of how they stand, and the same as a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.graph import graph
from dashboard.parts.plain import plain
from dashboard.parts.status import look_of
from dashboard.parts.steps import (
    FAILURE_PREFIX,
    arrows,
    boxes,
    drawing_height,
    failure_arrows,
    failure_steps_of,
    steps_of,
)
from dashboard.run_stand import GLYPHS, stand_of

_NO_GLYPHS = {ord(glyph): None for glyph in GLYPHS.values()}
"""The list beside the drawing has real icons."""


def run_map(visit: Visit, run: Mapping[str, Any]) -> None:
    """Show drawing and list side by side."""
    document = run["definition"]["workflow"]
    has_failed = any(step["path"].startswith(FAILURE_PREFIX) for step in run["steps"])
    entries = [*steps_of(document), *(failure_steps_of(document) if has_failed else [])]
    stands = {entry.path: stand_of(entry, run) for entry in entries}
    colors = {path: look_of(status).hex_color for path, (status, _) in stands.items()}
    words = {path: said for path, (_, said) in stands.items()}
    drawing, text = st.columns([3, 2], gap="medium")
    with drawing:
        positions = visit.orchestra.workflows.positions(visit.who, str(run["workflow"]))
        nodes = boxes(entries, colors, words, positions)
        edges = [*arrows(document), *(failure_arrows(document) if has_failed else [])]
        graph(nodes, edges, key=f"map-{run['run_id']}", height=drawing_height(nodes))
    with text:
        for entry in entries:
            status, said = stands[entry.path]
            look = look_of(status)
            indent = "&emsp;" * entry.depth
            st.markdown(
                f"{indent}:{look.color}[{look.icon}] {plain(entry.title)} :gray[{plain(said.translate(_NO_GLYPHS))}]"
            )
