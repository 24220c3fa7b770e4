"""Drafts in a mailbox: create, find by Message-ID, change, undo; and look up the mail that one answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clients.errors import Conflict, NotFound
from clients.imap.filing import delete, found_in, gone, with_message_id
from clients.imap.headers import thread_id_of
from clients.imap.mailbox import Mailbox, MailId, mail_id
from clients.listing import Json
from clients.mail.outgoing import OutgoingMail, as_bytes, build, message_id
from clients.mail.raw import headers_of
from clients.mail.replies import refusal, require_answerable
from clients.mail_server.providers import SERVICE


def create_draft(
    mailbox: Mailbox, mail: OutgoingMail, marker: str, answers: Json | None, written_at: datetime | None
) -> Json:
    """Put a draft into the Drafts folder: {id, folder, message_id}; `answers` as returned by `original`."""
    folder = mailbox.required_folder("drafts")
    built = build(mail, mailbox.address, marker, answers, written_at)
    return put(mailbox, folder, as_bytes(built), message_id(marker, mailbox.address), ("\\Draft", "\\Seen"))


def put(mailbox: Mailbox, folder: str, content: bytes, name: str, flags: tuple[str, ...]) -> Json:
    """Append a mail to a folder: {id, folder, message_id}."""
    with mailbox.session() as session:
        uid = session.append(folder, content, flags, datetime.now(UTC))
        selected = session.select(folder)
        uids = [uid] if uid is not None else with_message_id(session, selected, name)[-1:]
        found = str(MailId(folder, selected.uidvalidity, uids[0])) if uids else ""
        return {"id": found, "folder": folder, "message_id": name}


def find_draft(mailbox: Mailbox, marker: str) -> Json | None:
    """Find the draft of the write with this marker, in the form that `create_draft` returns.

    A draft that its owner has sent counts as found: it must not be written again.
    """
    for role in ("drafts", "sent"):
        found = find(mailbox, role, marker)
        if found is not None:
            return found
    return None


def find(mailbox: Mailbox, role: str, marker: str) -> Json | None:
    """Find the mail of the write with this marker in the folder of a role, such as drafts or sent."""
    folder = mailbox.folder_for(role)
    found = found_in(mailbox, folder, message_id(marker, mailbox.address)) if folder is not None else None
    return {"id": found.id, "folder": folder, "message_id": found.message_id} if found is not None else None


def update_draft(
    mailbox: Mailbox, draft: Json, mail: OutgoingMail, marker: str, answers: Json | None, written_at: datetime | None
) -> Json:
    """Replace the content of a draft; returns what `create_draft` returns. NotFound if it was sent or deleted.

    Mail on a server cannot be changed (RFC 3501 2.3.1.1): the new draft is appended, then every older one of this
    write is deleted, including one left behind by a failed attempt.
    """
    name = str(draft["message_id"])
    if found_in(mailbox, str(draft["folder"]), name) is None:
        raise gone(mail_id(str(draft["id"])))
    made = create_draft(mailbox, mail, marker, answers, written_at)
    newest = mail_id(made["id"]).uid
    with mailbox.opened(made["folder"], for_reading=False) as (session, selected):
        for uid in with_message_id(session, selected, name):
            if uid < newest:
                session.store(uid, "+FLAGS", ["\\Deleted"])
                session.expunge(uid)
    return made


def undo_draft(mailbox: Mailbox, draft: Mapping[str, Any]) -> None:
    """Delete a draft that `create_draft` returned. Raises Conflict if it was edited or sent since."""
    if delete(mailbox, mail_id(str(draft["id"]))):
        return  # unedited: a mail program that edits a draft replaces it, under another number
    name = str(draft["message_id"])
    if found_in(mailbox, str(draft["folder"]), name) is not None:
        raise Conflict("The draft has been edited since.", service=SERVICE)
    sent = mailbox.folder_for("sent")
    if sent is not None and found_in(mailbox, sent, name) is not None:
        raise Conflict("The draft has been sent since.", service=SERVICE)


def original(mailbox: Mailbox, mail: str) -> Json:
    """Return the headers of the mail to answer, by its id or its Message-ID (`<...>`).

    Raises InvalidRequest if a program must not answer it (RFC 3834), NotFound.
    """
    wanted = _by_message_id(mailbox, mail.strip()) if mail.strip().startswith("<") else mail_id(mail)
    with mailbox.holding(wanted) as session:
        found = session.fetch([wanted.uid], "BODY.PEEK[HEADER]")
    if not found:
        raise gone(wanted)
    payload = headers_of(found[0].content or b"")
    require_answerable(SERVICE, _of_mailbox(mailbox, wanted.folder, payload), mailbox.address)
    return payload


def why_not_answered(mailbox: Mailbox, folder: str, payload: Json) -> str:
    """Return why a program must not answer this mail; "" if it may."""
    return refusal(_of_mailbox(mailbox, folder, payload), mailbox.address)


def _of_mailbox(mailbox: Mailbox, folder: str, payload: Json) -> Json:
    """Return a mail as `refusal` takes it: a mail of one's own is in one of these folders."""
    is_own = folder in {mailbox.folder_for("sent"), mailbox.folder_for("drafts")}
    return {"payload": payload, "labelIds": ["SENT"] if is_own else []}


def thread_of(answers: Json | None, name: str) -> str:
    """Return the id of a mail's conversation: the conversation of the mail it answers, or its own."""
    return thread_id_of(answers) if answers is not None else name


def _by_message_id(mailbox: Mailbox, name: str) -> MailId:
    for folder in dict.fromkeys([mailbox.folder, mailbox.folder_for("all"), mailbox.folder_for("archive")]):
        found = found_in(mailbox, folder, name) if folder else None
        if found is not None:
            return mail_id(found.id)
    raise NotFound(
        f"There is no mail with the Message-ID {name[:200]} in this mailbox.",
        service=SERVICE,
        remedy="Check the Message-ID: the mail may have been deleted since.",
    )
