"""What each trigger node of n8n is here: the trigger type, its fields, and what its item is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from engine.workflows.n8n.export import N8nNode, objects
from engine.workflows.n8n.naming import named
from engine.workflows.n8n.nodes import ISSUE, MAIL, PAGE
from engine.workflows.n8n.sources import LEFT_OUT, Parameters, Source, either, repository

_LONGEST_FIELD = 40


class Started(Struct, frozen=True):
    """The trigger that a node becomes; `uses` is empty if runs are started by hand."""

    uses: str
    fields: Mapping[str, Source] = {}
    gives: Mapping[str, str] = {}
    is_form: bool = False
    """n8n calls a field by its label, forms here by its name."""
    is_open: bool = False
    """Its fields are objects that may have anything in them: each is one input."""


def is_trigger(node: N8nNode) -> bool:
    """Return whether a node starts runs."""
    return node.type.lower().endswith("trigger") or node.type in _STARTED


def started(node: N8nNode) -> Started | None:
    """Return the row of a trigger node, None if it has no counterpart."""
    if node.type == "notionTrigger" and node.parameters.get("event") == "pagedUpdatedInDatabase":
        return Started("notion.item_updated", {"database": "databaseId"}, PAGE)
    if node.type == "githubTrigger" and node.parameters.get("events") not in (["issues"], None):
        return None
    return _STARTED.get(node.type)


def _verify(given: Parameters) -> Any:
    """Return how a delivery proves who sent it: n8n's own ways are a token in a header, or none."""
    if given.at("httpMethod") != "POST":
        given.missed.append("the sender to use POST, which is the only method that is taken")
    if given.at("authentication") not in (None, "none"):
        given.missed.append(
            "the key, and `token_header` if the sender has it in another header than Authorization: Bearer"
        )
    return LEFT_OUT if given.at("authentication") in (None, "none") else "token"


def _respond(given: Parameters) -> Any:
    return LEFT_OUT if given.at("responseMode") in (None, "onReceived") else "when_done"


def _query(given: Parameters) -> Any:
    """Return Gmail's search of a trigger's filters."""
    found, sender = given.at("filters.q"), given.at("filters.sender")
    parts = [str(found)] if found else []
    if sender:
        parts.append(f"from:{sender}")
    status = given.at("filters.readStatus")
    parts += [f"is:{status}"] if status in ("read", "unread") else []
    if any(part.startswith("=") for part in (str(found), str(sender))):
        given.missed.append(f"the search {' '.join(parts)!r}")
        return LEFT_OUT
    return " ".join(parts) or LEFT_OUT


def _cron(given: Parameters) -> Any:
    """Return the first rule of a schedule as a cron expression."""
    for one in _rules(given):
        found = _of_rule(one)
        if found is None:
            given.missed.append(f"the schedule {dict(one)}")
        return found or LEFT_OUT
    return "0 0 * * *"  # n8n's default: each day at midnight


def _rules(given: Parameters) -> list[Mapping[str, Any]]:
    rules = list(objects(given.at("rule.interval") or given.at("triggerTimes.item")))
    for one in rules[1:]:
        given.missed.append(f"the schedule {dict(one)}")
    return rules


