"""A small diagram of a workflow, or of some steps and what they read: computed from the steps, never by a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from clients.wording import counted
from engine.base.json_text import JsonObject
from engine.base.step_tree import FAILURE, step_nodes
from engine.expressions.json_values import compact_json
from engine.plugins.kind import Kind
from engine.workflows.editing.canvas_steps import CanvasStep

MOST = 12
"""Boxes of a diagram."""
_FALLBACK = "!"
"""Behind the path of a step: the box around what runs if it fails."""
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_COMPARED = re.compile(r"(?P<what>[\w.]+) == (?P<value>'[^'\\]*'|\"[^\"\\]*\"|\d+)")
"""A condition that holds for one value."""
_INNER = ("steps", "on_error")


@dataclass(frozen=True)
class DiagramNode:
    """A box: a step, a group of steps, or what runs if something has failed."""

    id: str
    step: str
    """The id of its step; "" for what runs if something has failed."""
    title: str
    """The title of its step, or of the step that failed; "" for the run."""
    kind: Kind | Literal["group"]
    is_loop: bool = False
    is_conditional: bool = False
    is_about: bool = False
    """Whether the diagram is about this step."""
    inside: str = ""
    """The id of the box around it."""
    level: int = 0
    """Its row in the box around it: it comes after what it waits for."""
    hidden: int = 0
    """How many steps inside it are left out."""


@dataclass(frozen=True)
class DiagramEdge:
    """What comes before what, or which step reads which one; by the ids of boxes."""

    source: str
    target: str


@dataclass(frozen=True)
class Diagram:
    """Boxes, outer before inner, and the lines between them."""

    nodes: list[DiagramNode] = field(default_factory=list)
    edges: list[DiagramEdge] = field(default_factory=list)
    text: str = ""
    """The same in a line: `mails -> [each_mail: classify -> issue]`."""
    more: int = 0
    """How many steps at the end are left out."""


def diagram_of(kept: JsonObject) -> Diagram:
    """Return a stored diagram."""
    nodes, edges = [DiagramNode(**one) for one in kept["nodes"]], [DiagramEdge(**one) for one in kept["edges"]]
    return Diagram(nodes, edges, kept["text"], kept["more"])


def workflow_diagram(steps: Sequence[CanvasStep]) -> Diagram:
    """Return the diagram of a workflow; of one with many steps, only those that are in no other."""
    shown = list(steps) if len(steps) <= MOST else [one for one in steps if not one.parent]
    blocks: dict[str, list[CanvasStep]] = {}
    for one in shown[:MOST]:
        blocks.setdefault(_around(one), []).append(one)
    nodes: dict[str, DiagramNode] = {}
    edges: list[DiagramEdge] = []
    for inside, block in blocks.items():
        waits = _waits(block)
        levels = _levels([one.path for one in block], waits)
        if inside.endswith(_FALLBACK) or inside == FAILURE:
            nodes[inside] = _fallback(inside, nodes, levels)
            edges += [DiagramEdge(inside.removesuffix(_FALLBACK), inside)] * inside.endswith(_FALLBACK)
        inner = {one.path: sum(other.path.startswith(f"{one.path}.") for other in steps) for one in block}
        for one in block:
            hidden = 0 if len(shown) == len(steps) else inner[one.path]
            nodes[one.path] = replace(_node(one), inside=inside, level=levels[one.path], hidden=hidden)
        edges += [DiagramEdge(source, target) for target, above in waits.items() for source in _last(above, waits)]
    drawn = list(nodes.values())
    return Diagram(drawn, edges, _told(drawn, ""), max(0, len(shown) - MOST))


def steps_diagram(document: JsonObject, steps: Sequence[CanvasStep], about: Sequence[CanvasStep]) -> Diagram | None:
    """Return the diagram of steps with what they read from and what reads them; None if that is nothing."""
    wanted = {one.path for one in about}
    reads = {target: above for target, above in _reads(document, steps).items() if above}
    edges = [
        DiagramEdge(source, target) for target, above in reads.items() for source in above if wanted & {source, target}
    ]
    near = {path for one in edges for path in (one.source, one.target)}
    shown = [one for one in steps if one.path in near]
    kept = {one.path for one in sorted(shown, key=lambda one: one.path not in wanted)[:MOST]}
    edges = [one for one in edges if {one.source, one.target} <= kept]
    paths = [one.path for one in shown if one.path in kept]
    levels = _levels(paths, {path: [one.source for one in edges if one.target == path] for path in paths})
    nodes = [
        replace(_node(one), level=levels[one.path], is_about=one.path in wanted) for one in shown if one.path in kept
    ]
    return Diagram(nodes, edges, _told(nodes, ""), len(shown) - len(nodes)) if edges else None


def _node(step: CanvasStep) -> DiagramNode:
    is_loop, is_conditional = bool(step.foreach), bool(step.condition)
    return DiagramNode(step.path, step.id, step.title, step.kind, is_loop, is_conditional)


def _fallback(inside: str, nodes: Mapping[str, DiagramNode], levels: Mapping[str, int]) -> DiagramNode:
    """Return the box around what runs if a step, or the run, has failed."""
    failed = nodes.get(inside.removesuffix(_FALLBACK))
    if failed is None:
        last = max((one.level for one in nodes.values() if not one.inside), default=-1)
        return DiagramNode(inside, "", "", "group", level=last + 1)
    return DiagramNode(inside, "", failed.title, "group", inside=failed.inside, level=failed.level + 1)


def _around(step: CanvasStep) -> str:
    """Return the id of the box around a step."""
    return f"{step.parent}{_FALLBACK}" if step.place == "on_error" else step.parent


def _waits(block: Sequence[CanvasStep]) -> dict[str, list[str]]:
    """Return the paths of the siblings that each step of a block waits for, by its path.

    Of steps in a row whose conditions exclude each other at most one runs: none of them waits for another one.
    """
    found: dict[str, list[str]] = {}
    lanes: list[CanvasStep] = []
    for number, one in enumerate(block):
        is_lane = one.needs is None and bool(lanes) and _excludes(one, lanes)
        lanes = [*lanes, one] if is_lane else [one] if one.needs is None else []
        before = block[:number] if one.needs is None else [other for other in block if other.id in one.needs]
        found[one.path] = [other.path for other in before if other not in lanes and other is not one]
    return found


def _excludes(step: CanvasStep, others: Sequence[CanvasStep]) -> bool:
    """Return whether a step compares the same with another value than each of the others, and uses none of them."""
    compared = [_COMPARED.fullmatch(one.condition) for one in (step, *others)]
    pairs = {(one["what"], one["value"]) for one in compared if one is not None}
    is_apart = len(pairs) == len(compared) and len({what for what, _ in pairs}) == 1
    return is_apart and not {one.step for one in step.reads} & {one.id for one in others}


def _last(above: Sequence[str], waits: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the steps that none of the others waits for."""
    return [one for one in above if not any(one in waits[other] for other in above if other != one)]


