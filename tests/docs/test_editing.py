"""The operations of the page can be applied, and none is left out."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from engine.orchestra import Orchestra
from engine.workflows.editing.operations import AnyOperation
from tests.docs.pages import OWNER, blocks, text_of

PAGE = "docs/editing.md"
_ROW = re.compile(r"^\| `(\w+)` \| `(\{.*?\})` \| ", re.MULTILINE)


def test_every_operation_has_an_example_that_applies(orchestra: Orchestra) -> None:
    rows = [(name, json.loads(example)) for name, example in _ROW.findall(text_of(PAGE))]
    kinds = [get_args(kind.model_fields["op"].annotation)[0] for kind in get_args(AnyOperation)]
    assert sorted(name for name, _ in rows) == sorted(kinds)
    workflow = blocks(PAGE, "json")[0]
    orchestra.workflows.save(OWNER, "greet", workflow, None)
    for name, example in rows:
        assert example["op"] == name
        done = orchestra.editing.edit_file(OWNER, "greet", [example])
        assert [one for one in done.problems if one.severity == "error"] == [], name
        assert done.differences, name
    document: Any = orchestra.workflows.get(OWNER, "greet").document
    assert [step["id"] for step in document["steps"]] == ["words", "greet"]
    assert document["steps"][1]["with"]["values"]["text"] == "{{ steps.words.output.text }}, Bo"
    assert '{"id": "words", "uses": "flow.set", "with"' in orchestra.workflows.get(OWNER, "greet").text