def _of_rule(rule: Mapping[str, Any]) -> str | None:
    field = str(rule.get("field", rule.get("mode", "days")))
    minute = rule.get("triggerAtMinute", rule.get("minute", 0))
    hour = rule.get("triggerAtHour", rule.get("hour", 14 if "mode" in rule else 0))
    written = rule.get("expression", rule.get("cronExpression"))
    if field in ("cronExpression", "custom") and isinstance(written, str):
        parts = written.removeprefix("=").split()
        if len(parts) == 6 and parts[0] not in ("0", "00"):
            return None  # it begins with seconds
        return " ".join(parts[-5:] if len(parts) == 6 else parts)
    days = rule.get("triggerAtDay", rule.get("weekday", [0]))
    weekdays = ",".join(str(one) for one in (days if isinstance(days, list) else [days]))
    shapes: dict[str, str] = {
        "minutes": f"*/{rule.get('minutesInterval', 5)} * * * *",
        "everyMinute": "* * * * *",
        "hours": f"{minute} */{rule.get('hoursInterval', 1)} * * *",
        "everyHour": f"{minute} * * * *",
        "days": f"{minute} {hour} * * *",
        "everyDay": f"{minute} {hour} * * *",
        "weeks": f"{minute} {hour} * * {weekdays}",
        "everyWeek": f"{minute} {hour} * * {weekdays}",
        "months": f"{minute} {hour} {rule.get('triggerAtDayOfMonth', 1)} * *",
        "everyMonth": f"{minute} {hour} {rule.get('dayOfMonth', 1)} * *",
    }
    is_longer = any(rule.get(one, 1) != 1 for one in ("daysInterval", "weeksInterval", "monthsInterval"))
    return None if is_longer else shapes.get(field)


def _fields(given: Parameters) -> Any:
    """Return the fields of a form."""
    found = list[dict[str, Any]]()
    for number, one in enumerate(objects(given.at("formFields.values"))):
        label = str(one.get("fieldLabel") or f"Field {number + 1}")
        kind = {"textarea": "long_text", "number": "number", "email": "email", "date": "date"}.get(
            str(one.get("fieldType")), "text"
        )
        field: dict[str, Any] = {"name": named(label, (), _LONGEST_FIELD), "label": label, "type": kind}
        if one.get("requiredField") is True:
            field["required"] = True
        found.append(field)
    return found or LEFT_OUT


_ENTRY = {"title": "title", "link": "url", "guid": "id", "content": "summary", "contentSnippet": "summary"}
_STARTED: dict[str, Started] = {
    "manualTrigger": Started(""),
    "start": Started(""),
    "executeWorkflowTrigger": Started("", gives={"*": ""}),
    "scheduleTrigger": Started("schedule", {"cron": _cron}, {"timestamp": "at"}),
    "cron": Started("schedule", {"cron": _cron}, {"timestamp": "at"}),
    "gmailTrigger": Started("gmail.new_message", {"query": _query}, MAIL),
    "emailReadImap": Started("imap.new_message", {"folder": "mailbox"}, {**MAIL, "textHtml": "text"}),
    "microsoftOutlookTrigger": Started(
        "outlook.new_message", {}, {**MAIL, "bodyPreview": "text", "body.content": "text"}
    ),
    "githubTrigger": Started(
        "github.new_issue",
        {"repository": repository},
        {**ISSUE, **{f"body.issue.{name}": here for name, here in ISSUE.items()}},
    ),
    "notionTrigger": Started("notion.item_added", {"database": "databaseId"}, PAGE),
    "rssFeedReadTrigger": Started("rss.new_entry", {"url": "feedUrl"}, _ENTRY),
    "googleSheetsTrigger": Started(
        "google_sheets.new_row",
        {"spreadsheet": "documentId", "sheet": "sheetName"},
        {"row_number": "row", "*": "values"},
    ),
    "telegramTrigger": Started(
        "telegram.new_message",
        {},
        {"message.text": "text", "message.chat.id": "chat_id", "message.from.first_name": "author"},
    ),
    "formTrigger": Started(
        "form.submitted",
        {"title": "formTitle", "text": either("formDescription"), "fields": _fields},
        {"submittedAt": "submitted_at", "*": "values"},
        is_form=True,
    ),
    "webhook": Started(
        "webhook.received",
        {"verify": _verify, "respond": _respond},
        {"body": "body", "headers": "headers", "query": "query"},
        is_open=True,
    ),
    "errorTrigger": Started(
        "workflow.finished",
        {},
        {"execution.id": "run_id", "workflow.name": "workflow", "execution.error.message": "sentence"},
    ),
}
