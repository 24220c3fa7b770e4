"""Who sees what: a drawing of the text that a workflow sends from one service to another, and the same as a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.graph import GraphEdge, GraphNode, graph
from dashboard.drawing.steps import drawing_height
from dashboard.parts.header import section
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Reach

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_SOURCE, _HERE, _AWAY = "#0f766e", "#475569", "#4f46e5"
_WIDE, _HIGH = 340, 110


def reach_section(visit: Visit, file: WorkflowFile) -> None:
    """Show which text from outside goes where; nothing if none leaves the service that it came from."""
    if not file.reach:
        return
    section(t("Who sees what"))
    away = _away(file)
    if away and _are_demo(visit, away):
        st.caption(
            t("In the demo nothing leaves this machine, not even mail. With your own accounts, text goes this way:")
        )
    drawn = _boxes(file.reach)
    pairs = dict.fromkeys((one.source, one.to) for one in file.reach)
    graph(
        drawn,
        [GraphEdge(f"from {source}", f"to {to}") for source, to in pairs],
        height=drawing_height(drawn),
    )
    st.markdown("\n".join(f"- {plain(_line(one))}" for one in file.reach))


def reach_badge(visit: Visit, file: WorkflowFile) -> None:
    """Say in a badge whether text from outside leaves this machine."""
    away = _away(file)
    hosts = ", ".join(sorted({one.host for one in away}))
    if not away:
        st.badge(t("text from outside stays on this machine"), icon=":material/lock:", color="green")
    elif _are_demo(visit, away):
        words = t("nothing goes out in the demo; with your accounts, text from outside goes to {away}", away=hosts)
        st.badge(words, icon=":material/visibility:", color="gray")
    else:
        st.badge(t("text from outside goes to {away}", away=hosts), icon=":material/visibility:", color="orange")


def _away(file: WorkflowFile) -> list[Reach]:
    return [one for one in file.reach if not one.is_local]


def _are_demo(visit: Visit, away: Iterable[Reach]) -> bool:
    """Return whether text goes only to stand-ins, which send no mail either."""
    modes = {one.name: one.mode for one in visit.orchestra.connections.list(visit.who)}
    return all(modes.get(one.sender or one.to) == AccountMode.DEMO for one in away)


def _boxes(reach: Sequence[Reach]) -> list[GraphNode]:
    sources = dict.fromkeys(one.source for one in reach)
    places = {one.to: one for one in reach}
    left = [
        GraphNode(f"from {name}", t("{name}\ntext from outside", name=name), _SOURCE, 0, _HIGH * place)
        for place, name in enumerate(sources)
    ]
    right = [
        GraphNode(f"to {name}", f"{name}\n{one.host}", _HERE if one.is_local else _AWAY, _WIDE, _HIGH * place)
        for place, (name, one) in enumerate(places.items())
    ]
    return [*left, *right]


def _line(one: Reach) -> str:
    where = t(" of the workflow {workflow}", workflow=one.workflow) if one.workflow else ""
    return t(
        "text of {source} goes to {to} ({host}) in the step {step}{where}",
        source=one.source,
        to=one.to,
        host=one.host,
        step=one.step,
        where=where,
    )
