"""What the wizard can do with items, as data: the steps of each target, with parts of the item in their fields.

In a text, `[title]` is the value of a part as an expression in `{{ }}`, `[$channel]` what a person has filled in for
the target, and `[$$repository]` for the source. A part that an item does not have is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from engine.copilot.wizard.records import ItemCount

_EACH = (ItemCount.EACH,)
_ALL = (ItemCount.EACH, ItemCount.LIST, ItemCount.COUNT)
_SUMS = (ItemCount.LIST, ItemCount.COUNT)
_TRIES = {"retry": {"attempts": 3, "backoff_seconds": 2}, "timeout_seconds": 120}


class WizardTarget(Struct, frozen=True):
    """Something that is done."""

    name: str
    title: str
    """Also the title of the step."""
    uses: str
    id: str
    """The id of the step."""
    fields: Mapping[str, Any]
    places: tuple[str, ...] = ()
    """Fields that a person fills in."""
    parts: tuple[str, ...] = ()
    """The parts that an item must have."""
    services: tuple[str, ...] = ()
    """The services whose items it is for; empty: all."""
    amounts: tuple[ItemCount, ...] = _EACH
    title_field: str = ""
    """The field that a title of the person's own is for."""
    text_field: str = ""
    needs_text: bool = False
    """Whether there is no text without one of the person's own."""
    before: Sequence[Mapping[str, Any]] = ()
    """Steps before it."""
    condition: str = ""
    """An expression that must hold."""
    only: str = ""
    """An expression of an item that must hold for it to be read at all; `@` is the item."""
    loop: Mapping[str, str] = field(default_factory=dict)
    """A loop around the steps: `foreach`, `as` and `key`."""


_DRAFT = {
    "id": "read",
    "title": "Does it ask something?",
    "uses": "llm.extract",
    "with": {"prompt": "draft-reply@production", "variables": {"subject": "[title]", "text": "[text]"}},
    **_TRIES,
}
_GET_FILE = {
    "id": "get",
    "title": "Take the file",
    "uses": "[%mail].get_attachment",
    "with": {"message": "[message]", "attachment": "{{ file.id }}"},
}
_ENDINGS = (".pdf", ".csv", ".xlsx", ".docx", ".txt", ".png", ".jpg", ".zip")
_ENDING = " : ".join(f"file.name.lowerAscii().endsWith('{one}') ? '{one}'" for one in _ENDINGS) + " : ''"
"""The name of a file is text from outside, and must not decide where the file goes: only which known ending it gets."""
_FILES = {"foreach": "[files]", "as": "file", "key": "{{ file.id }}"}
_MAILS = ("gmail",)
_ISSUES = ("github",)

