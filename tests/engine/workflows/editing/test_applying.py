"""Operations on texts: what they mean, that nothing else of the text changes, and that each can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.base.step_tree import step_nodes
from engine.documents.json_file import JsonFile, parse
from engine.documents.json_splice import inverse, span, spliced
from engine.workflows.editing.applying import Applied, applied
from engine.workflows.editing.operations import operations
from engine.workspace.canonical import canonical
from tests.engine.workflows.editing.model import EXTRA, SEEDS, Random, apply, styles

STYLES = list(styles(EXTRA))


def no_rename(_file: JsonFile, _old: str, _new: str) -> Any:
    raise AssertionError


def done(text: str, *ops: Mapping[str, Any]) -> Applied:
    return applied(text, "workflows/work.json", operations([*ops]), no_rename)


def step_texts(text: str) -> dict[str, str]:
    """The text of each step, without its indent."""
    file = parse(text, "work")
    found = {}
    for node in step_nodes(file.value):
        start, end = span(file, node.place)
        found[node.step.id] = "\n".join(line.lstrip(" \t") for line in text[start:end].split("\n"))
    return found


@given(st.sampled_from(SEEDS), st.sampled_from(STYLES), st.integers(0, 10**9))
def test_an_operation_on_a_text_is_the_operation_on_its_document(seed: Any, style: str, number: int) -> None:
    document, text, ahead = seed, styles(seed)[style], Random(number)
    for _ in range(4):
        op = ahead.operation(document)
        after = apply(document, op)
        made = done(text, op)
        assert sorted_json(json.loads(made.text)) == sorted_json(after), op
        assert spliced(text, made.splices) == made.text
        assert spliced(made.text, inverse(made.splices)) == text
        before, now = step_texts(text), step_texts(made.text)
        same = [one.step.json for one in step_nodes(document)]
        for node in step_nodes(after):
            if node.step.json in same and node.step.id in before:
                assert now[node.step.id] == before[node.step.id], (op, node.step.id)
        style = style if is_ordered(op) else "of its own"
        if style == "canonical":
            assert made.text == canonical(after, "workflow")
        document, text = after, made.text


def sorted_json(value: Any) -> str:
    """The text of a value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True)


def is_ordered(op: Mapping[str, Any]) -> bool:
    """Whether an operation leaves a canonical text canonical: unknown keys come last there, but not inside lists."""
    return op["op"] != "set" or not any(isinstance(part, int) for part in op["field"])
