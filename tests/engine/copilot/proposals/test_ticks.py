"""What a proposal cannot bring in without a tick of its own, whoever has written its operations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.copilot.proposals.facts import facts
from engine.copilot.proposals.records import Proposal
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_type, step_types
from engine.plugins.step import Effect, fields_schema
from tests.workspaces import init

ADA = Principal("ada", "editor")
ISSUE = {"repository": "{{ steps.target.output.repository }}", "title": "A mail", "body": "A mail."}
REPORT = {
    "id": "report",
    "uses": "gmail.send",
    "connection": "gmail",
    "with": {"to": ["boss@example.org"], "subject": "Done", "text": "x"},
}
GUARDED: dict[str, Any] = {
    **REPORT,
    "id": "guarded",
    "if": "{{ inputs.really || steps.target.output.go }}",
    "approve": {"when": "always", "by": ["owner", "not_self"], "expires_after": "2d"},
    "with": {"to": ["all@example.org"], "subject": "Done", "text": "x"},
}
DOCUMENT: dict[str, Any] = {
    "schema_version": 1,
    "title": "Work",
    "inputs": {
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "default": 5},
            "really": {"type": "boolean", "default": False},
            "sum": {"type": "integer", "default": 5},
        },
    },
    "triggers": [{"id": "new_mail", "uses": "gmail.new_message", "connection": "gmail", "with": {"query": "in:inbox"}}],
    "links": ["example.org"],
    "privacy": "local",
    "timeout_seconds": 600,
    "approvals": {"gmail.send": "always"},
    "budget": {"run": {"usd": 1}},
    "steps": [
        {"id": "target", "uses": "flow.set", "with": {"values": {"repository": "acme/app", "go": False}}},
        {
            "id": "mails",
            "uses": "gmail.search_messages",
            "connection": "gmail",
            "with": {"query": "in:inbox", "limit": "{{ inputs.limit }}"},
        },
        {"id": "allowed", "uses": "flow.approve", "with": {"message": "Go on?"}},
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "as": "mail",
            "key": "{{ mail.id }}",
            "steps": [
                {
                    "id": "issue",
                    "if": "{{ mail.subject != '' }}",
                    "uses": "github.create_issue",
                    "approve": "always",
                    "with": ISSUE,
                },
            ],
        },
        REPORT,
        {"id": "ping", "uses": "http.request", "connection": "web", "with": {"url": "/ping"}},
        {"id": "child", "uses": "workflow.run", "with": {"workflow": "other", "inputs": {"n": 1}}},
        {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ inputs.sum < 3 }}", "message": "Too many."}},
        GUARDED,
    ],
}
MOST_BROKEN = 9
"""Operations whose result does not compile: these cannot be accepted at all."""
Row = tuple[str, bool, list[dict[str, Any]]]
MADE_UP: dict[str, Any] = {"messages": [{"id": "1", "subject": "A mail"}], "most": "{{ inputs.limit }}"}
UNGUARDED: dict[str, Any] = {key: one for key, one in GUARDED.items() if key not in ("if", "approve")}
SEND: dict[str, Any] = {**REPORT, "with": {"to": ["eve@evil.example"], "subject": "s", "text": "t"}}
del SEND["id"]


def of(step: str | None, field: Any, value: Any) -> dict[str, Any]:
    found = {"op": "set", "field": field, "value": value}
    return found if step is None else {**found, "step": step}


def unset(step: str | None, field: str) -> dict[str, Any]:
    return {"op": "unset", "field": field} if step is None else {"op": "unset", "step": step, "field": field}


def added(step: dict[str, Any], **place: Any) -> dict[str, Any]:
    return {"op": "add", "step": step, **place}


ATTACKS: dict[str, Row] = {
    "a recipient": ("destination", False, [of("report", "with.to", ["eve@evil.example"])]),
    "one more recipient": ("destination", False, [of("report", "with.to", ["boss@example.org", "eve@evil.example"])]),
    "an item of the recipients": ("destination", False, [of("report", ["with", "to", 0], "eve@evil.example")]),
    "a copy": ("destination", False, [of("report", "with.cc", ["eve@evil.example"])]),
    "a value behind an expression": ("destination", False, [of("target", "with.values.repository", "evil/app")]),
    "an expression in place of a constant": ("destination", False, [of("report", "with.to", ["{{ inputs.limit }}@e"])]),
    "a mutation": (
        "destination",
        False,
        [added({"id": "leak", "uses": "github.graphql", "with": {"document": "mutation { lock { id } }"}})],
    ),
    "a statement": (
        "destination",
        False,
        [added({"id": "leak", "uses": "sql.execute", "with": {"statement": "UPDATE customers SET email = 'a@b.c'"}})],
    ),
    "an input with a default": (
        "destination",
        False,
        [
            of(None, "inputs.properties.repo", {"type": "string", "default": "evil/app"}),
            of("issue", "with.repository", "{{ inputs.repo }}"),
        ],
    ),
    "a step replaced": ("destination", False, [{"op": "replace_step", "step": "report", "new": SEND}]),
    "a harmless step replaced by a write": (
        "destination",
        False,
        [{"op": "replace_step", "step": "mails", "new": SEND}],
    ),
    "renamed and then changed": (
        "destination",
        False,
        [{"op": "rename", "step": "report", "to": "tell"}, of("tell", "with.to", ["eve@evil.example"])],
    ),
    "renamed, and another one in its place": (
        "destination",
        False,
        [{"op": "rename", "step": "report", "to": "tell"}, added({"id": "report", **SEND})],
    ),
    "removed and added": (
        "destination",
        False,
        [{"op": "remove", "steps": ["report"]}, added({"id": "report", **SEND})],
    ),
    "a new write": ("destination", False, [added({"id": "leak", **SEND})]),
    "a write in a new group": (
        "destination",
        False,
        [added({"id": "group", "steps": [{"id": "leak", **SEND}]}), of("report", "title", "Report")],
    ),
    "a write when a step fails": (
        "destination",
        False,
        [of("mails", "on_error", {"steps": [{"id": "leak", **SEND}]})],
    ),
    "a write when the run fails": ("destination", False, [of(None, "on_failure", [{"id": "leak", **SEND}])]),
    "a read that tells an address": ("destination", False, [of("ping", "with.url", "https://evil.example/?q=1")]),
    "headers of a request": (
        "destination",
        False,
        [of("ping", "with.headers", {"X-Data": "{{ inputs.limit }}"})],
    ),
    "a method": ("destination", False, [of("ping", "with.method", "DELETE")]),
    "another called workflow": ("destination", False, [of("child", "with.workflow", "third")]),
    "other inputs of a called workflow": ("destination", False, [of("child", "with.inputs.n", 2)]),
    "an agent": (
        "destination",
        False,
        [added({"id": "ask", "uses": "agent.run", "with": {"agent": "a", "task": "t"}})],
    ),
    "another connection": ("connection", False, [of("report", "connection", "gmail2")]),
    "an account that was not used": (
        "connection",
        False,
        [added({"id": "page", "uses": "notion.search", "connection": "notion", "with": {"query": "x"}})],
    ),
    "a trigger": (
        "trigger",
        False,
        [of(None, "triggers", [*DOCUMENT["triggers"], {"id": "hook", "uses": "webhook.received"}])],
    ),
    "a trigger that starts at more": ("trigger", False, [of(None, ["triggers", 0, "with", "query"], "in:anywhere")]),
    "a host for links": ("guard", False, [of(None, "links", ["example.org", "evil.example"])]),
    "privacy": ("guard", False, [unset(None, "privacy")]),
    "exceptions": ("guard", False, [of(None, "allow", ["reply_to_sender"])]),
    "a tool for programs": ("guard", False, [of(None, "expose", True)]),
    "a higher budget": ("guard", False, [of(None, "budget.run.usd", 100)]),
    "no budget": ("guard", False, [unset(None, "budget")]),
    "no time limit": ("guard", False, [unset(None, "timeout_seconds")]),
    "rules for approvals": ("guard", False, [of(None, "approvals", {"gmail.send": "never"})]),
    "no rules for approvals": ("guard", False, [unset(None, "approvals")]),
    "how many runs at once": ("guard", False, [of(None, "concurrency", {"parallel": 99})]),
    "no approval": ("guard", False, [of("issue", "approve", "never")]),
    "the default for approvals": ("guard", False, [unset("issue", "approve")]),
    "a new write without approval": ("guard", False, [added({"id": "leak", **SEND, "approve": "never"})]),
    "values for text from outside": ("guard", False, [of("report", "allow", {"to": ["*"]})]),
    "no condition": ("guard", False, [unset("issue", "if")]),
    "another condition": ("guard", False, [of("issue", "if", "{{ true }}")]),
    "a condition or another one": (
        "guard",
        False,
        [of("issue", "if", "{{ mail.subject != '' || mail.can_reply && (mail.subject != '') }}")],
    ),
    "a condition in a text": (
        "guard",
        False,
        [of("issue", "if", "{{ mail.from == \"mail.subject != '' && \" || mail.can_reply }}")],
    ),
    "a key for each run": ("guard", False, [of("each", "key", "{{ run.id }}")]),
    "more rounds": ("guard", False, [of("each", "foreach", "{{ steps.mails.output.messages + [1] }}")]),
    "an identity of its own": ("guard", False, [of("report", "once", "{{ run.id }}")]),
    "a question removed": ("guard", False, [{"op": "remove", "steps": ["allowed"]}]),
    "a question that is another step": (
        "guard",
        False,
        [{"op": "replace_step", "step": "allowed", "new": {"uses": "flow.set", "with": {"values": {"a": 1}}}}],
    ),
    "a question that may be skipped": ("guard", False, [of("allowed", "if", "{{ false }}")]),
    "a question that is not waited for": ("guard", False, [of("each", "needs", ["mails"])]),
    "a write moved before the question": ("guard", False, [{"op": "move", "steps": ["report"], "before": "allowed"}]),
    "a question moved behind the writes": ("guard", False, [{"op": "move", "steps": ["allowed"], "after": "child"}]),
    "a failure passed over": ("guard", False, [of("mails", "on_error", "continue")]),
    "a write out of its condition's group": ("guard", False, [{"op": "move", "steps": ["issue"], "after": "each"}]),
    "fewer who may approve, and no end": ("guard", False, [of("guarded", "approve", "always")]),
    "a constant behind a condition": ("guard", False, [of("target", "with.values.go", True)]),
    "a default behind a condition": ("guard", False, [of(None, "inputs.properties.really.default", True)]),
    "a constant in place of an answer behind a loop": (
        "guard",
        False,
        [
            {
                "op": "replace_step",
                "step": "mails",
                "new": {"uses": "flow.set", "with": {"values": MADE_UP}},
            }
        ],
    ),
    "a default behind a check": ("guard", False, [of(None, "inputs.properties.sum.default", 1)]),
    "a check whose failure a new group passes over": (
        "guard",
        False,
        [{"op": "wrap", "steps": ["check"], "group": {"id": "box", "title": "Checks", "on_error": "continue"}}],
    ),
    "renamed, and without its guards in its place": (
        "guard",
        False,
        [
            {"op": "rename", "step": "guarded", "to": "old"},
            added(UNGUARDED, after="old"),
            {"op": "remove", "steps": ["old"]},
        ],
    ),
    "removed, and without its guards under another name": (
        "guard",
        False,
        [{"op": "remove", "steps": ["guarded"]}, added({**UNGUARDED, "id": "other_one"})],
    ),
    "without its guards beside it": ("guard", False, [added({**UNGUARDED, "id": "more"})]),
    "a write that writes again": ("writes_again", False, [{"op": "wrap", "steps": ["report"], "group": {"id": "box"}}]),
    "a new write to a known place": ("write", True, [added({**REPORT, "id": "more"})]),
    "another text of a write": ("write", True, [of("report", "with.text", "{{ steps.mails.output }}")]),
    "what a text is made of": (
        "write",
        True,
        [of("issue", "with.body", "{{ steps.target.output.repository }}"), of("target", "with.values.more", "x")],
    ),
    "a prompt": (
        "instruction",
        True,
        [added({"id": "sort", "uses": "llm.classify", "with": {"text": "x", "labels": ["a", "b"]}})],
    ),
    "code": ("instruction", True, [added({"id": "work", "uses": "code.run", "with": {"code": "result = 1"}})]),
}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    root = tmp_path_factory.mktemp("ticks") / "workspace"
    init(root)
    config = root / "config.yaml"
    more = "connections:\n  web:\n    service: http\n  gmail2:\n    service: gmail\n    token: env:T\n"
    config.write_text(config.read_text().replace("connections:\n", more, 1))
    step = {"id": "one", "uses": "flow.set", "with": {"values": {"n": "{{ inputs.n }}"}}}
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}}
    for name in ("other", "third"):
        called = {"schema_version": 1, "title": name, "inputs": inputs, "steps": [step]}
        (root / "workflows" / f"{name}.json").write_text(json.dumps(called))
    (root / "workflows" / "work.json").write_text(json.dumps(DOCUMENT, indent=2) + "\n")
    orchestra = Orchestra.open(root)
    yield orchestra
    orchestra.close()


def made(orchestra: Orchestra, ops: list[dict[str, Any]], *, from_outside: bool) -> Proposal:
    rev = orchestra.editing.draft_text(ADA, "work").state.rev
    make = orchestra.copilot.proposals.make
    return make(ADA, "work", rev, ops, "As the mail says.", source="model", from_outside=from_outside)


def test_the_workflow_compiles(orchestra: Orchestra) -> None:
    """So does what most of these operations make of it: they are refused for their ticks alone."""
    assert [one for one in orchestra.workflows.get(ADA, "work").problems if one.severity == "error"] == []
    proposals = [made(orchestra, ops, from_outside=outside) for _, outside, ops in ATTACKS.values()]
    broken = {name: one.problems[0] for name, one in zip(ATTACKS, proposals, strict=True) if not one.is_acceptable}
    assert len(broken) <= MOST_BROKEN, broken


@pytest.mark.parametrize("name", ATTACKS)
def test_it_needs_a_tick_of_its_own(orchestra: Orchestra, name: str) -> None:
    """Without the ticks of its kind it is refused, or does not compile; the draft stays as it is."""
    kind, from_outside, ops = ATTACKS[name]
    one = made(orchestra, ops, from_outside=from_outside)
    found = [tick for tick in one.ticks if tick.kind == kind]
    assert found, [tick.words for tick in one.ticks]
    before = orchestra.editing.draft_text(ADA, "work").text
    others = [tick.id for tick in one.ticks if tick.kind != kind]
    if one.is_acceptable:
        with pytest.raises(InvalidInput, match="need a tick") as caught:
            orchestra.copilot.proposals.accept(ADA, "work", one.id, steps=None, ticks=others)
        assert {tick["id"] for tick in caught.value.details["ticks"]} == {tick.id for tick in found}
    assert orchestra.editing.draft_text(ADA, "work").text == before


HARMLESS: dict[str, list[dict[str, Any]]] = {
    "a title": [of("report", "title", "Report")],
    "a note": [{"op": "notes", "step": "issue", "text": "See the handbook."}],
    "another text": [of("report", "with.text", "Hello")],
    "a stricter condition": [of("report", "if", "{{ inputs.limit > 1 }}")],
    "one more condition": [of("issue", "if", "{{ mail.attachments.exists(a, !a.inline) && (mail.subject != '') }}")],
    "one more condition, written in another way": [
        of("issue", "if", '{{mail.subject!="" && (mail.attachments.exists(a, a.size > 1) && mail.can_reply)}}')
    ],
    "an approval": [of("report", "approve", "always")],
    "a lower budget": [of(None, "budget.run.usd", 0.5)],
    "less time": [of(None, "timeout_seconds", 60)],
    "fewer links": [unset(None, "links")],
    "another name": [{"op": "rename", "step": "target", "to": "place"}],
    "another name of a write": [{"op": "rename", "step": "issue", "to": "open_issue"}],
    "a step that computes": [added({"id": "count", "uses": "flow.set", "with": {"values": {"n": 1}}})],
    "more attempts": [of("issue", "retry", {"attempts": 5})],
    "another default": [of(None, "inputs.properties.limit.default", 9)],
    "the same guards under another name": [added({**GUARDED, "id": "more"}), {"op": "remove", "steps": ["guarded"]}],
    "a removed write": [{"op": "remove", "steps": ["report"]}],
    "the same place for a new write": [added({**REPORT, "id": "more"})],
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_leads_nowhere_new_needs_none(orchestra: Orchestra, name: str) -> None:
    """Too many ticks would be given without a look."""
    assert made(orchestra, HARMLESS[name], from_outside=False).ticks == []


def test_every_step_that_writes_needs_a_tick_for_where_it_writes(orchestra: Orchestra) -> None:
    """Also one whose fields are no places: what it is to do says where."""
    free = []
    for kind in map(step_type, step_types()):
        fields = dict.fromkeys(fields_schema(kind.fields).get("properties", {}), "x")
        if kind.effect_of(fields)[0] is Effect.WRITES:
            one = made(orchestra, [added({"id": "new", "uses": kind.name, "with": fields})], from_outside=False)
            free += [] if any(tick.kind == "destination" for tick in one.ticks) else [kind.name]
    assert free == []


def test_a_tick_shows_all_of_a_destination(orchestra: Orchestra) -> None:
    to = [f"somebody.with.a.long.name.{number}@example.org" for number in range(9)]
    one = made(orchestra, [of("report", "with.to", [*to, "eve@evil.example"])], from_outside=False)
    [tick] = [tick for tick in one.ticks if tick.kind == "destination"]
    assert "to newly has" in tick.words
    assert all(who in tick.words for who in (*to, "eve@evil.example"))


def test_only_what_is_decided_by_a_changed_input_needs_a_tick(orchestra: Orchestra) -> None:
    """And none is for a field that its step type does not know: nothing was sent there."""
    rev = orchestra.editing.canvas(ADA, "inbox-triage").rev
    ops = [of(None, "inputs.properties.repository.default", "acme/other")]
    one = orchestra.copilot.proposals.make(ADA, "inbox-triage", rev, ops, "", source="rules")
    assert [tick.words.partition(" ")[2].partition(" ")[0] for tick in one.ticks] == ["issue"], one.ticks


def test_a_change_of_a_write_tells_the_model_beside_it_nothing(orchestra: Orchestra) -> None:
    """The loop's output names the write, but comes after both."""
    rev = orchestra.editing.canvas(ADA, "inbox-triage").rev
    ops = [of("issue", "retry", {"attempts": 5})]
    one = orchestra.copilot.proposals.make(ADA, "inbox-triage", rev, ops, "", source="rules")
    assert (one.news.instructions, one.ticks) == ([], [])


