"""Broken workflows by the code of their problem, and what their fix does: a table for the contract of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A broken workflow."""

    code: str
    name: str
    steps: list[Json]
    label: str
    """A part of the label of the fix."""
    ops: list[Json]
    """What the fix does."""
    more: Json = field(default_factory=dict)
    """Other keys of the workflow."""
    is_certain: bool = True
    """Whether it is also made when all is mended at once."""

    @property
    def document(self) -> dict[str, Any]:
        """The broken workflow."""
        return {"schema_version": 1, "title": "Broken", **self.more, "steps": [*self.steps]}


MAILS: Json = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 5}}
ISSUES: Json = {"id": "issues", "uses": "github.list_issues", "with": {"repository": "acme/app"}}


def set_(step: str, values: Json, **more: Any) -> Json:
    return {"id": step, **more, "uses": "flow.set", "with": {"values": values}}


def assert_(message: Any = "no", condition: str = "{{ true }}", **more: Any) -> Json:
    return {"id": "check", "uses": "flow.assert", **more, "with": {"condition": condition, "message": message}}


def each_mail(*steps: Json, **more: Any) -> Json:
    loop = {"id": "each_mail", "foreach": "{{ steps.mails.output.messages }}", "as": "mail", "key": "{{ mail.id }}"}
    return {**{name: one for name, one in {**loop, **more}.items() if one is not None}, "steps": [*steps]}


def issue(title: str = "{{ mail.subject }}", **more: Any) -> Json:
    return {"id": "issue", "uses": "github.create_issue", **more, "with": {"repository": "acme/app", "title": title}}


def put(step: str | None, field_: str, value: Any) -> Json:
    return {"op": "set", **({"step": step} if step else {}), "field": field_, "value": value}


def unset(step: str | None, field_: str) -> Json:
    return {"op": "unset", **({"step": step} if step else {}), "field": field_}


def expression(name: str, wrong: str, right: str, label: str = "") -> Case:
    """An expression in the loop over mails."""
    steps = [MAILS, each_mail(issue(f"{{{{ {wrong} }}}}"))]
    ops = [put("issue", "with.title", f"{{{{ {right} }}}}")]
    return Case("expression", name, steps, label or "Write ", ops)


INPUTS: Json = {"inputs": {"type": "object", "properties": {"limit": {"type": "integer", "default": 3}}}}
COUNTED = assert_("{{ string(size(steps.issues.output.issues)) }}")
COUNTED_MAILS = assert_("{{ string(size(steps.mails.output.messages)) }}")
LATER = set_("later", {"n": 1})

