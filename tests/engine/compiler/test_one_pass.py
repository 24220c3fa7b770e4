"""Every kind of mistake, all in one file: each is told in the same pass, at its line and column, with its remedy."""

from __future__ import annotations

import json

import pytest

from engine.compiler.compiler import compile_workflow
from engine.documents.json_file import parse
from tests.engine.compiler.checks.test_called_workflows import AROUND

# One value a line, so that the place of each mistake is the text at which it is looked for.
TEXT = """{
  "schema_version": 1,
  "inputs": {
    "type": "object",
    "properties": {
      "database": {"type": "string", "default": "Tasks"},
      "limit": {"type": "integer", "default": "many"},
      "spare": {"type": "string", "default": ""}
    }
  },
  "steps": [
    {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "x", "limt": 5}},
    {"id": "kind", "uses": "gmail.serch_messages"},
    {"id": "pages", "uses": "notion.upsert_page", "connection": "notoin", "with": {
      "title": "{{ inputs.databse }}",
      "key": "k",
      "database": 5
    }},
    {"id": "classify", "if": "{{ inputs.database != '' }}", "uses": "llm.extract",
      "with": {"prompt": "sort@production", "variables": {"subject": "x"}}},
    {"id": "asks", "uses": "llm.chat", "with": {"prompt": "srot"}},
    {"id": "values", "uses": "flow.set", "with": {"values": {
      "step": "{{ steps.clasify.output.kind }}",
      "field": "{{ steps.mails.output.mesages }}",
      "inside": "{{ steps.mails.output.messages.filter(m, m.subjct == 'a').map(m, m.idd) }}",
      "types": "{{ steps.mails.output.matched_estimate + 'x' }}",
      "later": "{{ steps.check.output.ok }}",
      "skipped": "{{ steps.classify.output.kind }}",
      "both": "{{ 'a' + nope + steps.zzz.output }}",
      "zero": "{{ 1 / 0 }}"
    }}},
    {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ inputs.database }}"}},
    {"id": "first", "needs": ["second"], "uses": "flow.wait", "with": {"seconds": 1}},
    {"id": "second", "needs": ["third"], "uses": "flow.wait", "with": {"seconds": -1}},
    {"id": "third", "needs": ["first"], "uses": "flow.wait", "with": {}},
    {"id": "twice", "uses": "flow.wait", "with": {"seconds": 1}},
    {"id": "twice", "uses": "flow.wait", "with": {"seconds": 2}},
    {"id": "each", "foreach": "{{ [1, 2] }}", "steps": [
      {"id": "issue", "uses": "github.create_issue", "connection": "work", "with": {"repository": "a/b"}},
      {"id": "asked", "uses": "http.request", "with": {"url": "https://example.com/{{ item }}"}}
    ]},
    {"id": "called", "uses": "workflow.run", "with": {"workflow": "gret"}},
    {"id": "greeted", "uses": "workflow.run", "with": {"workflow": "greet", "inputs": {"name": 5}}}
  ],
  "outputs": {"kind": "{{ steps.classify.output.kind }}", "mails": "{{ steps.values.output }}"},
  "on_failure": [{"id": "tell", "uses": "flow.fail", "with": {"message": "{{ error.mesage }}"}}]
}
"""

# (code, what stands at the place, which of several, part of the remedy)
MISTAKES = [
    ("inputs", '"many"', 0, "Give a default that fits"),
    ("unknown_field", '5}},\n    {"id": "kind"', 0, "Did you mean 'limit'?"),
    ("unknown_step_type", '"gmail.serch_messages"', 0, "Did you mean 'gmail.search_messages'?"),
    ("connection", '"notoin"', 0, "Did you mean 'notion'?"),
    ("expression", ".databse", 0, "`inputs.databse`: did you mean `inputs.database`?"),
    ("field", "5\n    }}", 0, "quotes"),
    ("unused_output", '"asks"', 0, "steps.asks.output"),
    ("unknown_prompt", '"srot"', 0, "sort@production"),
    ("expression", ".clasify", 0, "`steps.clasify`: did you mean `steps.classify`?"),
    ("expression", ".mesages", 0, "`steps.mails.output.mesages`: did you mean `steps.mails.output.messages`?"),
    ("expression", ".subjct", 0, "`m.subjct`: did you mean `m.subject`?"),
    ("expression", ".idd", 0, "`m.idd`: did you mean `m.id`?"),
    ("expression", "+ 'x'", 0, "string(x)"),
    ("order", "steps.check", 0, "Move this step below 'check'"),
    ("maybe_absent", "steps.classify", 0, "default(steps.classify.output.kind, …)"),
    ("expression", "nope", 0, "There are: inputs, run, steps."),
    ("expression", ".zzz", 0, "There are: "),
    ("expression", " 1 / 0", 0, "Guard it"),
    ("type", '"{{ inputs.database }}"', 0, "Compare it with something"),
    ("cycle", '{"id": "first"', 0, "Take one 'needs' out."),
    ("field", "-1", 0, "Choose a number"),
    ("field", "{}},", 0, "Seconds to wait"),
    ("duplicate_id", '"twice", "uses": "flow.wait", "with": {"seconds": 2}', 0, "Give one of the two another id."),
    ("no_key", '"{{ [1, 2] }}"', 0, 'Add "key"'),
    ("missing_field", '{"repository": "a/b"}', 0, "title"),
    ("unused_output", '"asked"', 0, "steps.asked.output"),
    ("unknown_workflow", '"gret"', 0, "Did you mean 'greet'?"),
    ("field", "5}}}", 0, '{"type":"string"}'),
    ("maybe_absent", "steps.classify", 1, "has(steps.classify.output)"),
    ("expression", ".mesage ", 0, "`error.mesage`: did you mean `error.message`?"),
    ("unused_input", '{"type": "string", "default": ""}', 0, "take it out"),
]
_FOUND = compile_workflow(parse(TEXT, "workflows/work.json"), "work", AROUND).problems


def place(part: str, number: int) -> tuple[int, int]:
    index = TEXT.index(part)
    for _ in range(number):
        index = TEXT.index(part, index + 1)
    return TEXT.count("\n", 0, index) + 1, index - TEXT.rfind("\n", 0, index)


def test_the_file_is_json() -> None:
    assert isinstance(json.loads(TEXT), dict)


@pytest.mark.parametrize(
    ("code", "part", "number", "remedy"), [pytest.param(*one, id=f"{one[0]}-{one[1][:20]}") for one in MISTAKES]
)
def test_a_mistake_among_many_is_told_at_its_place(code: str, part: str, number: int, remedy: str) -> None:
    at = [one for one in _FOUND if one.code == code and (one.line, one.column) == place(part, number)]
    assert len(at) == 1, [f"{one.code} {one}" for one in _FOUND]
    assert remedy in at[0].remedy
    assert at[0].remedy


def test_nothing_else_is_told() -> None:
    assert len(_FOUND) == len(MISTAKES), [f"{one.code} {one}" for one in _FOUND]


def test_a_circle_is_shown_as_the_way_around() -> None:
    [cycle] = [one for one in _FOUND if one.code == "cycle"]
    assert "first → second → third → first" in cycle.message


def test_only_what_does_not_stop_a_run_is_a_warning() -> None:
    assert {one.code for one in _FOUND if one.severity == "warning"} == {"no_key", "unused_output", "unused_input"}