def test_a_tick_for_something_else_does_not_count(orchestra: Orchestra) -> None:
    """The draft has changed since: what would result sends the same somewhere else."""
    ops = [of("report", "with.to", ["{{ steps.target.output.repository }}@example.org"])]
    one = made(orchestra, ops, from_outside=False)
    rev = orchestra.editing.draft_text(ADA, "work").state.rev
    orchestra.editing.apply(ADA, "work", rev, [of("target", "with.values.repository", "evil/app")])
    changed = orchestra.editing.draft_text(ADA, "work").text
    given = [tick.id for tick in one.ticks]
    try:
        with pytest.raises(InvalidInput, match="need a tick"):
            orchestra.copilot.proposals.accept(ADA, "work", one.id, steps=None, ticks=given)
        assert orchestra.editing.draft_text(ADA, "work").text == changed
    finally:
        orchestra.editing.discard(ADA, "work")


_ISSUE = {"id": "issue", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": "A"}}
_MAIL = {"id": "mail", "uses": "gmail.new_message", "with": {"query": "in:inbox"}}
_LONG = "a_name_that_goes_on == " + "1" * 90
"""More than a short sentence has room for."""
_ASKS = {"id": "ok", "uses": "flow.approve", "with": {"question": "Go on?"}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            {"steps": [_ISSUE]},
            {"steps": [{**_ISSUE, "with": {"repository": "evil/app", "title": "A"}}]},
            'Step issue (github.create_issue): repository "evil/app", before "acme/app".',
            id="destination",
        ),
        pytest.param(
            {"steps": [{**_ISSUE, "approve": "always"}]},
            {"steps": [_ISSUE]},
            'Step issue may write without being approved first: its approval is gone, which was "always".',
            id="approval",
        ),
        pytest.param(
            {"steps": [{**_ISSUE, "if": "{{ 1 > 2 }}"}]},
            {"steps": [_ISSUE]},
            'Step issue may run where it did not before: its condition is gone, which was "{{ 1 > 2 }}".',
            id="condition",
        ),
        pytest.param(
            {"steps": [_ISSUE]},
            {"steps": [{**_ISSUE, "on_error": "continue"}]},
            'Step issue may fail, and the run goes on: its rule for a failure is now "continue", before "fail".',
            id="failure",
        ),
        pytest.param(
            {"steps": [_ASKS, _ISSUE]},
            {"steps": [_ISSUE]},
            "Step ok (flow.approve), which asks a person before the run goes on, is removed.",
            id="question",
        ),
        pytest.param(
            {"steps": [_ASKS, _ISSUE]},
            {"steps": [_ISSUE, _ASKS]},
            "Step issue may run although ok holds the run back.",
            id="order",
        ),
        pytest.param(
            {"budget": {"tokens": 10}, "steps": [_ISSUE]},
            {"budget": {"tokens": 20}, "steps": [_ISSUE]},
            "The workflow may cost more: its budget.tokens is now 20, before 10.",
            id="budget",
        ),
        pytest.param(
            {"steps": [_ISSUE]},
            {"triggers": [_MAIL], "steps": [_ISSUE]},
            "Trigger mail is new (gmail.new_message). Starts when a mail arrives in Gmail (query: in:inbox). It starts "
            "nothing until you turn it on, which you can do once it is saved.",
            id="new-trigger",
        ),
        pytest.param(
            {"triggers": [_MAIL], "steps": [_ISSUE]},
            {"triggers": [{**_MAIL, "with": {"query": "in:all"}}], "steps": [_ISSUE]},
            "Trigger mail is changed (gmail.new_message). Starts when a mail arrives in Gmail (query: in:all). If it "
            "is on, this holds once it is saved; if it then watches something else, only when you turn it on again.",
            id="changed-trigger",
        ),
        pytest.param(
            {"triggers": [{**_MAIL, "connection": "mine"}], "steps": [_ISSUE]},
            {"triggers": [{**_MAIL, "connection": "work", "inputs": {"to": "eve@evil.example"}}], "steps": [_ISSUE]},
            "Trigger mail is changed (gmail.new_message). Starts when a mail arrives in Gmail (query: in:inbox). "
            'connection is now "work", before "mine". inputs is now {"to": "eve@evil.example"}. If it is on, this '
            "holds once it is saved; if it then watches something else, only when you turn it on again.",
            id="account-of-a-trigger",
        ),
        pytest.param(
            {"steps": [_ISSUE]},
            {"triggers": [{**_MAIL, "with": {"query": f"{_LONG} OR in:all"}}], "steps": [_ISSUE]},
            f"Trigger mail is new (gmail.new_message). Starts when a mail arrives in Gmail (query: {_LONG[:80]}…). "
            f'with is now {{"query": "{_LONG} OR in:all"}}. It starts nothing until you turn it on, which you can do '
            "once it is saved.",
            id="all-of-a-trigger",
        ),
        pytest.param(
            {"steps": [{**_ISSUE, "if": f"{{{{ {_LONG} }}}}"}]},
            {"steps": [{**_ISSUE, "if": f"{{{{ {_LONG} || true }}}}"}]},
            f'Step issue may run where it did not before: its condition is now "{{{{ {_LONG} || true }}}}", before '
            f'"{{{{ {_LONG} }}}}".',
            id="all-of-a-condition",
        ),
        pytest.param(
            {"steps": [_ISSUE]},
            {"steps": [{**_ISSUE, "allow": {"repository": [_LONG, "evil/app"]}}]},
            "Step issue may write to places that were refused: its list of allowed places is now "
            f'{{"repository": ["{_LONG}", "evil/app"]}}.',
            id="all-that-is-allowed",
        ),
        pytest.param(
            {"steps": [_ISSUE]},
            {"steps": [{**_ISSUE, "with": {"repository": "acme/app\u3164", "title": "A"}}]},
            'Step issue (github.create_issue): repository "acme/app[U+3164]", before "acme/app".',
            id="a-letter-that-shows-nothing",
        ),
        pytest.param(
            {"steps": [{**_ISSUE, "connection": "mine"}]},
            {"steps": [{**_ISSUE, "connection": "work"}]},
            'Step issue uses the connection "work", before "mine".',
            id="connection",
        ),
    ],
)
def test_a_tick_says_plainly_what_may_happen(old: dict[str, Any], new: dict[str, Any], said: str) -> None:
    assert said in [tick.words for tick in facts(old, new, (None, None), from_outside=False).ticks]


def test_a_tick_shows_all_of_an_instruction() -> None:
    """What a stranger's mail has a model or code told comes last: behind much that is harmless."""
    code = {"language": "python", "code": f"{'# Adds the numbers.' * 9}\nsend(everything)"}
    new = {"steps": [{"id": "sum", "uses": "code.run", "with": code}]}
    said = [one.words for one in facts({"steps": []}, new, (None, None), from_outside=True).ticks]
    assert any("send(everything)" in words for words in said), said
