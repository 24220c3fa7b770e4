"""The workflow of the first run, put together from the parts in `gallery/first-run/`.

A further mailbox, or place for tasks, is one more file there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from engine.base.checkout import CHECKOUT
from engine.base.json_text import JsonObject
from engine.documents.json_file import read
from engine.workspace.canonical import canonical

NAME = "my-mail"
TRIGGER = "new_mail"
PROMPT = "classify-mail"
_PARTS = CHECKOUT / "gallery" / "first-run"
_MAILS = 10
_IS_TASK = "{{ steps.read.output.kind == 'task' || steps.read.output.kind == 'bug' }}"
_SUBJECT = "mail.subject == '' ? '(no subject)' : mail.subject"
_ANSWER_TITLE = "{{ steps.read.output.title == '' ? 'Mail: ' + mail.subject : steps.read.output.title }}"


class FirstChoices(Struct, frozen=True):
    """What the workflow uses: services by name, "" where it uses no service."""

    mailbox: str
    model: str
    tasks: str
    target: str
    """The repository, database or the like to which tasks go."""
    connections: Mapping[str, str]
    """The connection of each service that has more than one which fits."""


@cache
def parts(folder: str) -> Mapping[str, Any]:
    """Return the parts in a folder (`mailboxes`, `tasks`), by service."""
    return {path.stem: read(path).value for path in sorted((_PARTS / folder).glob("*.json"))}


def first_workflow(choices: FirstChoices) -> str:
    """Return the text of the workflow: the newest mails, and a task for each that calls for something."""
    mailbox = parts("mailboxes")[choices.mailbox]
    document = {
        "schema_version": 1,
        "title": "My mail",
        "description": "The newest mails; what calls for something becomes a task.",
        "inputs": {"type": "object", "properties": _inputs(choices)},
        "triggers": [{"id": TRIGGER, **mailbox["trigger"], "inputs": {"messages": "{{ [item.id] }}"}}],
        "steps": [
            _on(choices, {"id": "mails", "title": "Read mail", **mailbox["read"]}),
            {
                "id": "each_mail",
                "title": "Each mail",
                "foreach": "{{ steps.mails.output.messages }}",
                "as": "mail",
                "key": "{{ mail.id }}",
                "item_title": f"{{{{ {_SUBJECT} }}}}",
                "parallel": 4,
                "on_item_error": "continue",
                "steps": _for_each_mail(choices),
            },
        ],
        "outputs": {"mails": "{{ size(steps.mails.output.messages) }}"},
    }
    return canonical(document, "workflow")


def _inputs(choices: FirstChoices) -> JsonObject:
    properties: dict[str, Any] = {
        "limit": {"type": "integer", "title": "At most", "minimum": 1, "maximum": 500, "default": _MAILS},
        "messages": {
            "type": "array",
            "items": {"type": "string"},
            "title": "Only these mails",
            "description": "Ids of mails; empty for the newest ones.",
            "default": [],
        },
    }
    if choices.tasks:
        properties["target"] = {**parts("tasks")[choices.tasks]["target"], "default": choices.target}
    return properties


def _for_each_mail(choices: FirstChoices) -> list[JsonObject]:
    mailbox = parts("mailboxes")[choices.mailbox]
    title, text = f"{{{{ {_SUBJECT} }}}}", "From {{ mail.from }}, {{ mail.date }}"
    condition, found = {}, []
    if choices.model:
        found = [_asked(choices)]
        condition, title, text = {"if": _IS_TASK}, _ANSWER_TITLE, "{{ steps.read.output.summary }}"
    written = parts("tasks")[choices.tasks]["write"] if choices.tasks else mailbox["mark"]
    values = {"$title": title, "$text": text + mailbox["link"]}
    fields = {name: values.get(str(value), value) for name, value in written["with"].items()}
    return [*found, _on(choices, {"id": "task", **condition, **written, "with": fields})]


def _asked(choices: FirstChoices) -> JsonObject:
    variables = {"subject": "{{ mail.subject }}", "text": "{{ mail.text }}"}
    step: JsonObject = {
        "id": "read",
        "title": "What is it?",
        "uses": "llm.extract",
        "with": {"prompt": f"{PROMPT}@production", "variables": variables},
    }
    named = choices.connections.get(choices.model)
    return {**step, "connection": named} if named else step


def _on(choices: FirstChoices, step: JsonObject) -> JsonObject:
    """Return the step with its connection, where the workspace has several of its service."""
    named = choices.connections.get(step["uses"].partition(".")[0])
    return {**step, "connection": named} if named else step