CASES = [
    Case(
        "connection",
        "a misspelt connection",
        [{**MAILS, "connection": "gmial"}, assert_("{{ size(steps.mails.output.messages) }} mails")],
        "Use the connection 'gmail'",
        [put("mails", "connection", "gmail")],
    ),
    Case(
        "connection",
        "a connection where none belongs",
        [assert_(connection="gmail")],
        "Take 'connection' out",
        [unset("check", "connection")],
    ),
    Case(
        "cycle",
        "steps that wait for each other",
        [set_("a", {"n": 1}, needs=["b"]), assert_("{{ string(steps.a.output.n) }}", needs=["a", "b"]),
         set_("b", {"n": "{{ steps.a.output.n }}"}, needs=["a"])],
        "Do not let 'a' wait for 'b'",
        [put("a", "needs", [])],
        is_certain=False,
    ),
    Case(
        "duplicate_id",
        "an id that two steps have",
        [assert_(), assert_()],
        "Call one of them 'check_2'",
        [{"op": "rename", "step": "check", "to": "check_2", "number": 2}],
    ),
    Case(
        "duplicate_id",
        "an id that two triggers have",
        [assert_()],
        "Call this one 'daily_2'",
        [put(None, "triggers.1.id", "daily_2")],
        {"triggers": [{"id": "daily", "uses": "schedule", "with": {"cron": "0 9 * * *"}},
                      {"id": "daily", "uses": "schedule", "with": {"cron": "0 8 * * *"}}]},
    ),
    expression("a misspelt field", "mail.subjekt", "mail.subject", "Write mail.subject instead of mail.subjekt"),
    expression("a misspelt loop name", "mial.subject", "mail.subject"),
    expression("a method of JavaScript", "mail.subject.toUpperCase()", "mail.subject.upperAscii()"),
    expression("a method of Python", "mail.subject.strip()", "mail.subject.trim()"),
    expression("a function in place of a method", "toUpperCase(mail.subject)", "mail.subject.upperAscii()"),
    expression("a method in place of a function", "string(mail.subject.len())", "string(size(mail.subject))"),
    expression("a property in place of a function", "string(mail.subject.length)", "string(size(mail.subject))"),
    expression("a sign of JavaScript", "mail.subject === 'x' ? 'a' : 'b'", "mail.subject == 'x' ? 'a' : 'b'"),
    expression("a choice of Python", "'a' if mail.subject == 'x' else 'b'", "mail.subject == 'x' ? 'a' : 'b'"),
    expression("a filter of Jinja", "mail.subject | trim", "mail.subject.trim()"),
    expression("text and a number", "'No. ' + index + mail.subject", "'No. ' + string(index) + mail.subject"),
    expression("numbers of two kinds", "string(1 + 1.5)", "string(double(1) + 1.5)"),
    Case(
        "expression",
        "a misspelt step",
        [MAILS, assert_("{{ string(size(steps.mals.output.messages)) }}")],
        "Write steps.mails.output.messages instead of steps.mals.output.messages",
        [put("check", "with.message", "{{ string(size(steps.mails.output.messages)) }}")],
    ),
    Case(
        "expression",
        "the output forgotten",
        [MAILS, assert_("{{ string(size(steps.mails.messages)) }}")],
        "Write steps.mails.output.messages instead of steps.mails.messages",
        [put("check", "with.message", "{{ string(size(steps.mails.output.messages)) }}")],
    ),
    Case(
        "expression",
        "a misspelt input",
        [assert_("{{ string(inputs.limmit) }}")],
        "Write inputs.limit instead of inputs.limmit",
        [put("check", "with.message", "{{ string(inputs.limit) }}")],
        INPUTS,
    ),
    Case(
        "expression",
        "braces left out",
        [MAILS, each_mail(issue(), foreach="steps.mails.output.messages")],
        "as 'foreach'",
        [put("each_mail", "foreach", "{{ steps.mails.output.messages }}")],
    ),
    Case(
        "expression",
        "braces not closed",
        [assert_("{{ string(inputs.limit)")],
        "as 'message'",
        [put("check", "with.message", "{{ string(inputs.limit) }}")],
        INPUTS,
    ),
    Case(
        "field",
        "a text in place of a list",
        [MAILS, each_mail({"id": "label", "uses": "gmail.add_labels",
                           "with": {"message": "{{ mail.id }}", "labels": "x"}})],
        'Write ["x"] as \'labels\'',
        [put("label", "with.labels", ["x"])],
    ),
    Case(
        "field",
        "a number in place of a text",
        [MAILS, each_mail({**issue(), "with": {"repository": "acme/app", "title": 5}})],
        "Write \"5\" as 'title'",
        [put("issue", "with.title", "5")],
    ),
    Case(
        "field",
        "a number beyond its limit",
        [{**MAILS, "with": {"query": "x", "limit": 100_000}}, COUNTED_MAILS],
        "Write 500 as 'limit'",
        [put("mails", "with.limit", 500)],
    ),
    Case(
        "field",
        "a misspelt option",
        [{**ISSUES, "with": {"repository": "acme/app", "state": "Closed"}}, COUNTED],
        "Write \"closed\" as 'state'",
        [put("issues", "with.state", "closed")],
    ),
    Case(
        "inputs",
        "inputs without properties",
        [assert_("{{ string(inputs.limit) }}")],
        "under 'properties'",
        [put(None, "inputs", {"type": "object", "properties": {"limit": {"type": "integer"}}})],
        {"inputs": {"limit": {"type": "integer"}}},
    ),
    Case(
        "inputs",
        "a misspelt type",
        [assert_("{{ string(inputs.limit) }}")],
        "Write \"integer\" as 'type'",
        [put(None, "inputs.properties.limit.type", "integer")],
        {"inputs": {"type": "object", "properties": {"limit": {"type": "integr"}}}},
    ),
    Case(
        "maybe_absent",
        "the output of a step that may be skipped",
        [{**ISSUES, "if": "{{ inputs.limit > 5 }}"}, COUNTED],
        "Skip 'check' unless steps.issues.output is there",
        [put("check", "if", "{{ has(steps.issues.output) }}")],
        INPUTS,
    ),
    Case(
        "missing_field",
        "a repository that all others have",
        [ISSUES, each_mail({"id": "comment", "uses": "github.comment",
                            "with": {"issue": "{{ one.number }}", "body": "Hi"}},
                           **{"foreach": "{{ steps.issues.output.issues }}", "as": "one", "key": "{{ one.number }}"})],
        "Give 'repository' the value \"acme/app\"",
        [put("comment", "with.repository", "acme/app")],
    ),
    Case(
        "missing_key",
        "no version",
        [assert_()],
        "Add 'schema_version': 1",
        [put(None, "schema_version", 1)],
        {"schema_version": None},
    ),
    Case(
        "needs",
        "a misspelt step that is waited for",
        [set_("first", {"n": 1}), assert_("{{ string(steps.first.output.n) }}", needs=["frist"])],
        "Write \"first\" as 'needs'",
        [put("check", "needs.0", "first")],
    ),
    Case(
        "never_so",
        "a misspelt status",
        [{**ISSUES, "on_error": "continue"}, assert_(condition="{{ steps.issues.status == 'suceeded' }}")],
        "Write 'succeeded' instead of 'suceeded'",
        [put("check", "with.condition", "{{ steps.issues.status == 'succeeded' }}")],
    ),
    Case(
        "no_key",
        "a loop that writes, without a key",
        [MAILS, each_mail(issue(), key=None)],
        "Know each mail by mail.id",
        [put("each_mail", "key", "{{ mail.id }}")],
    ),
    Case(
        "same_key",
        "a key that is the same for all",
        [MAILS, each_mail(issue(), key="{{ run.id }}")],
        "Know each mail by mail.id",
        [put("each_mail", "key", "{{ mail.id }}")],
    ),
    Case(
        "outside_key",
        "a key that strangers choose",
        [MAILS, each_mail(issue(), key="{{ mail.subject }}")],
        "Know each mail by mail.id",
        [put("each_mail", "key", "{{ mail.id }}")],
    ),
    Case(
        "once_without_write",
        "once on a step that writes nothing",
        [set_("a", {"n": 1}, once="{{ run.id }}"), assert_("{{ string(steps.a.output.n) }}")],
        "Take 'once' out",
        [unset("a", "once")],
        is_certain=False,
    ),
    Case(
        "order",
        "a step that comes later",
        [assert_("{{ string(steps.later.output.n) }}"), LATER],
        "Move 'check' behind 'later'",
        [{"op": "move", "steps": ["check"], "after": "later"}],
    ),
    Case(
        "outside_destination",
        "text from outside decides the recipient",
        [MAILS, each_mail({"id": "thanks", "uses": "gmail.send",
                           "with": {"to": ["{{ mail.from }}"], "subject": "Hi", "text": "Thanks"}})],
        "Ask me before each 'thanks'",
        [put("thanks", "approve", "always")],
    ),
    Case(
        "own_workflow",
        "a workflow that waits for itself",
        [assert_()],
        "Take \"broken\" out of 'workflows'",
        [unset(None, "triggers.0.with.workflows.0")],
        {"triggers": [{"id": "then", "uses": "workflow.finished", "with": {"workflows": ["broken", "inbox-triage"]}}]},
        is_certain=False,
    ),
    Case(
        "prompt_variable",
        "a misspelt variable of a prompt",
        [{"id": "kind", "uses": "llm.extract", "with": {"prompt": "classify-mail", "variables": {"txt": "Hello"}}},
         assert_("{{ text(steps.kind.output) }}")],
        "Rename 'txt' to 'text'",
        [put("kind", "with.variables.text", "Hello"), unset("kind", "with.variables.txt")],
    ),
    Case(
        "type",
        "a number where text is taken",
        [assert_("{{ inputs.limit }}")],
        "Write string(inputs.limit) instead of inputs.limit",
        [put("check", "with.message", "{{ string(inputs.limit) }}")],
        INPUTS,
    ),
    Case(
        "type",
        "an output in place of its list",
        [MAILS, each_mail(issue(), foreach="{{ steps.mails.output }}")],
        "Write steps.mails.output.messages instead of steps.mails.output",
        [put("each_mail", "foreach", "{{ steps.mails.output.messages }}")],
    ),
    Case(
        "type",
        "a text where a list is taken",
        [MAILS, each_mail({"id": "label", "uses": "gmail.add_labels",
                           "with": {"message": "{{ mail.id }}", "labels": "{{ mail.subject }}"}})],
        "Write [mail.subject] instead of mail.subject; Ask me before each 'label'",
        [put("label", "with.labels", "{{ [mail.subject] }}"), put("label", "approve", "always")],
    ),
    Case(
        "unknown_error",
        "a misspelt error",
        [{**ISSUES, "retry": {"attempts": 2, "on": ["RateLimitd"]}}, COUNTED],
        "Write \"RateLimited\" as 'on'",
        [put("issues", "retry.on.0", "RateLimited")],
    ),
    Case(
        "unknown_field",
        "a misspelt field of a step",
        [MAILS, each_mail({**issue(), "with": {"repository": "acme/app", "titel": "{{ mail.subject }}"}})],
        "Rename 'titel' to 'title'",
        [put("issue", "with.title", "{{ mail.subject }}"), unset("issue", "with.titel")],
    ),
    Case(
        "unknown_field",
        "a key of the step among its fields",
        [MAILS, each_mail({**issue(), "with": {"repository": "acme/app", "title": "x", "approve": "always"}})],
        "Move 'approve' out of 'with'",
        [put("issue", "approve", "always"), unset("issue", "with.approve")],
    ),
    Case(
        "unknown_field",
        "a field that there is not",
        [MAILS, each_mail({**issue(), "with": {"repository": "acme/app", "title": "x", "zzz": 1}})],
        "Take 'zzz' out",
        [unset("issue", "with.zzz")],
        is_certain=False,
    ),
    Case(
        "unknown_key",
        "a misspelt key",
        [MAILS, each_mail(issue(aprove="always"))],
        "Rename 'aprove' to 'approve'",
        [put("issue", "approve", "always"), unset("issue", "aprove")],
    ),
    Case(
        "unknown_key",
        "a field beside 'with'",
        [MAILS, each_mail({"id": "issue", "uses": "github.create_issue", "title": "x", "body": "Text",
                           "with": {"repository": "acme/app", "title": "x"}})],
        "Move 'body' into 'with'",
        [put("issue", "with.body", "Text"), unset("issue", "body")],
    ),
    Case(
        "unknown_key",
        "a misspelt key of the workflow",
        [assert_()],
        "Rename 'descripton' to 'description'",
        [put(None, "description", "Text"), unset(None, "descripton")],
        {"descripton": "Text"},
    ),
    Case(
        "unknown_prompt",
        "a misspelt prompt",
        [{"id": "kind", "uses": "llm.extract", "with": {"prompt": "clasify-mail", "variables": {"text": "Hello"}}},
         assert_("{{ text(steps.kind.output) }}")],
        "Write \"classify-mail\" as 'prompt'",
        [put("kind", "with.prompt", "classify-mail")],
    ),
    Case(
        "unknown_step_type",
        "a misspelt step type",
        [{**ISSUES, "uses": "github.list_isues"}, COUNTED],
        "Use github.list_issues",
        [put("issues", "uses", "github.list_issues")],
    ),
    Case(
        "unknown_step_type",
        "another word for it",
        [MAILS, each_mail({**issue(), "uses": "github.new_issue"})],
        "Use github.create_issue",
        [put("issue", "uses", "github.create_issue")],
    ),
    Case(
        "unknown_step_type",
        "a type whose fields are misspelt, too",
        [MAILS, each_mail({"id": "issue", "uses": "github.create_isue",
                           "with": {"repository": "acme/app", "titel": "x"}})],
        "Use github.create_issue; Rename 'titel' to 'title'",
        [put("issue", "uses", "github.create_issue"), put("issue", "with.title", "x"), unset("issue", "with.titel")],
    ),
    Case(
        "unknown_trigger_type",
        "a misspelt trigger",
        [assert_()],
        "Use schedule",
        [put(None, "triggers.0.uses", "schedule")],
        {"triggers": [{"id": "daily", "uses": "shedule", "with": {"cron": "0 9 * * *"}}]},
    ),
    Case(
        "unknown_workflow",
        "a misspelt workflow",
        [{"id": "call", "uses": "workflow.run", "with": {"workflow": "callde", "inputs": {"text": "x"}}}],
        "Write \"called\" as 'workflow'",
        [put("call", "with.workflow", "called")],
    ),
    Case(
        "workflow_input",
        "a misspelt input of a called workflow",
        [{"id": "call", "uses": "workflow.run", "with": {"workflow": "called", "inputs": {"txt": "x"}}}],
        "Rename 'txt' to 'text'",
        [put("call", "with.inputs.text", "x"), unset("call", "with.inputs.txt")],
    ),
    Case(
        "unused_input",
        "an input that nothing uses",
        [assert_()],
        "Take 'limit' out",
        [unset(None, "inputs.properties.limit")],
        INPUTS,
        is_certain=False,
    ),
    Case(
        "wrong_type",
        "a text in place of a number of a step",
        [assert_(timeout_seconds="5")],
        "Write 5 as 'timeout_seconds'",
        [put("check", "timeout_seconds", 5)],
    ),
    Case(
        "wrong_type",
        "a number in place of a text",
        [assert_()],
        "Write \"5\" as 'title'",
        [put(None, "title", "5")],
        {"title": 5},
    ),
    Case(
        "wrong_value",
        "an id that is not a name",
        [{**assert_(), "id": "CheckAll"}],
        "Call the step 'check_all'",
        [{"op": "rename", "step": "CheckAll", "to": "check_all"}],
    ),
    Case(
        "wrong_value",
        "an id in letters that no name has",
        [MAILS, each_mail({**issue("x"), "id": "新问题_"}), assert_()],
        "Call the step 'create_issue'",
        [{"op": "rename", "step": "新问题_", "to": "create_issue"}],
    ),
    Case(
        "wrong_value",
        "an id with marks on its letters",
        [{**assert_(), "id": "prüfung"}],
        "Call the step 'prufung'",
        [{"op": "rename", "step": "prüfung", "to": "prufung"}],
    ),
    Case(
        "wrong_value",
        "a key of loops without a loop",
        [assert_(parallel=2)],
        "Take 'parallel' out",
        [unset("check", "parallel")],
    ),
]  # fmt: skip
