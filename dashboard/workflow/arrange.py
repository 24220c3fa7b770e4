"""Move boxes of a workflow's map by their coordinates; the positions are kept beside the workflow."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.graph import GraphNode
from dashboard.parts.buttons import action_button
from engine.workflows.workflow_files import WorkflowFile


def arrange(visit: Visit, file: WorkflowFile, nodes: Sequence[GraphNode]) -> None:
    """Show the position of a box, let those with the right change it, and offer the automatic position.

    The drawing itself does not report that a box was dragged.
    """
    if not visit.may("edit"):
        return
    by_path = {node.id: node for node in nodes}
    with st.expander("Arrange", icon=":material/open_with:", key=f"arrange-{file.name}"):
        st.caption("The middle of a box, in pixels from the middle of the map: x to the right, y downwards.")
        path = st.selectbox(
            "Step",
            list(by_path),
            format_func=lambda one: plain(by_path[one].label.split("\n")[0]) + f" · {plain(one)}",
            key=f"arrange-step-{file.name}",
        )
        if path is not None:
            _one(visit, file, by_path[path])


def _one(visit: Visit, file: WorkflowFile, node: GraphNode) -> None:
    workflows = visit.orchestra.workflows
    moved = workflows.positions(visit.who, file.name)
    place = f"{file.name}-{node.id}-{node.x:g}-{node.y:g}"  # reset the fields after a move
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        x = st.number_input("x", value=node.x, step=10.0, format="%.0f", key=f"arrange-x-{place}", width=140)
        y = st.number_input("y", value=node.y, step=10.0, format="%.0f", key=f"arrange-y-{place}", width=140)
        action_button(
            "Move it",
            f"arrange-move-{file.name}",
            lambda _key: workflows.move_steps(visit.who, file.name, {node.id: [x, y]}),
            lambda _kept: _moved("The box is moved."),
            scope=f"{node.id} {x} {y}",
            type="primary",
            disabled=(x, y) == (node.x, node.y),
        )
        action_button(
            "Place all automatically",
            f"arrange-reset-{file.name}",
            lambda _key: workflows.move_steps(visit.who, file.name, dict.fromkeys(moved)),
            lambda _kept: _moved("All boxes are back in their automatic places."),
            scope=str(sorted(moved.items())),
            type="tertiary",
            disabled=not moved,
        )


def _moved(said: str) -> None:
    session.tell(said)
    st.rerun()
