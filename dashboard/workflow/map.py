"""The map of a workflow: a drawing, and beside it the same as a list that can be read aloud."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise

import streamlit as st

from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.drawing.graph import GraphEdge, GraphNode, graph
from dashboard.drawing.plan_layout import edges, places
from dashboard.drawing.steps import (
    Entry,
    arrows,
    boxes,
    drawing_height,
    failure_steps_of,
    steps_of,
)
from dashboard.parts.accounts import service_title
from dashboard.workflow.arrange import arrange
from dashboard.workflow.reach import reach_section
from engine.base.errors import OrchestraError
from engine.base.services import is_model
from engine.compiler.definition.plan import Node, Plan
from engine.plugins.step import Effect
from engine.plugins.step_info import StepTypeInfo
from engine.workflows.workflow_files import WorkflowFile


@dataclass(frozen=True)
class Kind:
    """The effect of a step as a word, an icon and a colour on which white letters are readable."""

    word: str
    icon: str
    color: str


_READS = Kind("reads", ":material/visibility:", "#0f766e")
_WRITES = Kind("writes", ":material/edit_note:", "#4f46e5")
_MODEL = Kind("asks the model", ":material/auto_awesome:", "#7e22ce")
_INSIDE = Kind("works internally", ":material/settings:", "#475569")
_GROUP = Kind("group", ":material/folder:", "#475569")
_LOOP = Kind("for each", ":material/repeat:", "#475569")
_CALL = "workflow.run"
_NEVER = Kind("never runs", ":material/block:", "#475569")
_OF_EFFECT = {Effect.READS: _READS, Effect.WRITES: _WRITES, Effect.PURE: _INSIDE}
_UNKNOWN = Kind("unknown step type", ":material/help:", "#b91c1c")


def map_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the map of the current file; if it compiles, of what will run."""
    entries = [*steps_of(file.document), *failure_steps_of(file.document)]
    if not entries:
        where = ": the tab Edit shows what is wrong with the file." if file.problems else " yet."
        st.info(f"There are no steps to draw{where}", icon=":material/account_tree:")
        return
    infos = {info.name: info for info in visit.orchestra.step_types(visit.who)}
    plan = _plan(visit, file)
    nodes = {} if plan is None else {node.path: node for node in plan.nodes()}
    kinds = {entry.path: _kind(entry, infos, nodes.get(entry.path)) for entry in entries}
    drawing, reading = st.columns([3, 2], gap="large")
    with drawing:
        drawn = _nodes(visit, file, entries, kinds, plan)
        shown = [*_arrows(file, plan), *_breaches(file, entries)]
        clicked = graph(drawn, shown, key=f"map-{file.name}", height=drawing_height(drawn))
        st.caption(" ".join(["Click a box to see what is in it.", *_legend(file, plan)]))
        arrange(visit, file, drawn)
    with reading:
        _list(entries, kinds, clicked)
    reach_section(file)


def _legend(file: WorkflowFile, plan: Plan | None) -> Iterator[str]:
    if file.breaches:
        yield "Red arrows: text from outside goes where it must not; the tab Edit tells more."
    nodes = [] if plan is None else list(plan.nodes())
    if any(node.needs is not None for node in nodes):
        yield "Side by side: may run at the same time."
    if any(node.is_folded for node in nodes):
        yield "Pale: never runs."


def _plan(visit: Visit, file: WorkflowFile) -> Plan | None:
    with suppress(OrchestraError):
        return visit.orchestra.workflows.plan(visit.who, file.name)
    return None


def _nodes(
    visit: Visit, file: WorkflowFile, entries: Sequence[Entry], kinds: Mapping[str, Kind], plan: Plan | None
) -> list[GraphNode]:
    moved = visit.orchestra.workflows.positions(visit.who, file.name)
    nodes = boxes(
        entries,
        {path: kind.color for path, kind in kinds.items()},
        {path: kind.word for path, kind in kinds.items()},
        moved,
        {} if plan is None else places(plan),
    )
    return [replace(node, is_pale=kinds[node.id] is _NEVER) for node in nodes]


def _arrows(file: WorkflowFile, plan: Plan | None) -> list[GraphEdge]:
    """Return the arrows; if everything runs in file order, steps with an `if` are drawn as branches."""
    if plan is not None and any(node.needs is not None for node in plan.nodes()):
        return edges(plan)
    return [*arrows(steps_of(file.document)), *arrows(failure_steps_of(file.document))]


def _breaches(file: WorkflowFile, entries: Sequence[Entry]) -> list[GraphEdge]:
    """Return a red arrow for each part of a path on which text from outside goes where it must not."""
    boxes_of = {entry.step.id: entry.path for entry in entries}
    ways = [[boxes_of[name] for name in way if name in boxes_of] for way in file.breaches]
    pairs = dict.fromkeys(pair for way in ways for pair in pairwise(way))
    return [GraphEdge(source, target, is_breach=True) for source, target in pairs]


def _kind(entry: Entry, infos: Mapping[str, StepTypeInfo], node: Node | None) -> Kind:
    """Return the effect of a step: as compiled, or else as its type says."""
    if node is not None and node.is_folded:
        return _NEVER
    if entry.step.is_loop or not entry.step.uses:
        around = _LOOP if entry.step.is_loop else _GROUP
        inside = None if node is None else _OF_EFFECT[node.effect]
        return around if inside is None else replace(around, word=f"{around.word}: {inside.word}", color=inside.color)
    info = infos.get(entry.step.uses)
    if info is None:
        return _UNKNOWN
    if is_model(info.service):
        return _MODEL
    return _OF_EFFECT[Effect(info.effect) if node is None else node.effect]


def _list(entries: Sequence[Entry], kinds: Mapping[str, Kind], clicked: str | None) -> None:
    st.markdown("**The steps, in order**")
    st.markdown("\n".join(_line(entry, kinds[entry.path]) for entry in entries if not entry.is_after_failure))
    if any(entry.is_after_failure for entry in entries):
        st.markdown("**If the run fails**")
        st.markdown("\n".join(_line(entry, kinds[entry.path]) for entry in entries if entry.is_after_failure))
    chosen = next((entry for entry in entries if entry.path == clicked), None)
    if chosen is None:
        return
    st.markdown(f"**{plain(chosen.step.title)}**")
    inside = {key: value for key, value in chosen.step.json.items() if key != "steps"}
    st.code(json.dumps(inside, ensure_ascii=False, indent=2), language="json", wrap_lines=True)


def _line(entry: Entry, kind: Kind) -> str:
    """Return one line of a Markdown list: nesting by depth, then the step type, effect, condition and needs."""
    parts = [f"{kind.icon} **{plain(entry.step.title)}**", f":small[:gray[{plain(_about(entry, kind))}]]"]
    return "  " * entry.depth + "- " + " ".join(parts)


def _about(entry: Entry, kind: Kind) -> str:
    step = entry.step
    service = service_title(step.uses.split(".")[0]) if "." in step.uses and step.uses != _CALL else ""
    about = [f"{kind.word} {service}".strip() if kind in (_READS, _WRITES) else kind.word]
    about += [step.uses] if step.uses else []
    about += [f"if {step.condition}"] if step.condition else []
    needs = step.needs
    if needs is not None:
        about.append(f"after {', '.join(needs)}" if needs else "at once")
    return "· " + " · ".join(about)
