"""What the wizard can begin with, as data: a step that lists items or a trigger that finds new ones, and their parts.

An expression for a part has `@` in place of the item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

_MAIL = {
    "message": "@.id",
    "key": "@.id",
    "title": "(@.subject == '' ? '(no subject)' : @.subject)",
    "text": "@.text",
    "sender": "@.from",
    "date": "@.date",
    "files": "@.attachments.filter(a, !a.inline)",
}
_ISSUE = {
    "key": "string(@.number)",
    "number": "@.number",
    "title": "@.title",
    "text": "@.body",
    "url": "@.url",
    "sender": "@.author",
    "date": "@.created_at",
}
_OF_LISTS = ("words", "more_than")


class ItemSource(Struct, frozen=True):
    """A kind of item."""

    name: str
    title: str
    item: str
    """The item in a loop, and in ids."""
    items: str
    """Several of them, in ids."""
    parts: Mapping[str, str]
    """By role: an expression of an item. `key` tells items apart; `name` does so in a target, if `key` does not:
    it is empty if everything that could is text from outside. `number` is a whole number, `files` a list."""
    line: str
    """An item in a line: an expression of its text."""
    uses: str = ""
    """The step type that lists them; empty: only a trigger finds them."""
    member: str = ""
    """The list in its output."""
    places: tuple[str, ...] = ()
    """Fields that a person fills in, of the step type, or else of the trigger."""
    optional: tuple[str, ...] = ()
    """Further fields, which may stay empty."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the step."""
    trigger: str = ""
    trigger_fixed: Mapping[str, Any] = field(default_factory=dict)
    ids: str = ""
    """The field of the step that takes the ids of the trigger's items."""
    filters: tuple[str, ...] = _OF_LISTS
    """The fields of `Only` that it has."""
    changed: str = ""
    """When an item was touched last: an expression of a time."""


