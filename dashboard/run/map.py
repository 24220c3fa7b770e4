"""The map of a run: the workflow's steps coloured by status, and the same as a list."""

from __future__ import annotations

import streamlit as st

from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.graph import graph
from dashboard.drawing.steps import (
    arrows,
    boxes,
    drawing_height,
    failure_steps_of,
    steps_of,
)
from dashboard.parts.run_state import GLYPHS, stand_of
from dashboard.parts.status import look_of
from engine.base.step_tree import FAILURE_PREFIX
from engine.record.types.run import Run

_NO_GLYPHS = {ord(glyph): None for glyph in GLYPHS.values()}
"""The list beside the drawing has real icons."""


def run_map(visit: Visit, run: Run) -> None:
    """Show the drawing and the list side by side."""
    document = run["definition"]["workflow"]
    has_failed = any(step["path"].startswith(FAILURE_PREFIX) for step in run["steps"])
    steps, after = steps_of(document), failure_steps_of(document) if has_failed else []
    entries = [*steps, *after]
    stands = {entry.path: stand_of(entry, run) for entry in entries}
    colors = {path: look_of(status).hex_color for path, (status, _) in stands.items()}
    words = {path: said for path, (_, said) in stands.items()}
    drawing, text = st.columns([3, 2], gap="medium")
    with drawing:
        nodes = boxes(entries, colors, words)
        edges = [*arrows(steps), *arrows(after)]
        graph(nodes, edges, height=drawing_height(nodes))
    with text:
        for entry in entries:
            status, said = stands[entry.path]
            look = look_of(status)
            indent = "&emsp;" * entry.depth
            title, words_beside = plain(entry.step.title), plain(said.translate(_NO_GLYPHS))
            st.markdown(f"{indent}:{look.color}[{look.icon}] {title} :gray[{words_beside}]")
