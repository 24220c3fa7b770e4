"""Files that are JSON and make no sense: whatever stands anywhere in them, checking names it and never breaks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.checkout import CHECKOUT
from engine.base.errors import OrchestraError
from engine.compiler.compiler import CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.prompts.prompts import PromptStore
from engine.workspace.workspace import Workspace
from tests.few import examples

SHIPPED = Workspace(CHECKOUT)
STORE = PromptStore(SHIPPED)
AROUND = CompilerContext({"gmail": "gmail", "github": "github", "notion": "notion", "llm": "openai"}, STORE.resolve)
SCALARS = [None, True, -1, 1.5, 2**62, "", "x", "\0", "é" * 300, "{{", "{{ x }}", "{{ mail.id }}", "{{ steps.mails }}"]
SCHEMAS = [{"type": "x"}, {"type": ["string", "null"]}, {"$ref": "#/x"}, {"$ref": "#"}, {"anyOf": 5}, {"items": 5}]
OTHERS = [[], {}, [1], [[]], {"a": 1}, {"properties": [1]}, {"enum": 5}, {"required": 5}, {"pattern": "("}]
ODD: st.SearchStrategy[Any] = st.sampled_from([*SCALARS, *SCHEMAS, *OTHERS])
KEYS = st.sampled_from("if needs steps uses with on_error output as retry default type schema required".split())


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def spoilt(document: Any, data: st.DataObject) -> Any:
    """Return a copy with one part replaced, removed or added."""
    document = copy.deepcopy(document)
    path = data.draw(st.sampled_from(list(places(document))))
    parent = document
    for part in path[:-1]:
        parent = parent[part]
    match data.draw(st.sampled_from(["replace", "replace", "remove", "add"])):
        case "remove":
            del parent[path[-1]]
        case "add" if isinstance(parent, dict):
            parent[data.draw(KEYS)] = data.draw(ODD)
        case _:
            parent[path[-1]] = data.draw(ODD)
    return document


@examples(120)
@given(st.sampled_from(SHIPPED.prompts.names()), st.data())
def test_a_spoilt_prompt_is_checked_to_the_end_and_rendered_or_refused(name: str, data: st.DataObject) -> None:
    document = spoilt(SHIPPED.prompts.read(name).value, data)
    if any(one.severity == "error" for one in STORE.check(name, json.dumps(document))):
        return
    for sample in document.get("samples", []):
        with suppress(OrchestraError):
            assert STORE.render(document, sample.get("variables", {}))


@pytest.mark.parametrize("odd", [{"type": "x"}, {"$ref": "#/x"}, {"anyOf": 5}, {"pattern": "("}, 5, None, []])
def test_a_schema_that_is_none_is_named_wherever_it_stands(odd: Any) -> None:
    for place in (("inputs", "properties", "limit"), ("inputs", "properties", "messages", "items")):
        document = copy.deepcopy(SHIPPED.workflows.read("inbox-triage").value)
        parent = document
        for part in place[:-1]:
            parent = parent[part]
        parent[place[-1]] = odd
        compiled = compile_workflow(parse(json.dumps(document), "w.json"), "w", AROUND)
        assert compiled.plan is None
        assert any(one.field and one.field.startswith(".".join(place)) for one in compiled.problems)


TREE = {"type": "array", "items": {"$ref": "#/$defs/tree"}}
BUSH = {"type": "object", "properties": {name: {"$ref": "#/$defs/bush"} for name in "abcdef"}}
MAP = {"type": "object", "additionalProperties": {"$ref": "#/$defs/map"}}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "array", "items": True}, id="items-true"),
        pytest.param({"type": "object", "properties": {"a": True}}, id="property-true"),
        pytest.param({"anyOf": [True, {"type": "string"}]}, id="alternative-true"),
        pytest.param({"$ref": "#/$defs/x", "$defs": {"x": True}}, id="definition-true"),
        pytest.param({"$ref": "#/$defs/tree", "$defs": {"tree": TREE}}, id="list-of-itself"),
        pytest.param({"$ref": "#/$defs/bush", "$defs": {"bush": BUSH}}, id="object-of-itself-six-times"),
        pytest.param({"$ref": "#/$defs/map", "$defs": {"map": MAP}}, id="map-of-itself"),
    ],
)
def test_an_unusual_schema_is_a_schema(schema: Any) -> None:
    document = copy.deepcopy(SHIPPED.workflows.read("inbox-triage").value)
    document["inputs"]["properties"]["odd"] = schema
    document["steps"][0]["with"]["query"] = "{{ text(inputs.odd) }}"
    del document["triggers"]  # it would have to give the odd input
    compiled = compile_workflow(parse(json.dumps(document), "w.json"), "w", AROUND)
    assert [str(one) for one in compiled.problems if one.severity == "error"] == []