SOURCES = (
    ItemSource(
        "mail",
        "Mail in Gmail",
        "mail",
        "mails",
        {**_MAIL, "url": "@.url"},
        "@.from + ': ' + @.subject + ' ' + @.url",
        uses="gmail.search_messages",
        member="messages",
        fixed={"limit": 50},
        trigger="gmail.new_message",
        ids="ids",
        filters=("words", "senders", "is_new", "newer_days", "older_days", "has_file", "ending", "more_than"),
    ),
    ItemSource(
        "mailbox",
        "Mail in a mailbox (IMAP)",
        "mail",
        "mails",
        _MAIL,
        "@.from + ': ' + @.subject",
        uses="imap.search_messages",
        member="messages",
        optional=("folder",),
        fixed={"limit": 50},
        trigger="imap.new_message",
        ids="ids",
        filters=("words", "senders", "is_new", "has_file", "ending", "more_than"),
    ),
    ItemSource(
        "outlook",
        "Mail in Outlook",
        "mail",
        "mails",
        {**_MAIL, "url": "@.url"},
        "@.from + ': ' + @.subject + ' ' + @.url",
        uses="outlook.search_messages",
        member="messages",
        optional=("folder",),
        fixed={"limit": 50},
        trigger="outlook.new_message",
        ids="ids",
        filters=("words", "senders", "is_new", "has_file", "ending", "more_than"),
    ),
    ItemSource(
        "issues",
        "Issues on GitHub",
        "issue",
        "issues",
        _ISSUE,
        "'#' + string(@.number) + ' ' + @.title + ' ' + @.url",
        uses="github.list_issues",
        member="issues",
        places=("repository",),
        fixed={"limit": 200},
        trigger="github.new_issue",
        filters=("words", "labels", "older_days", "unassigned", "more_than"),
        changed="@.updated_at",
    ),
    ItemSource(
        "pulls",
        "Pull requests on GitHub",
        "pull",
        "pulls",
        _ISSUE,
        "'#' + string(@.number) + ' ' + @.title + ' ' + @.url",
        uses="github.list_pulls",
        member="pulls",
        places=("repository",),
        fixed={"limit": 200},
        filters=("words", "older_days", "unassigned", "more_than"),
        changed="@.updated_at",
    ),
    ItemSource(
        "commits",
        "Commits on GitHub",
        "commit",
        "commits",
        {
            "key": "@.sha",
            "title": "@.message.split('\\n')[0]",
            "text": "@.message",
            "url": "@.url",
            "sender": "@.author",
            "date": "@.date",
        },
        "@.message.split('\\n')[0] + ' ' + @.url",
        uses="github.list_commits",
        member="commits",
        places=("repository",),
        fixed={"limit": 500},
        filters=("words", "newer_days", "more_than"),
    ),
    ItemSource(
        "rows",
        "Rows of a Google sheet",
        "row",
        "rows",
        {
            "key": "text(@.values)",
            "name": "'row ' + string(@.row)",
            "title": "'Row ' + string(@.row)",
            "text": "text(@.values)",
            "number": "@.row",
        },
        "text(@.values)",
        uses="google_sheets.read_rows",
        member="rows",
        places=("spreadsheet",),
        optional=("sheet",),
        trigger="google_sheets.new_row",
        filters=("words", "column", "more_than"),
    ),
    ItemSource(
        "events",
        "Events of a Google calendar",
        "event",
        "events",
        {
            "key": "@.id",
            "title": "@.title",
            "text": "@.description",
            "url": "@.url",
            "sender": "@.organizer",
            "date": "@.starts",
        },
        "@.starts + ' ' + @.title",
        uses="google_calendar.list_events",
        member="events",
        trigger="google_calendar.new_event",
        filters=("words", "newer_days", "more_than"),
    ),
    ItemSource(
        "entries",
        "Entries of a feed",
        "entry",
        "entries",
        {
            "key": "@.id",
            "name": "",
            "title": "@.title",
            "text": "@.summary",
            "url": "@.url",
            "sender": "@.author",
        },
        "@.title + ' ' + @.url",
        uses="rss.read",
        member="entries",
        places=("url",),
        trigger="rss.new_entry",
    ),
    ItemSource(
        "drafts",
        "Drafts in Gmail",
        "draft",
        "drafts",
        {"key": "@.id", "title": "@.id", "url": "@.url"},
        "@.url",
        uses="gmail.list_drafts",
        member="drafts",
        fixed={"limit": 500},
        filters=("more_than",),
    ),
    ItemSource(
        "records",
        "Rows of a database table",
        "record",
        "records",
        {"key": "text(@)", "name": "", "title": "text(@)", "text": "text(@)"},
        "text(@)",
        uses="sql.rows",
        member="rows",
        places=("table",),
        fixed={"limit": 1000},
    ),
    ItemSource(
        "messages",
        "Messages of a Slack channel",
        "message",
        "messages",
        {"key": "@.id", "title": "@.text", "text": "@.text", "url": "@.url", "sender": "@.author", "date": "@.at"},
        "@.author + ': ' + @.text",
        uses="slack.read_messages",
        member="messages",
        places=("channel",),
    ),
    ItemSource(
        "form",
        "What people write in a form",
        "submission",
        "submissions",
        {"key": "@.id", "title": "@.values.name", "text": "@.values.message"},
        "@.values.name + ': ' + @.values.message",
        trigger="form.submitted",
        trigger_fixed={
            "title": "Write to us",
            "fields": [
                {"name": "name", "label": "Your name", "required": True},
                {"name": "message", "label": "Your message", "type": "long_text", "required": True},
            ],
        },
        filters=(),
    ),
    ItemSource(
        "page",
        "A web page that changes",
        "change",
        "changes",
        {"key": "@.seen_at", "title": "@.title", "text": "@.changes", "url": "@.url"},
        "@.title + ' has changed: ' + @.url",
        trigger="web.page_changed",
        places=("url",),
        filters=(),
    ),
    ItemSource(
        "failures",
        "Runs that fail",
        "run",
        "runs",
        {"key": "@.run_id", "title": "@.title + ' has failed'", "text": "@.sentence"},
        "@.workflow + ' has failed: ' + @.sentence",
        trigger="workflow.finished",
        trigger_fixed={"statuses": ["failed"]},
        filters=(),
    ),
)


def has_part(source: ItemSource, role: str) -> bool:
    """Return whether the items of a source have a part."""
    if role == "name":
        return source.parts.get("name", source.parts["key"]) != ""
    return bool(source.parts.get(role))


BY_NAME = {one.name: one for one in SOURCES}
