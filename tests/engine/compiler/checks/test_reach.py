"""Who sees what: where the text of each source goes, and a workflow that keeps it on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.base.errors import UnknownName
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse
from tests.engine.compiler.checks.outside_flows import (
    MAIL,
    SAID,
    TEXT,
    WRITTEN,
    ask,
    flow,
    inputs,
    put,
    run,
    step,
    trigger,
)

SERVICES = {
    "gmail": "gmail",
    "notion": "notion",
    "github": "github",
    "llm": "openai",
    "far": "anthropic",
    "web": "http",
}
HOSTS = {
    "gmail": "gmail.example",
    "notion": "notion.example",
    "github": "127.0.0.1",
    "llm": "localhost",
    "far": "models.example",
    "web": "",
}
PAGE = step("page", "notion.create_page", {"database": "Tasks", "title": SAID})
ISSUE = step("issue", "github.create_issue", {"repository": "a/b", "title": "{{ steps.ask.output.address }}"})
POST = step("post", "http.request", {"url": "https://example.com/x", "method": "POST", "text": WRITTEN})
SHELF = {
    "keep": flow(step("page", "notion.create_page", {"database": "Tasks", "title": "{{ inputs.text }}"}),
                 inputs=inputs(text=TEXT)),
    "reader": flow(MAIL, PAGE, outputs={"subject": SAID}),
}  # fmt: skip


_SORT = {
    "version": 1,
    "messages": [{"role": "user", "content": "Sort."}],
    "output_schema": {"type": "object", "properties": {"kind": {"type": "string"}}},
}
PROMPTS = {"sort@plain": _SORT, "sort@shown": {**_SORT, "examples": 4}}


def compiled(document: Mapping[str, Any]) -> Compiled:
    def workflow(name: str) -> Any:
        if name not in SHELF:
            raise UnknownName("workflow", name, list(SHELF))
        return SHELF[name]

    def prompt(name: str) -> Any:
        if name not in PROMPTS:
            raise UnknownName("prompt", name, [])
        return PROMPTS[name]

    around = CompilerContext(SERVICES, prompt, workflow, hosts=HOSTS)
    return compile_workflow(parse(json.dumps(document, indent=2), "workflows/work.json"), "work", around)


FOUND = [
    ("nothing of others", flow(PAGE | {"with": {"database": "Tasks", "title": "t"}}), set()),
    ("a page", flow(MAIL, PAGE), {("gmail", "notion", "notion.example", "page")}),
    ("an id", flow(MAIL, PAGE | {"with": {"database": "Tasks", "title": "{{ steps.mail.output.id }}"}}), set()),
    ("the service itself", flow(MAIL, step("draft", "gmail.create_draft", {"to": "a@b.c", "text": WRITTEN})), set()),
    ("people who get a mail", flow(MAIL, step("send", "gmail.send", {"to": "Eve <e@else.example>", "text": WRITTEN})),
     {("gmail", "mail to else.example", "else.example", "send")}),
    ("several, one of whom the inputs name", flow(MAIL, step("send", "gmail.send",
     {"to": ["a@b.example", "{{ inputs.text }}"], "cc": "c@d.example", "text": WRITTEN}), inputs=inputs(text=TEXT)),
     {("gmail", "mail to b.example", "b.example", "send"), ("gmail", "mail to d.example", "d.example", "send"),
      ("gmail", "mail to any address", "any address", "send")}),
    ("who gets a mail that is forwarded", flow(step("on", "gmail.forward", {"to": "a@b.example", "message": "m1"})),
     {("gmail", "mail to b.example", "b.example", "on")}),
    ("who gets a draft, whoever that is", flow(step("out", "gmail.send_draft", {"draft": "d1"})),
     {("gmail", "mail to any address", "any address", "out")}),
    ("a model, and what it made", flow(MAIL, ask(WRITTEN), ISSUE),
     {("gmail", "llm", "localhost", "ask"), ("gmail", "github", "127.0.0.1", "issue")}),
    ("two sources through one model", flow(MAIL, step("old", "github.get_issue", {"repository": "a/b", "issue": 1}),
     ask("{{ steps.old.output.title }} {{ steps.mail.output.text }}"),
     PAGE | {"with": {"database": "Tasks", "title": "{{ steps.ask.output.address }}"}}),
     {("gmail", "llm", "localhost", "ask"), ("github", "llm", "localhost", "ask"),
      ("gmail", "notion", "notion.example", "page"), ("github", "notion", "notion.example", "page")}),
    ("a prompt", flow(step("sort", "llm.extract", {"prompt": "sort@plain"}, connection="far")), set()),
    ("the cases that a prompt shows", flow(step("sort", "llm.extract", {"prompt": "sort@shown"}, connection="far")),
     {("the cases of sort", "far", "models.example", "sort")}),
    ("an address without a connection", flow(MAIL, POST), {("gmail", "http", "example.com", "post")}),
    ("through flow.set", flow(MAIL, put("kept", t=SAID),
     PAGE | {"with": {"database": "Tasks", "title": "{{ steps.kept.output.t }}"}}),
     {("gmail", "notion", "notion.example", "page")}),
    ("an input of a person", flow(ask("{{ inputs.text }}"), inputs=inputs(text=TEXT)), set()),
    ("an input from a trigger", flow(ask("{{ inputs.text }}"), inputs=inputs(text=TEXT),
     triggers=[trigger("gmail.new_message", {"text": "{{ item.text }}"})]), {("gmail", "llm", "localhost", "ask")}),
    ("an input beside other text", flow(step("old", "github.get_issue", {"repository": "a/b", "issue": 1}),
     ask("{{ inputs.text }}{{ steps.old.output.title }}"), inputs=inputs(text=TEXT),
     triggers=[trigger("gmail.new_message", {"text": "{{ item.text }}"})]),
     {("gmail", "llm", "localhost", "ask"), ("github", "llm", "localhost", "ask")}),
    ("another workflow", flow(MAIL, run("call", "keep", {"text": SAID})),
     {("gmail", "notion", "notion.example", "page")}),
    ("what another workflow does itself", flow(run("call", "reader", {}), ask("{{ steps.call.output.subject }}")),
     {("gmail", "notion", "notion.example", "page"), ("gmail", "llm", "localhost", "ask")}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_the_text_of_a_source_goes_to(document: Mapping[str, Any], expected: set[Any]) -> None:
    found = compiled(document)
    assert [str(one) for one in found.problems if one.severity == "error"] == []
    assert {(one.source, one.to, one.host, one.step) for one in found.reach} == expected
    private = compiled({**document, "privacy": "local"})
    leaves = {one[3] for one in expected if one[2] not in ("127.0.0.1", "localhost")}
    assert {one.code for one in private.problems if one.severity == "error"} == ({"not_private"} if leaves else set())
    assert (private.plan is None) == bool(leaves)


def test_a_path_out_of_this_machine_is_told_with_its_host() -> None:
    [problem] = [one for one in compiled({**flow(MAIL, PAGE), "privacy": "local"}).problems if one.severity == "error"]
    assert problem.message == "Text of gmail leaves this machine: `page` sends it to notion.example."
    assert problem.step == "page"


def test_each_model_that_a_step_may_ask_gets_the_text() -> None:
    asking = ask(SAID)
    listed = {**asking, "with": {**asking["with"], "fallback": [{"model": "small"}, {"connection": "far"}]}}
    document = flow(MAIL, listed)
    found = compiled(document)
    assert {(one.to, one.host) for one in found.reach} == {("llm", "localhost"), ("far", "models.example")}
    assert found.plan is not None
    assert "far" in found.plan.connections
    [problem] = [one for one in compiled({**document, "privacy": "local"}).problems if one.severity == "error"]
    assert problem.message == "Text of gmail leaves this machine: `ask` sends it to models.example."
