"""Whether the steps that no operation is about have the same characters in both texts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from engine.base.step_tree import StepDefinition, StepNode
from engine.copilot.proposals.records import Untouched
from engine.documents.json_splice import span
from engine.workflows.editing.steps_in_text import StepsInText, read


def untouched(before: str, after: str, touched: AbstractSet[str]) -> Untouched:
    """Return how many steps of the text `before` are untouched, and whether each has the same characters in `after`.

    A step with a touched one around it or inside it is touched, too: it is indented, or written, with it. In `before`,
    renamed steps have their new ids.
    """
    old, new = read(before, "the draft"), read(after, "the proposal")
    around = {up.step.id for text in (old, new) for node in text.nodes if node.step.id in touched for up in node.up()}
    kept = {node.step.id: node for node in old.nodes if not _meets(node, touched) and node.step.id not in around}
    now: Mapping[str, StepNode[StepDefinition]] = {node.step.id: node for node in new.nodes}
    equal = all(id_ in now and _raw(old, node) == _raw(new, now[id_]) for id_, node in kept.items())
    return Untouched(len(kept), are_byte_equal=equal)


def _meets(node: StepNode[StepDefinition], touched: AbstractSet[str]) -> bool:
    return any(up.step.id in touched for up in node.up())


def _raw(text: StepsInText, node: StepNode[StepDefinition]) -> str:
    start, end = span(text.file, node.place)
    return text.file.text[start:end]
