"""Every step type of a mailbox with arguments, and its calls without an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from clients.imap.client import ImapClient
from engine.plugins import registry
from engine.plugins.step import Call

LETTER = {"to": ["bob@example.org"], "subject": "Übrigens", "text": "Hi"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "imap.list_folders": {},
    "imap.search_messages": {"subject": "Größe"},
    "imap.get_message": {"message": "MAIL"},
    "imap.get_thread": {"thread": "THREAD"},
    "imap.get_attachment": {"message": "MAIL", "attachment": "FILE"},
    "imap.create_draft": LETTER,
    "imap.wait_for_reply": {"message": "MAIL", "until": "2026-11-20T09:00:00Z"},
    "imap.mark_read": {"message": "MAIL"},
    "imap.mark_unread": {"message": "MAIL"},
    "imap.add_flags": {"message": "MAIL"},
    "imap.remove_flags": {"message": "MAIL"},
    "imap.move": {"message": "MAIL", "folder": "ARCHIVE"},
    "imap.archive": {"message": "MAIL"},
    "imap.copy": {"message": "MAIL", "folder": "ARCHIVE"},
    "imap.delete": {"message": "MAIL"},
    "smtp.send": LETTER,
    "smtp.reply": {"message": "MAIL", "text": "Hi"},
    "smtp.forward": {"message": "MAIL", "to": ["bob@example.org"]},
}
"""`MAIL` stands for a mail that is there, `FILE` for its first attachment, `THREAD` for its conversation, and `ARCHIVE`
for the folder of that role.
"""


def call_of(client: ImapClient, name: str, mail_id: str) -> Callable[[], Any]:
    """Return a call of a step type with its arguments."""
    made: Mapping[str, Any] = {
        "MAIL": mail_id,
        "THREAD": client.mail.message(mail_id)["thread_id"] if name == "imap.get_thread" else "",
        "FILE": client.mail.message(mail_id)["attachments"][0]["id"] if name == "imap.get_attachment" else "",
        "ARCHIVE": client.mailbox.folder_for("archive") if name in {"imap.move", "imap.copy"} else "",
    }
    given = {field: made.get(str(value), value) for field, value in ARGUMENTS[name].items()}
    step_type, now = registry.step_type(name), datetime.now(UTC)
    call = Call(step_type.fields.model_validate(given), client, "0" * 32, intended_at=now, attempt=1, started_at=now)
    return lambda: step_type.call(call)
