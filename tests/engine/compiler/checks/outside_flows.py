"""Small workflows through every construct of the language: which of their fields take text from outside.

A row is (name, document, breaches); a breach is (field, the path of the text in the message, from the field back to its
source). `test_outside_text.py` compiles them; without breaches a workflow is valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Breach = tuple[str, str]
Row = tuple[str, Mapping[str, Any], Sequence[Breach]]

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "address": {"type": "string"},
        "team": {"enum": ["a@example.org", "b@example.org"]},
        "teams": {"type": "array", "items": {"enum": ["a@example.org"]}},
        "all": {"type": "array", "items": {"type": "string"}},
        "urgent": {"type": "boolean"},
        "number": {"type": "integer"},
        "due": {"type": "string", "format": "date-time"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
TEXT = {"type": "string"}


def step(name: str, uses: str, fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "uses": uses, "with": dict(fields), **more}


def flow(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema_version": 1, "title": "Work", **more, "steps": list(steps)}


def inputs(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def run(name: str, workflow: str, given: Any, **more: Any) -> dict[str, Any]:
    return step(name, "workflow.run", {"workflow": workflow, "inputs": given}, **more)


def put(name: str, **values: Any) -> dict[str, Any]:
    return step(name, "flow.set", {"values": values})


def send(to: Any, **more: Any) -> dict[str, Any]:
    return step("send", "gmail.send", {"to": to, "subject": "s", "text": "t"}, **more)


def page(database: str, **more: Any) -> dict[str, Any]:
    return step("page", "notion.create_page", {"database": database, "title": "t"}, **more)


def ask(text: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Read it."}, {"role": "user", "content": text}]
    return step("ask", "llm.extract", {"messages": messages, "schema": SCHEMA}, **more)


def extract(schema: Mapping[str, Any]) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Read it."}, {"role": "user", "content": "{{ steps.mail.output.text }}"}]
    return step("ask", "llm.extract", {"messages": messages, "schema": dict(schema)})


def keep(documents: Any) -> dict[str, Any]:
    return step("keep", "rag.index", {"collection": "mail", "documents": documents})


MAIL = step("mail", "gmail.get_message", {"message": "m1"})
MAILS = step("mails", "gmail.search_messages", {"query": "in:inbox"})
ASK = ask("{{ steps.mail.output.text }}")
ISSUE = step("issue", "github.get_issue", {"repository": "acme/app", "issue": 1})
GET = step("get", "http.request", {"url": "https://example.com/a"})
TO = "steps.send.with.to"
SUBJECT = "the subject of the mail (`steps.mail.output.subject`)"
BODY = "the text of the mail (`steps.mail.output.text`)"
ANSWER = f"`steps.ask.output.address`, which comes from {BODY}"
ADDRESS = "{{ steps.ask.output.address }}"


def each(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "each", "foreach": "{{ steps.mails.output.messages }}", "as": "m", "key": "{{ m.id }}",
            "steps": list(steps), **more}  # fmt: skip


def group(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "group", "steps": list(steps), **more}


def trigger(uses: str, given: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "new", "uses": uses, "with": fields, "inputs": dict(given)}


LOOPED = "`steps.mails.output.messages"
FROM_LOOP = f"the subject of the mail ({LOOPED}.subject`)"
QUOTES = "a message of an error, which may quote anything"
SAID = "{{ steps.mail.output.subject }}"
WRITTEN = "{{ steps.mail.output.text }}"

# fmt: off
EXPRESSIONS: Sequence[Row] = [
    ("a constant", flow(send("me@example.org")), []),
    ("text as HTML of a mail", flow(MAIL, step("send", "gmail.send", {"to": "a@b.c", "html": f"<p>{SAID}</p>"})),
     [("steps.send.with.html", SUBJECT)]),
    ("where answers go", flow(MAIL, step("send", "gmail.send", {"to": "a@b.c", "text": "t", "reply_to": SAID})),
     [("steps.send.with.reply_to", SUBJECT)]),
    ("text as content", flow(MAIL, step("send", "gmail.send", {"to": "a@b.c", "subject": SAID, "text": WRITTEN})), []),
    ("an id of the service", flow(MAIL, step("label", "gmail.add_labels", {"message": "{{ steps.mail.output.id }}",
     "labels": ["x"]})), []),
    ("words of a page's address", flow(ISSUE, send("{{ steps.issue.output.url.split('/')[0] }}@x.y")),
     [(TO, "the address of the issue (`steps.issue.output.url`)")]),
    ("the address of a mail, which has ids only", flow(MAIL, send("{{ steps.mail.output.url }}")), []),
    ("where a mail wants answers", flow(MAIL, send("{{ steps.mail.output.reply_to }}")),
     [(TO, "the reply-to of the mail (`steps.mail.output.reply_to`)")]),
    ("where a list lets people unsubscribe", flow(MAIL, step("leave", "http.request", {"method": "POST",
     "url": "{{ steps.mail.output.list.unsubscribe }}"})), [("steps.leave.with.url",
     "the unsubscribe address of the mail (`steps.mail.output.list.unsubscribe`)")]),
    ("a header that somebody wrote", flow(step("mail", "gmail.get_message", {"message": "m1", "headers": ["X-To"]}),
     send("{{ steps.mail.output.headers['X-To'] }}")),
     [(TO, "`steps.mail.output.headers.X-To` (mail)")]),
    ("the server that a mail names", flow(MAIL, send("{{ steps.mail.output.authentication.server }}")),
     [(TO, "the server of the mail (`steps.mail.output.authentication.server`)")]),
    ("what a mail is like", flow(MAIL, send("{{ steps.mail.output.importance }}@example.org")), []),
    ("whether its sender is confirmed", flow(MAIL, send("{{ steps.mail.output.authentication.dmarc }}@a.example")), []),
    ("a whole field", flow(MAIL, send(SAID)), [(TO, SUBJECT)]),
    ("mixed text", flow(MAIL, send("{{ steps.mail.output.subject }}@example.org")), [(TO, SUBJECT)]),
    ("in a list", flow(MAIL, send(["a@example.org", SAID])), [(TO, SUBJECT)]),
    ("concatenation", flow(MAIL, send("{{ 'x' + steps.mail.output.subject }}")), [(TO, SUBJECT)]),
    ("a function", flow(MAIL, send("{{ steps.mail.output.subject.trim().split(',')[0] }}")), [(TO, SUBJECT)]),
    ("format", flow(MAIL, send("{{ '%s'.format([steps.mail.output.subject]) }}")), [(TO, SUBJECT)]),
    ("json of an object", flow(MAIL, send("{{ json(steps.mail.output) }}")), [(TO, "`steps.mail.output` (mail)")]),
    ("json of all of a step", flow(MAIL, send("{{ json(steps.mail) }}")),
     [(TO, ("`steps.mail`, which comes from `steps.mail.output` (mail) and `steps.mail.error.message` "
       "(a message of an error, which may quote anything)"))]),
    ("a number", flow(MAIL, send("{{ size(steps.mail.output.text) }}@example.org")), []),
    ("a truth value", flow(MAIL, send("{{ steps.mail.output.text.contains('x') }}@example.org")), []),
    ("a date", flow(MAIL, send("{{ string(timestamp(steps.mail.output.text)) }}@example.org")), []),
    ("chooses between constants", flow(MAIL, send("{{ steps.mail.output.subject == 'x' ? 'a@b.c' : 'd@b.c' }}")), []),
    ("looks a constant up", flow(MAIL, send("{{ {'x': 'a@b.c'}[steps.mail.output.subject] }}")), []),
    ("one of two cases", flow(MAIL, send("{{ steps.mail.output.can_reply ? steps.mail.output.subject : 'a@b.c' }}")),
     [(TO, SUBJECT)]),
    ("default()", flow(MAIL, send("{{ default(steps.mail.output.subject, 'a@b.c') }}")), [(TO, SUBJECT)]),
    ("the other value of default()", flow(MAIL, send("{{ default(steps.mail.output.id, steps.mail.output.subject) }}")),
     [(TO, SUBJECT)]),
    ("map", flow(MAILS, send("{{ steps.mails.output.messages.map(m, m.subject) }}")), [(TO, FROM_LOOP)]),
    ("map of ids", flow(MAILS, send("{{ steps.mails.output.messages.map(m, m.id) }}")), []),
    ("filter and map", flow(MAILS, send("{{ steps.mails.output.messages.filter(m, m.can_reply).map(m, m.subject) }}")),
     [(TO, FROM_LOOP)]),
    ("an index", flow(MAILS, send("{{ steps.mails.output.messages[0].subject }}")), [(TO, FROM_LOOP)]),
    ("the keys of an object", flow(GET, send("{{ steps.get.output.headers.map(k, k) }}")),
     [(TO, "`steps.get.output.headers` (answer of http.request)")]),
    ("a literal's clean field", flow(MAIL, send("{{ {'a': steps.mail.output.subject, 'b': 'a@b.c'}.b }}")), []),
    ("a literal's other field", flow(MAIL, send("{{ {'a': steps.mail.output.subject, 'b': 'x'}.a }}")),
     [(TO, SUBJECT)]),
    ("the id of a document, in a list", flow(MAIL, keep([{"id": SAID, "text": WRITTEN}])),
     [("steps.keep.with.documents.0.id", SUBJECT)]),
    ("the id of a document, computed",
     flow(MAILS, keep("{{ steps.mails.output.messages.map(m, {'id': m.subject, 'text': m.text}) }}")),
     [("steps.keep.with.documents", FROM_LOOP)]),
    ("documents with the ids of mails",
     flow(MAILS, keep("{{ steps.mails.output.messages.map(m, {'id': m.id, 'text': m.text}) }}")), []),
    ("documents with the paths of files", flow(step("find", "file.list", {"folder": "docs"}),
     keep("{{ steps.find.output.files.map(f, {'id': f.path, 'text': f.name}) }}")), []),
]

PATTERNED = {"type": "object", "patternProperties": {"^a": {"type": "string"}},
             "additionalProperties": {"type": "integer"}}
DATES = {"type": "array", "items": {"type": "string"}, "format": "date"}
SCHEMAS: Sequence[Row] = [
    ("a name by its pattern", flow(MAIL, extract(PATTERNED), send("{{ steps.ask.output.abc }}")),
     [(TO, f"`steps.ask.output.abc`, which comes from {BODY}")]),
    ("a list that calls itself a date", flow(MAIL, extract({"type": "object", "properties": {"all": DATES}}),
     send("{{ steps.ask.output.all.join('') }}")), [(TO, f"`steps.ask.output.all`, which comes from {BODY}")]),
    ("a language to write in", flow(MAIL, step("sum", "llm.summarize", {"text": "x", "language": SAID})),
     [("steps.sum.with.language", SUBJECT)]),
]

LISTED = "{{ steps.mail.output.subject in ['a@b.c', 'd@b.c'] ? steps.mail.output.subject : 'a@b.c' }}"
KNOWN: Sequence[Row] = [
    ("found in a list of literals", flow(MAIL, send(LISTED)), []),
    (
        "the wrong case of it",
        flow(MAIL, send("{{ steps.mail.output.subject in ['a@b.c'] ? 'x' : steps.mail.output.subject }}")),
        [(TO, SUBJECT)],
    ),
    (
        "an if with a list of literals",
        flow(MAIL, send(SAID, **{"if": "{{ steps.mail.output.subject in ['a@b.c'] }}"})),
        [],
    ),
    (
        "an if about another field",
        flow(MAIL, send(WRITTEN, **{"if": "{{ steps.mail.output.subject in ['a@b.c'] }}"})),
        [(TO, BODY)],
    ),
    (
        "an if of the group around it",
        flow(
            MAIL,
            group(
                send(SAID),
                **{"if": "{{ steps.mail.output.subject == 'a@b.c' && size(steps.mail.output.text) > 1 }}"},
            ),
        ),
        [],
    ),
    (
        "either of two texts",
        flow(
            MAIL,
            send(
                SAID,
                **{"if": "{{ steps.mail.output.subject == 'a@b.c' || steps.mail.output.subject == 'd@b.c' }}"},
            ),
        ),
        [],
    ),
    (
        "one side says nothing",
        flow(
            MAIL,
            send(
                SAID,
                **{"if": "{{ steps.mail.output.subject == 'a@b.c' || steps.mail.output.can_reply }}"},
            ),
        ),
        [(TO, SUBJECT)],
    ),
    (
        "a negated if",
        flow(
            MAIL, send(SAID, **{"if": "{{ !(steps.mail.output.subject in ['a@b.c']) }}"})
        ),
        [(TO, SUBJECT)],
    ),
    (
        "only a prefix",
        flow(
            MAIL, send(SAID, **{"if": "{{ steps.mail.output.subject.startsWith('a') }}"})
        ),
        [(TO, SUBJECT)],
    ),
    (
        "an expression against a pattern",
        flow(
            MAIL,
            send(
                SAID, **{"if": "{{ steps.mail.output.subject.matches('.*@example.org') }}"}
            ),
        ),
        [(TO, SUBJECT)],
    ),
    (
        "equal to an id",
        flow(
            MAIL,
            send(
                SAID, **{"if": "{{ steps.mail.output.subject == steps.mail.output.id }}"}
            ),
        ),
        [],
    ),
    (
        "equal to other text",
        flow(
            MAIL,
            send(
                SAID, **{"if": "{{ steps.mail.output.subject == steps.mail.output.text }}"}
            ),
        ),
        [(TO, SUBJECT)],
    ),
    (
        "in a list that a person gives",
        flow(
            MAIL,
            send(SAID, **{"if": "{{ steps.mail.output.subject in inputs.team }}"}),
            inputs=inputs(team={"type": "array", "items": TEXT}),
        ),
        [],
    ),
    (
        "in a list from outside",
        flow(
            MAILS,
            MAIL,
            send(
                SAID,
                **{"if": "{{ steps.mail.output.subject in steps.mails.output.messages.map(m, m.text) }}"},
            ),
        ),
        [(TO, SUBJECT)],
    ),
    (
        "filtered by a list",
        flow(MAILS, send("{{ steps.mails.output.messages.map(m, m.subject).filter(s, s in ['a@b.c']) }}")),
        [],
    ),
]

MODELS: Sequence[Row] = [
    ("a free text of a model", flow(MAIL, ASK, send(ADDRESS)), [(TO, ANSWER)]),
    ("an enum of a model", flow(MAIL, ASK, send("{{ steps.ask.output.team }}")), []),
    ("a list of enums", flow(MAIL, ASK, send("{{ steps.ask.output.teams }}")), []),
    ("a list of texts", flow(MAIL, ASK, send("{{ steps.ask.output.all }}")),
     [(TO, f"`steps.ask.output.all`, which comes from {BODY}")]),
    ("a number of a model", flow(MAIL, ASK, step("label", "github.add_labels", {"repository": "acme/app",
     "issue": "{{ steps.ask.output.number }}", "labels": ["x"]})), []),
    ("a time of a model", flow(MAIL, ASK, send("{{ steps.ask.output.due }}@example.org")), []),
    ("names in an object of numbers", flow(MAIL, ASK, send("{{ steps.ask.output.counts.map(k, k) }}")),
     [(TO, f"`steps.ask.output.counts`, which comes from {BODY}")]),
    ("a model that read nothing of others", flow(ask("Make up an address."), send(ADDRESS)), []),
    ("a model that read an id", flow(MAIL, ask("{{ steps.mail.output.id }}"), send(ADDRESS)), []),
    ("two models", flow(MAIL, ASK, step("second", "llm.chat", {"messages": [{"role": "user", "content": ADDRESS}]}),
     send("{{ steps.second.output.text }}")), [(TO, f"`steps.second.output.text`, which comes from {ANSWER}")]),
    ("a summary", flow(MAIL, step("sum", "llm.summarize", {"text": WRITTEN}),
     send("{{ steps.sum.output.text }}")), [(TO, f"`steps.sum.output.text`, which comes from {BODY}")]),
    ("a label", flow(MAIL, step("sort", "llm.classify", {"text": WRITTEN,
     "labels": ["a@b.c", "d@b.c"]}), send("{{ steps.sort.output.label }}")), []),
    ("the reason of a label", flow(MAIL, step("sort", "llm.classify", {"text": WRITTEN,
     "labels": ["a@b.c", "d@b.c"]}), send("{{ steps.sort.output.reason }}")),
     [(TO, f"`steps.sort.output.reason`, which comes from {BODY}")]),
    ("a system message", flow(MAIL, step("ask", "llm.chat", {"messages": [
        {"role": "system", "content": WRITTEN}, {"role": "user", "content": "x"}]})),
     [("steps.ask.with.messages.0.content", BODY)]),
    ("a user's message", flow(MAIL, step("ask", "llm.chat", {"messages": [
        {"role": "user", "content": WRITTEN}]})), []),
    ("messages as one expression", flow(MAIL, put("said", all=[{"role": "user", "content": WRITTEN}]),
     step("ask", "llm.chat", {"messages": "{{ steps.said.output.all }}"})),
     [("steps.ask.with.messages", f"`steps.said.output.all`, which comes from {BODY}")]),
    ("instructions of a step", flow(MAIL, step("sum", "llm.summarize", {"text": "x", "focus": SAID})),
     [("steps.sum.with.focus", SUBJECT)]),
    ("labels from outside", flow(MAIL, step("sort", "llm.classify", {"text": "x", "labels": ["a", SAID]})),
     [("steps.sort.with.labels", SUBJECT)]),
    ("a variable of a prompt", flow(MAIL, step("ask", "llm.chat", {"prompt": "reply@production",
     "variables": {"text": WRITTEN, "tone": "kind"}})), []),
    ("a variable in the instructions of a prompt", flow(MAIL, step("ask", "llm.chat", {"prompt": "reply@production",
     "variables": {"text": "x", "tone": WRITTEN}})),
     [("steps.ask.with.variables.tone", BODY)]),
    ("the answer to a prompt", flow(MAIL, step("ask", "llm.chat", {"prompt": "reply@production",
     "variables": {"text": WRITTEN, "tone": "kind"}}), send("{{ steps.ask.output.text }}")),
     [(TO, f"`steps.ask.output.text`, which comes from {BODY}")]),
]

STRUCTURE: Sequence[Row] = [
    ("through flow.set", flow(MAIL, put("kept", to=SAID, id="{{ steps.mail.output.id }}"),
     send("{{ steps.kept.output.to }}")), [(TO, SUBJECT)]),
    ("a clean value beside it", flow(MAIL, put("kept", to=SAID, other="a@b.c"),
     send("{{ steps.kept.output.other }}")), []),
    ("an object through flow.set", flow(MAIL, put("kept", mail="{{ steps.mail.output }}"),
     step("label", "gmail.add_labels", {"message": "{{ steps.kept.output.mail.id }}", "labels": ["x"]})), []),
    ("mixed text through flow.set", flow(MAIL, put("kept", to="{{ steps.mail.output.subject }}@b.c"),
     send("{{ steps.kept.output.to }}")), [(TO, f"`steps.kept.output.to`, which comes from {SUBJECT}")]),
    ("a group's step", flow(MAIL, group(put("kept", to=SAID, b="a@b.c")),
     send("{{ steps.group.output.kept.to }}")), [(TO, SUBJECT)]),
    ("a group's clean step", flow(MAIL, group(put("kept", to=SAID, b="a@b.c")),
     send("{{ steps.group.output.kept.b }}")), []),
    ("a group's output", flow(MAIL, group(put("kept", to=SAID),
     output={"to": "{{ steps.kept.output.to }}", "id": "{{ steps.mail.output.id }}"}),
     send("{{ steps.group.output.to }}")), [(TO, SUBJECT)]),
    ("the item of a loop", flow(MAILS, each(send("{{ m.subject }}"))), [(TO, FROM_LOOP)]),
    ("the id of an item", flow(MAILS, each(step("label", "gmail.add_labels", {"message": "{{ m.id }}",
     "labels": ["x"]}))), []),
    ("an index", flow(MAILS, each(send("{{ index }}@example.org"))), []),
    ("a key made of text", flow(MAILS, each(send("{{ key }}"), key="{{ m.subject }}")), [(TO, FROM_LOOP)]),
    ("a loop around one call", flow(MAILS, {**send("{{ m.subject }}"), "foreach": "{{ steps.mails.output.messages }}",
     "as": "m", "key": "{{ m.id }}"}), [(TO, FROM_LOOP)]),
    ("the output of a loop", flow(MAILS, each(put("kept", to="{{ m.subject }}")),
     send("{{ steps.each.output.filter(e, has(e.kept)).map(e, e.kept.to) }}")), [(TO, FROM_LOOP)]),
    ("the keys of a loop", flow(MAILS, each(put("kept", to="{{ m.subject }}")),
     send("{{ steps.each.output.map(e, e.key) }}")), []),
    ("the errors of a loop", flow(MAILS, each(put("kept", to="{{ m.id }}"), on_item_error="continue"),
     send("{{ steps.each.output.filter(e, e.status == 'failed').map(e, text(e.error)) }}")),
     [(TO, f"`steps.each.output.error`, which comes from `steps.each.output.error.message` ({QUOTES})")]),
    ("loops in each other", flow(MAILS, each({"id": "inner", "foreach": "{{ m.attachments }}", "as": "a",
     "key": "{{ a.id }}", "steps": [send("{{ a.name }}")]})),
     [(TO, f"the name of the mail ({LOOPED}.attachments.name`)")]),
    ("a loop over clean texts", flow({"id": "each", "foreach": "{{ ['a@b.c'] }}", "as": "m", "key": "{{ m }}",
     "steps": [send("{{ m }}")]}), []),
    ("the error of a step", flow({**GET, "on_error": "continue"},
     send("{{ steps.get.error.message }}", **{"if": "{{ steps.get.status == 'failed' }}"})),
     [(TO, f"`steps.get.error.message` ({QUOTES})")]),
    ("the type of an error", flow({**GET, "on_error": "continue"},
     send("{{ steps.get.error.type }}", **{"if": "{{ steps.get.status == 'failed' }}"})), []),
    ("in a fallback", flow({**GET, "on_error": {"steps": [send("{{ error.message }}")]}}),
     [(TO, f"`error.message` ({QUOTES})")]),
    ("the output of a fallback", flow(MAIL, {**ask("x"), "on_error": {"steps": [
        step("other", "llm.extract", {"messages": [{"role": "user", "content": WRITTEN}],
                                      "schema": SCHEMA})]}}, send(ADDRESS)),
     [(TO, f"`steps.other.output.address`, which comes from {BODY}")]),
    ("after a failure", flow(MAIL, on_failure=[send("{{ error.message }}")]),
     [(TO, f"`error.message` ({QUOTES})")]),
    ("needs out of order", flow(send("{{ steps.kept.output.to }}", needs=["kept"]), MAIL | {"needs": []},
     put("kept", to=SAID) | {"needs": ["mail"]}), [(TO, SUBJECT)]),
    ("a step that never runs", flow(MAIL, send(SAID, **{"if": False})), []),
    ("an issue's author", flow(ISSUE, step("set", "github.set_assignees", {"repository": "acme/app", "issue": 1,
     "assignees": ["{{ steps.issue.output.author }}"]})),
     [("steps.set.with.assignees.0", "the author of the issue (`steps.issue.output.author`)")]),
    ("an address to read", flow(GET, step("next", "http.request", {"url": "{{ steps.get.output.json.next }}"})),
     [("steps.next.with.url", "`steps.get.output.json.next` (answer of http.request)")]),
    ("a path of a file", flow(ISSUE, step("file", "github.put_file", {"repository": "acme/app", "text": "x",
     "path": "{{ steps.issue.output.title }}.md", "message": "m", "branch": "main"})),
     [("steps.file.with.path", "the title of the issue (`steps.issue.output.title`)")]),
    ("a database of Notion", flow(MAIL, ASK, page(ADDRESS)), [("steps.page.with.database", ANSWER)]),
    ("a page that a search found", flow(step("found", "notion.search", {"words": "x"}),
     {"id": "each", "foreach": "{{ steps.found.output.results }}", "as": "p", "key": "{{ p.id }}", "steps": [
         step("note", "notion.append_markdown", {"page": "{{ p.id }}", "markdown": "x"})]}), []),
    ("a page named by a title", flow(step("found", "notion.search", {"words": "x"}),
     {"id": "each", "foreach": "{{ steps.found.output.results }}", "as": "p", "key": "{{ p.id }}", "steps": [
         step("note", "notion.append_markdown", {"page": "{{ p.title }}", "markdown": "x"})]}),
     [("steps.note.with.page", "the title of the page (`steps.found.output.results.title`)")]),
]

ITEM = "(`triggers.new.item"
STARTS: Sequence[Row] = [
    ("an input of a person", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT)), []),
    ("an input from a trigger", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT),
     triggers=[trigger("gmail.new_message", {"to": "{{ item.subject }}"})]),
     [(TO, f"`inputs.to`, which comes from the subject of the mail {ITEM}.subject`)")]),
    ("the id of a row, which may be any text", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT),
     triggers=[trigger("sql.new_row", {"to": "{{ item.id }}"}, table="t", column="at", key="email")]),
     [(TO, f"`inputs.to`, which comes from the id of the database {ITEM}.id`)")]),
    ("the id of a row as a number", flow(send("{{ inputs.to }}@example.org"), inputs=inputs(to={"type": "integer"}),
     triggers=[trigger("sql.new_row", {"to": "{{ int(item.id) }}"}, table="t", column="id")]), []),
    ("a clean input from a trigger", flow(send("{{ inputs.to }}@example.org"), inputs=inputs(to=TEXT),
     triggers=[trigger("gmail.new_message", {"to": "{{ item.id }}"})]), []),
    ("a constant input from a trigger", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT),
     triggers=[trigger("gmail.new_message", {"to": "me@example.org"})]), []),
    ("an enum input from a trigger", flow(send("{{ inputs.to }}"), inputs=inputs(to={"enum": ["a@b.c", "d@b.c"]}),
     triggers=[trigger("gmail.new_message", {"to": "{{ item.subject }}"})]), []),
    ("an object from a trigger", flow(send("{{ inputs.mail.subject }}"), inputs=inputs(mail={"type": "object"}),
     triggers=[trigger("gmail.new_message", {"mail": "{{ item }}"})]),
     [(TO, f"`inputs.mail.subject`, which comes from the subject of the mail {ITEM}.subject`)")]),
    ("the id in an object from a trigger", flow(step("label", "gmail.add_labels", {"message": "{{ inputs.mail.id }}",
     "labels": ["x"]}), inputs=inputs(mail={"type": "object"}),
     triggers=[trigger("gmail.new_message", {"mail": "{{ item }}"})]), []),
    ("the name of a new file", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT),
     triggers=[trigger("folder.new_file", {"to": "{{ item.name }}"}, path="in")]),
     [(TO, f"`inputs.to`, which comes from the name of the item {ITEM}.name`)")]),
    ("one of two triggers", flow(send("{{ inputs.to }}"), inputs=inputs(to=TEXT), triggers=[
        trigger("schedule", {"to": "me@example.org"}, every_seconds=3600),
        {**trigger("gmail.new_message", {"to": "{{ item.subject }}"}), "id": "mail"}]),
     [(TO, "`inputs.to`, which comes from the subject of the mail (`triggers.mail.item.subject`)")]),
    ("an issue from a trigger", flow(step("close", "github.close_issue", {"repository": "{{ inputs.repository }}",
     "issue": "{{ inputs.issue }}"}), inputs=inputs(repository=TEXT, issue={"type": "integer"}),
     triggers=[trigger("github.new_issue", {"repository": "{{ item.repository }}", "issue": "{{ item.number }}"},
                       repository="acme/app")]), []),
    ("a repository that others choose", flow(step("close", "github.close_issue",
     {"repository": "{{ inputs.repository }}",
     "issue": 1}), inputs=inputs(repository=TEXT),
     triggers=[trigger("github.mention", {"repository": "{{ item.repository }}"})]),
     [("steps.close.with.repository",
       f"`inputs.repository`, which comes from the repository of the issue {ITEM}.repository`)")]),
    ("through a model to an input", flow(ask("{{ inputs.text }}"), send(ADDRESS), inputs=inputs(text=TEXT),
     triggers=[trigger("gmail.new_message", {"text": "{{ item.text }}"})]),
     [(TO, f"`inputs.text`, which comes from the text of the mail {ITEM}.text`)")]),
    ("an enum of a model about an input", flow(ask("{{ inputs.text }}"), send("{{ steps.ask.output.team }}"),
     inputs=inputs(text=TEXT), triggers=[trigger("gmail.new_message", {"text": "{{ item.text }}"})]), []),
]

TO_INPUT = "`steps.send.with.to` of the workflow 'notify' comes from "
CALLS: Sequence[Row] = [
    ("a clean input of another workflow", flow(run("call", "notify", {"to": "a@b.c"})), []),
    ("text for another workflow's destination", flow(MAIL, run("call", "notify", {"to": SAID})),
     [("steps.call.with.inputs.to", TO_INPUT + SUBJECT)]),
    ("text for another workflow's content", flow(MAIL, run("call", "notify", {"to": "a@b.c",
     "text": WRITTEN})), []),
    ("all inputs as one expression", flow(MAIL, put("kept", to=SAID),
     run("call", "notify", "{{ steps.kept.output }}")), [("steps.call.with.inputs", TO_INPUT + SUBJECT)]),
    ("an input for an input", flow(run("call", "notify", {"to": "{{ inputs.who }}"}), inputs=inputs(who=TEXT)), []),
    ("a trigger's item for another workflow", flow(run("call", "notify", {"to": "{{ inputs.who }}"}),
     inputs=inputs(who=TEXT), triggers=[trigger("gmail.new_message", {"who": "{{ item.subject }}"})]),
     [("steps.call.with.inputs.to",
       TO_INPUT + f"`inputs.who`, which comes from the subject of the mail {ITEM}.subject`)")]),
    ("two levels deep", flow(MAIL, run("call", "relay", {"who": SAID})),
     [("steps.call.with.inputs.who", TO_INPUT + SUBJECT)]),
    ("the text that another workflow reads", flow(run("call", "reader", {}), send("{{ steps.call.output.subject }}")),
     [(TO, f"`steps.call.output.subject`, which comes from {SUBJECT} in the workflow 'reader'")]),
    ("the id that another workflow reads", flow(run("call", "reader", {}), step("label", "gmail.add_labels",
     {"message": "{{ steps.call.output.id }}", "labels": ["x"]})), []),
    ("what it passes on", flow(MAIL, run("call", "echo", {"text": SAID}),
     send("{{ steps.call.output.same }}")), [(TO, SUBJECT)]),
    ("a constant that it passes on", flow(run("call", "echo", {"text": "a@b.c"}),
     send("{{ steps.call.output.same }}")), []),
    ("what a model there makes of it", flow(MAIL, run("call", "echo", {"text": SAID}),
     send("{{ steps.call.output.said }}")), [(TO, f"`steps.call.output.said`, which comes from {SUBJECT}")]),
    ("what a model there chooses", flow(MAIL, run("call", "echo", {"text": SAID}),
     send("{{ steps.call.output.team }}")), []),
    ("an early end there", flow(run("call", "stopper", {}), send("{{ steps.call.output.subject }}")),
     [(TO, f"`steps.call.output.subject`, which comes from {SUBJECT} in the workflow 'stopper'")]),
    ("a workflow that calls itself", flow(send("{{ inputs.to }}"), MAIL, run("call", "work", {"again": False,
     "to": SAID}, **{"if": "{{ inputs.again }}"}),
     inputs=inputs(to=TEXT, again={"type": "boolean"})),
     [("steps.call.with.inputs.to", "`steps.send.with.to` comes from " + SUBJECT)]),
]

SHELF: Mapping[str, Any] = {
    "notify": flow(
        step("send", "gmail.send", {"to": "{{ inputs.to }}", "subject": "s", "text": "{{ inputs.text }}"}),
        inputs=inputs(to=TEXT, text={"type": "string", "default": ""}),
    ),
    "relay": flow(run("next", "notify", {"to": "{{ inputs.who }}"}), inputs=inputs(who=TEXT)),
    "reader": flow(MAIL, outputs={"subject": SAID, "id": "{{ steps.mail.output.id }}"}),
    "echo": flow(
        ask("{{ inputs.text }}"),
        inputs=inputs(text=TEXT),
        outputs={"same": "{{ inputs.text }}", "said": ADDRESS, "team": "{{ steps.ask.output.team }}"},
    ),
    "stopper": flow(
        MAIL,
        step("stop", "flow.stop", {"outputs": {"subject": SAID}},
             **{"if": "{{ steps.mail.output.can_reply }}"}),
        outputs={"subject": "none"},
    ),
}
