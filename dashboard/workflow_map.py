"""The map of a workflow: a drawing, and beside it the same as a list that can be read aloud."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.accounts import service_title
from dashboard.parts.graph import graph
from dashboard.parts.plain import plain
from dashboard.parts.steps import StepEntry, arrows, boxes, drawing_height, steps_of
from engine.step_info import StepTypeInfo
from engine.workspace.workflow_files import WorkflowFile


@dataclass(frozen=True)
class Kind:
    """What a step does to the world, in a word, an icon and a colour that white letters can be read on."""

    word: str
    icon: str
    color: str


_READS = Kind("reads", ":material/visibility:", "#0f766e")
_WRITES = Kind("writes", ":material/edit_note:", "#4f46e5")
_MODEL = Kind("asks the model", ":material/auto_awesome:", "#7e22ce")
_INSIDE = Kind("works inside", ":material/settings:", "#475569")
_GROUP = Kind("group", ":material/folder:", "#475569")
_LOOP = Kind("for each", ":material/repeat:", "#475569")
_UNKNOWN = Kind("unknown step type", ":material/help:", "#b91c1c")


def map_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the map of what the file says now."""
    entries = steps_of(file.document)
    if not entries:
        st.info("There are no steps to draw.", icon=":material/account_tree:")
        return
    infos = {info.name: info for info in visit.orchestra.step_types(visit.who)}
    kinds = {entry.path: _kind(entry, infos) for entry in entries}
    drawing, reading = st.columns([3, 2], gap="large")
    with drawing:
        clicked = _draw(visit, file, entries, kinds)
    with reading:
        _list(entries, kinds, clicked)


def _draw(visit: Visit, file: WorkflowFile, entries: Sequence[StepEntry], kinds: Mapping[str, Kind]) -> str | None:
    positions = visit.orchestra.workflows.positions(visit.who, file.name)
    nodes = boxes(
        entries,
        {path: kind.color for path, kind in kinds.items()},
        {path: kind.word for path, kind in kinds.items()},
        positions,
    )
    return graph(nodes, arrows(file.document), key=f"map-{file.name}", height=drawing_height(nodes))


def _kind(entry: StepEntry, infos: Mapping[str, StepTypeInfo]) -> Kind:
    if entry.is_loop:
        return _LOOP
    if not entry.uses:
        return _GROUP
    info = infos.get(entry.uses)
    if info is None:
        return _UNKNOWN
    if info.service == "openai":
        return _MODEL
    return {"reads": _READS, "writes": _WRITES}.get(info.effect, _INSIDE)


def _list(entries: Sequence[StepEntry], kinds: Mapping[str, Kind], clicked: str | None) -> None:
    st.markdown("**The steps, in order**")
    st.markdown("\n".join(_line(entry, kinds[entry.path]) for entry in entries))
    chosen = next((entry for entry in entries if entry.path == clicked), None)
    if chosen is None:
        st.caption("Click a box to see what is in it.")
        return
    st.markdown(f"**{plain(chosen.title)}**")
    inside = {key: value for key, value in chosen.step.items() if key != "steps"}
    st.code(json.dumps(inside, ensure_ascii=False, indent=2), language="json", wrap_lines=True)


def _line(entry: StepEntry, kind: Kind) -> str:
    """Return one line of a Markdown list: nesting by depth, then what it uses, its effect, condition and needs."""
    parts = [f"{kind.icon} **{plain(entry.title)}**", f":small[:gray[{plain(_about(entry, kind))}]]"]
    return "  " * entry.depth + "- " + " ".join(parts)


def _about(entry: StepEntry, kind: Kind) -> str:
    service = service_title(entry.uses.split(".")[0]) if "." in entry.uses else ""
    about = [f"{kind.word} {service}".strip() if kind in (_READS, _WRITES) else kind.word]
    about += [entry.uses] if entry.uses else []
    about += [f"if {entry.condition}"] if entry.condition else []
    needs = entry.step.get("needs")
    if isinstance(needs, list):
        about.append(f"after {', '.join(map(str, needs))}" if needs else "at once")
    return "· " + " · ".join(about)