TARGETS = (
    WizardTarget(
        "issue",
        "Open an issue on GitHub",
        "github.create_issue",
        "issue",
        {"title": "[title]", "body": "[text]\n\n[link]"},
        places=("repository",),
        amounts=(ItemCount.EACH, ItemCount.LIST),
        title_field="title",
        text_field="body",
    ),
    WizardTarget(
        "task",
        "Keep a page in Notion",
        "notion.upsert_page",
        "task",
        {"key": "[name]", "title": "[title]", "markdown": "[text]\n\n[link]"},
        places=("database",),
        parts=("name",),
        amounts=_ALL,
        title_field="title",
        text_field="markdown",
    ),
    WizardTarget(
        "page",
        "Write a new page in Notion",
        "notion.create_page",
        "page",
        {"title": "[title]", "markdown": "[text]\n\n[link]"},
        places=("database",),
        amounts=_ALL,
        title_field="title",
        text_field="markdown",
    ),
    WizardTarget(
        "post",
        "Post to Slack",
        "slack.send_message",
        "post",
        {"text": "[line]"},
        places=("channel",),
        amounts=_ALL,
        text_field="text",
    ),
    WizardTarget(
        "discord",
        "Post to Discord",
        "discord.send_message",
        "post",
        {"text": "[line]"},
        places=("channel",),
        amounts=_ALL,
        text_field="text",
    ),
    WizardTarget(
        "telegram",
        "Send a Telegram message",
        "telegram.send_message",
        "tell",
        {"text": "[line]"},
        places=("chat",),
        amounts=_ALL,
        text_field="text",
    ),
    WizardTarget(
        "draft_answer",
        "Draft an answer",
        "gmail.create_draft",
        "draft",
        {"in_reply_to": "[message]", "text": "{{ steps.read.output.answer }}"},
        parts=("message",),
        services=_MAILS,
        before=(_DRAFT,),
        condition="steps.read.output.needs_answer && steps.read.output.answer != ''",
        only="@.can_reply",
    ),
    WizardTarget(
        "answer",
        "Answer the mail",
        "gmail.reply",
        "answer",
        {"message": "[message]"},
        parts=("message",),
        services=_MAILS,
        text_field="text",
        needs_text=True,
        only="@.can_reply",
    ),
    WizardTarget(
        "forward",
        "Forward the mail",
        "gmail.forward",
        "forward",
        {"message": "[message]"},
        places=("to",),
        parts=("message",),
        services=_MAILS,
    ),
    WizardTarget(
        "label",
        "Put labels on the mail",
        "gmail.add_labels",
        "label",
        {"message": "[message]"},
        places=("labels",),
        parts=("message",),
        services=_MAILS,
    ),
    WizardTarget(
        "mark_read",
        "Mark the mail as read",
        "gmail.mark_read",
        "mark",
        {"message": "[message]"},
        parts=("message",),
        services=_MAILS,
    ),
    WizardTarget(
        "archive",
        "Archive the mail",
        "gmail.archive",
        "archive",
        {"message": "[message]"},
        parts=("message",),
        services=_MAILS,
    ),
    WizardTarget(
        "files_to_drive",
        "Save attached files to a drive",
        "drive.upload",
        "upload",
        {"file": "{{ steps.get.output.file }}", "name": "[message] {{ file.id }} {{ file.name }}"},
        places=("folder",),
        parts=("message", "files"),
        services=("gmail", "imap"),
        before=(_GET_FILE,),
        loop=_FILES,
    ),
    WizardTarget(
        "files_to_folder",
        "Save attached files in the workspace",
        "file.write",
        "save",
        {"path": f"[$folder]/[message]-{{{{ file.id }}}}{{{{ {_ENDING} }}}}", "file": "{{ steps.get.output.file }}"},
        places=("folder",),
        parts=("message", "files"),
        services=("gmail", "imap"),
        before=(_GET_FILE,),
        loop=_FILES,
    ),
    WizardTarget(
        "mail",
        "Send a mail",
        "gmail.send",
        "send",
        {"subject": "[title]", "text": "[text]\n\n[url]"},
        places=("to",),
        amounts=_ALL,
        title_field="subject",
        text_field="text",
    ),
    WizardTarget(
        "mail_draft",
        "Draft a mail",
        "gmail.create_draft",
        "draft",
        {"subject": "[title]", "text": "[text]\n\n[url]"},
        places=("to",),
        amounts=_ALL,
        title_field="subject",
        text_field="text",
    ),
    WizardTarget(
        "comment",
        "Comment on it",
        "github.comment",
        "comment",
        {"repository": "[$$repository]", "issue": "[number]"},
        parts=("number",),
        services=_ISSUES,
        text_field="body",
        needs_text=True,
    ),
    WizardTarget(
        "assign",
        "Assign it to people",
        "github.set_assignees",
        "assign",
        {"repository": "[$$repository]", "issue": "[number]"},
        places=("assignees",),
        parts=("number",),
        services=_ISSUES,
    ),
    WizardTarget(
        "issue_label",
        "Label it",
        "github.add_labels",
        "label",
        {"repository": "[$$repository]", "issue": "[number]"},
        places=("labels",),
        parts=("number",),
        services=_ISSUES,
    ),
    WizardTarget(
        "close",
        "Close it",
        "github.close_issue",
        "close",
        {"repository": "[$$repository]", "issue": "[number]"},
        parts=("number",),
        services=_ISSUES,
    ),
    WizardTarget(
        "row",
        "Add a row to a Google sheet",
        "google_sheets.append_row",
        "row",
        {"values": "[*columns]"},
        places=("spreadsheet", "sheet", "columns"),
    ),
    WizardTarget(
        "record",
        "Remember it in a table",
        "store.upsert",
        "record",
        {"key": "[name]", "value": "[*record]"},
        places=("table",),
        parts=("name",),
    ),
    WizardTarget(
        "file",
        "Write a file",
        "file.write",
        "file",
        {"text": "[text]"},
        places=("path",),
        amounts=_SUMS,
        text_field="text",
    ),
)
BY_NAME = {one.name: one for one in TARGETS}