def _levels(paths: Sequence[str], waits: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the row of each step; where steps wait for each other, as far as they can be put in rows."""
    levels = dict.fromkeys(paths, 0)
    for _ in paths:
        for path in paths:
            above = [levels[one] for one in waits[path] if one in levels and one != path]
            levels[path] = min(1 + max(above, default=-1), len(paths) - 1)
    return levels


def _reads(document: JsonObject, steps: Sequence[CanvasStep]) -> dict[str, list[str]]:
    """Return the paths of what each step reads from, by its path: other steps, and the loop whose item it uses."""
    path_of = {one.id: one.path for one in reversed(steps)}
    found = {one.path: [path_of[read.step] for read in one.reads if path_of[read.step] != one.path] for one in steps}
    for node in step_nodes(document):
        own = {key: value for key, value in node.step.json.items() if key not in _INNER}
        words = " ".join(_EXPRESSION.findall(compact_json(own)))
        for outer in list(node.up())[1:]:
            if outer.step.is_loop and re.search(rf"(?<![.\w]){re.escape(outer.step.item_name)}\b", words):
                found[node.path].append(outer.path)
    return {path: list(dict.fromkeys(above)) for path, above in found.items()}


def _told(nodes: Sequence[DiagramNode], inside: str) -> str:
    here = [one for one in nodes if one.inside == inside]
    rows: dict[int, list[str]] = {}
    for one in here:
        if one.step:
            rows.setdefault(one.level, []).append(_name(one, nodes))
    steps = " -> ".join(", ".join(rows[level]) for level in sorted(rows))
    return "; ".join([steps, *(_name(one, nodes) for one in here if not one.step)])


def _name(node: DiagramNode, nodes: Sequence[DiagramNode]) -> str:
    name, inner = node.step or f"If {node.title or 'the run'} fails", _told(nodes, node.id)
    if not inner and not node.hidden:
        return name
    return f"[{name}: {inner or counted(node.hidden, 'step')}]"
