"""Text from outside decides no destination and instructs no model: small workflows, each with its expected path."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engine.base.definitions import PromptDefinition
from engine.base.errors import UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse
from tests.engine.compiler.checks import outside_flows as flows
from tests.engine.compiler.checks.outside_flows import ADDRESS, MAIL, MAILS, Row, ask, each, flow, inputs, send, step

SERVICES = {"gmail": "gmail", "notion": "notion", "github": "github", "llm": "openai", "web": "http", "database": "sql"}
ROWS = [*flows.EXPRESSIONS, *flows.SCHEMAS, *flows.KNOWN, *flows.MODELS, *flows.STRUCTURE, *flows.STARTS, *flows.CALLS]
REPLY: PromptDefinition = {
    "variables": {"text": {"type": "string"}, "tone": {"type": "string"}},
    "messages": [{"role": "system", "content": "Be {{ tone }}."}, {"role": "user", "content": "{{ text }}"}],
}


def _prompt(reference: str) -> PromptDefinition:
    if reference != "reply@production":
        raise UnknownName("prompt", reference, [])
    return REPLY


def compiled(document: Mapping[str, Any]) -> Compiled:
    def workflow(name: str) -> Any:
        shelf = {**flows.SHELF, "work": document}
        if name not in shelf:
            raise UnknownName("workflow", name, list(shelf))
        return shelf[name]

    text = json.dumps(document, indent=2, ensure_ascii=False)
    return compile_workflow(parse(text, "workflows/work.json"), "work", CompilerContext(SERVICES, _prompt, workflow))


def breaches(found: Compiled) -> list[tuple[str, Problem]]:
    errors = [one for one in found.problems if one.severity == "error"]
    assert {one.code for one in errors} <= {"outside_destination"}, [*map(str, errors)]
    return [(f"steps.{one.step}.{one.field}", one) for one in errors]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_workflow_takes_text_from_outside(row: Row) -> None:
    _, document, expected = row
    found = compiled(document)
    told = breaches(found)
    assert [place.replace("[", ".").replace("]", "") for place, _ in told] == [place for place, _ in expected]
    assert (found.plan is None) == bool(expected)
    for (_, problem), (place, path) in zip(told, expected, strict=True):
        whole = path if path.startswith("`steps.send.with.to`") else f"`{place}` comes from {path}"
        assert problem.message == f"Text from outside must not decide this: {whole}."
        assert all(f'"{word}"' in problem.remedy for word in ("allow", "enum", "approve"))


def test_the_table_is_long_and_half_of_it_is_clean() -> None:
    assert len(ROWS) >= 80
    assert len({row[0] for row in ROWS}) > len(ROWS) - 5
    assert 30 <= sum(not row[2] for row in ROWS) <= len(ROWS) - 30


def test_an_action_names_its_fields_with_text_from_outside() -> None:
    found = compiled(
        flow(
            MAIL,
            step("send", "gmail.send", {"to": "a@b.c", "subject": "{{ inputs.subject }}",
                                        "text": "{{ inputs.subject }}: {{ steps.mail.output.text }}"}),
            inputs=inputs(subject={"type": "string"}),
            triggers=[flows.trigger("gmail.new_message", {"subject": "{{ item.subject }}"})],
        )
    )  # fmt: skip
    assert found.plan is not None
    send_node = next(node for node in found.plan.nodes() if node.id == "send")
    assert send_node.action is not None
    outside = send_node.action.outside_fields
    assert {name: (one.origin, set(one.inputs)) for name, one in outside.items()} == {
        "subject": ("`inputs.subject`", {"subject"}),
        "text": (flows.BODY, set()),
    }
    assert [one.outside_inputs for one in found.plan.triggers] == [{"subject"}]


def test_a_field_with_a_list_of_what_is_allowed_takes_text() -> None:
    told = compiled(flow(MAIL, send("{{ steps.mail.output.subject }}", allow={"to": ["*@example.org"]})))
    assert breaches(told) == []
    other = compiled(flow(MAIL, send("{{ steps.mail.output.subject }}", allow={"cc": ["*@example.org"]})))
    assert len(breaches(other)) == 1


SUBJECT = "{{ steps.mail.output.subject }}"
_PAGE = {"database": "Tasks", "title": "T"}
DECIDING = {
    "the key of a page": (step("write", "notion.upsert_page", {**_PAGE, "key": SUBJECT}), "with.key"),
    "a header": (
        step("get", "http.request", {"url": "https://a.example/", "headers": {"Host": SUBJECT}}),
        "with.headers",
    ),
    "a page's address": (
        step("get", "http.request", {"url": "https://a.example/", "paging": {"next": SUBJECT}}),
        "with.paging.next",
    ),
    "the mail whose attachment is sent": (
        step("write", "gmail.create_draft", {"to": "a@b.c", "attachments": [{"message": SUBJECT, "id": "1"}]}),
        "with.attachments.0.message",
    ),
    "the attachment that is sent": (
        step("write", "gmail.create_draft", {"to": "a@b.c", "attachments": [{"message": "m1", "id": SUBJECT}]}),
        "with.attachments.0.id",
    ),
    "the model": (
        step("ask", "llm.chat", {"model": SUBJECT, "messages": [{"role": "user", "content": "Hi"}]}),
        "with.model",
    ),
}


@pytest.mark.parametrize("case", DECIDING)
def test_what_decides_where_or_what_takes_no_text_from_outside(case: str) -> None:
    deciding, field = DECIDING[case]
    assert [one.field for _, one in breaches(compiled(flow(MAIL, deciding)))] == [field]


def test_the_id_of_a_mail_may_be_the_key_of_a_page() -> None:
    page = step("write", "notion.upsert_page", {**_PAGE, "key": "{{ steps.mail.output.id }}"})
    assert breaches(compiled(flow(MAIL, page))) == []


def test_what_is_attached_may_be_text_from_outside_or_a_file() -> None:
    get = step("get", "gmail.get_attachment", {"message": "{{ steps.mail.output.id }}", "attachment": "1"})
    files = [{"name": SUBJECT, "text": SUBJECT}, "{{ steps.get.output.file }}"]
    assert breaches(compiled(flow(MAIL, get, step("write", "gmail.create_draft", {"attachments": files})))) == []


REPLIES = [
    ("the item of a loop", flow(MAILS, each(send("{{ m.from }}"))), True),
    ("in a list", flow(MAILS, each(send(["{{ m.from }}"]))), True),
    ("of the mails that can be answered", flow(MAILS, each(send("{{ m.from }}"),
     foreach="{{ steps.mails.output.messages.filter(m, m.can_reply) }}")), True),
    ("through flow.set", flow(MAILS, each(flows.put("kept", mail="{{ m }}"),
     send("{{ steps.kept.output.mail.from }}"))), True),
    ("the item of a trigger", flow(send("{{ inputs.to }}"), inputs=inputs(to={"type": "string"}),
     triggers=[flows.trigger("gmail.new_message", {"to": "{{ item.from }}"})]), True),
    ("the mail of a trigger", flow(send("{{ inputs.mail.from }}"), inputs=inputs(mail={"type": "object"}),
     triggers=[flows.trigger("gmail.new_message", {"mail": "{{ item }}"})]), True),
    ("another recipient of the mail", flow(MAILS, each(send("{{ m.to }}"))), False),
    ("with text around it", flow(MAILS, each(send("{{ m.from }}, x@y.z"))), False),
    ("a part of it", flow(MAILS, each(send("{{ m.from.split(',')[0] }}"))), False),
    ("with another address", flow(MAILS, each(send(["{{ m.from }}", "{{ m.subject }}"]))), False),
    ("the first mail that was found", flow(MAILS, send("{{ steps.mails.output.messages[0].from }}")), False),
    ("the first mail in each turn", flow(MAILS, each(send("{{ steps.mails.output.messages[0].from }}"))), False),
    ("any mail", flow(MAIL, send("{{ steps.mail.output.from }}")), False),
    ("the answer of a model about it", flow(MAILS, each(ask("{{ m.from }}"), send(ADDRESS))), False),
    ("after the loop", flow(MAILS, each(flows.put("kept", to="{{ m.from }}")),
     send("{{ steps.each.output.filter(e, has(e.kept)).map(e, e.kept.to) }}")), False),
    ("one turn's mail after the loop", flow(MAILS, each(flows.put("kept", to="{{ m.from }}")),
     send("{{ default(steps.each.output[0].kept.to, 'a@b.c') }}")), False),
    ("the address of a request", flow(MAILS, each(step("send", "http.request", {"url": "{{ m.from }}"}))), False),
    ("a field of a trigger's mail with text around it", flow(send("x{{ inputs.to }}"),
     inputs=inputs(to={"type": "string"}),
     triggers=[flows.trigger("gmail.new_message", {"to": "{{ item.from }}"})]), False),
]  # fmt: skip


@pytest.mark.parametrize(("document", "is_allowed"), [row[1:] for row in REPLIES], ids=[row[0] for row in REPLIES])
def test_only_the_sender_of_the_mail_at_hand_is_answered(document: Mapping[str, Any], is_allowed: bool) -> None:
    assert len(breaches(compiled(document))) == 1
    found = compiled({**document, "allow": ["reply_to_sender"]})
    warned = [(one.code, one.step, one.severity) for one in found.problems if one.code == "outside_allowed"]
    assert warned == [("outside_allowed", "send", "warning")] * is_allowed
    assert len(breaches(found)) == (not is_allowed)


def test_a_run_accepted_by_an_earlier_release_goes_on() -> None:
    found = compiled(flow(MAIL, send("{{ steps.mail.output.subject }}")))
    assert found.plan is None
    assert found.accepted is not None


def test_the_steps_on_the_way_are_known() -> None:
    found = compiled(flow(MAIL, ask("{{ steps.mail.output.text }}"), send(ADDRESS)))
    assert found.breaches == (("mail", "ask", "send"),)


def test_a_long_way_is_told_in_short() -> None:
    first = ask("{{ steps.mail.output.text }}")
    steps: Sequence[Any] = [
        step(f"s{number}", "llm.chat", {"messages": [{"role": "user", "content": text}]})
        for number, text in enumerate([ADDRESS, *[f"{{{{ steps.s{number}.output.text }}}}" for number in range(9)]])
    ]
    [(_, problem)] = breaches(compiled(flow(MAIL, first, *steps, send("{{ steps.s9.output.text }}"))))
    assert problem.message.count("which comes from") == 4
    assert problem.message.endswith(f"(after 7 more steps) {flows.BODY}.")


def test_all_sources_of_a_text_are_told() -> None:
    asked = ask("{{ steps.mail.output.subject }}: {{ steps.mail.output.text }}")
    [(_, problem)] = breaches(compiled(flow(MAIL, asked, send("{{ steps.ask.output.address }}"))))
    subject = "the subject of the mail (`steps.mail.output.subject`)"
    text = "the text of the mail (`steps.mail.output.text`)"
    assert f"`steps.ask.output.address`, which comes from {subject} and {text}" in problem.message


def test_of_many_sources_the_first_are_told() -> None:
    mails = [{**MAIL, "id": f"mail{number}"} for number in range(8)]
    text = " ".join(f"{{{{ steps.mail{number}.output.text }}}}" for number in range(8))
    for steps in ([ask(text), send("{{ steps.ask.output.address }}")], [send(text)]):
        [(_, problem)] = breaches(compiled(flow(*mails, *steps)))
        assert problem.message.count("the text of the mail") == 5
        assert "others." in problem.message
