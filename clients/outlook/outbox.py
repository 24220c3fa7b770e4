"""Outgoing mail of an Outlook mailbox. Each mail is a draft first, with a mark by which it is found again.

A draft is made of MIME, as the mails of all services are (https://learn.microsoft.com/graph/api/user-post-messages).
The mark is a property of the message that no recipient sees: it stays when the draft is sent, while Outlook.com gives a
sent mail another Message-ID. Until the mark is set, nothing is sent.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import structs

from clients.error_mapping import reading
from clients.errors import Conflict, InvalidRequest, NotFound, ServiceError
from clients.listing import Json
from clients.mail.addresses import recipients
from clients.mail.letter import Letter
from clients.mail.outgoing import File, as_bytes, build, deliverable, message_id, reply_subject
from clients.mail.pictures import pictured
from clients.mail.sending_pace import SendingPace
from clients.microsoft.uploads import upload_in_parts
from clients.outlook.box import FIELDS, SERVICE, OutlookBox, missing, quoted
from clients.outlook.service import OUTLOOK

_SPACE = "String {7b0e5f52-8f0b-4e0f-9a4c-0c1d8a5b6f31} Name "
MARKER, DIVERTED = f"{_SPACE}OrchestraMarker", f"{_SPACE}OrchestraDiverted"
"""Properties of a message (https://learn.microsoft.com/graph/api/resources/extended-properties-overview)."""
_MIME_MOST = 2_900_000
"""Bytes of a mail that is made in one request, which takes 4 MB of base64."""
_SMALL_MOST = 3 * 1024 * 1024
_FILE_MOST = 150 * 1024 * 1024
"""Bytes of a file that is attached in one request, and in parts."""
_CONTENT = "subject,body,toRecipients,ccRecipients,bccRecipients,replyTo,hasAttachments"
_TO = ("toRecipients", "ccRecipients", "bccRecipients")
_RECIPIENTS = {"toRecipients": "To", "ccRecipients": "Cc", "bccRecipients": "Bcc", "replyTo": "Reply-To"}


class OutlookOutbox:
    """Sends mails and writes drafts. Thread-safe; every method raises only errors of `clients.errors`."""

    def __init__(self, box: OutlookBox, pace: SendingPace) -> None:
        self._box, self._pace = box, pace

    def send(self, letter: Letter) -> Json:
        """Send a mail: {id, thread_id, message_id, url}. A draft that an interrupted attempt has left is finished."""
        draft = next((one for one in self._marked(letter.marker) if one.get("isDraft")), None)
        try:
            return self._sent(self._whole(letter, draft, "auto-generated"))
        except ServiceError as error:
            if error.outcome == "not_done" and not error.retryable:
                self._leave_nothing(letter.marker)
            raise

    def find_sent(self, marker: str) -> Json | None:
        """Find the sent mail of the write with this marker, in the form that `send` returns."""
        found = next((one for one in self._marked(marker) if not one.get("isDraft")), None)
        return None if found is None else _written(found)

    def create_draft(self, letter: Letter) -> Json:
        """Create a draft: {id, message, thread_id, message_id, url, version}."""
        draft = next((one for one in self._marked(letter.marker) if one.get("isDraft")), None)
        return self._draft_output(str(self._whole(letter, draft, "")["id"]))

    def find_draft(self, marker: str) -> Json | None:
        """Find the draft of the write with this marker, in the form that `create_draft` returns.

        A draft that its owner has sent counts as found; one that lacks its mark or a file is not finished.
        """
        found = next(iter(self._with_mark(marker)), None)
        return None if found is None else self._draft_output(str(found["id"]))

    def update_draft(self, draft: str, letter: Letter) -> Json:
        """Replace the content of a draft; returns what `create_draft` returns. NotFound if it was sent or deleted."""
        self._unsent(draft)
        mail, answers = letter.mail, letter.answers
        words = pictured(mail.text, mail.html, mail.files, letter.marker)
        people = dict(zip(_RECIPIENTS, (mail.to, mail.cc, mail.bcc, mail.reply_to), strict=True))
        content: Json = {
            "subject": mail.subject if answers is None else reply_subject(mail.subject, answers["payload"]),
            "body": {"contentType": "html" if words.html else "text", "content": words.html or words.text},
            **{field: _people(_RECIPIENTS[field], given) for field, given in people.items()},
            **({"from": _people("From", [mail.sender])[0]} if mail.sender else {}),
        }
        self._patch(draft, {**content, **_marks(letter)})
        for one in self._attached(draft):
            url = self._box.at(draft, f"/attachments/{quote(str(one['id']), safe='')}")
            with contextlib.suppress(NotFound):
                self._box.graph.asked("DELETE", url)
        for picture in words.shown:
            self._attach(draft, picture.file, picture.content_id)
        for file in words.files:
            self._attach(draft, file)
        return self._draft_output(draft)

    def send_draft(self, draft: str, marker: str) -> Json:
        """Send a draft unchanged, with the mark of this write. Raises NotFound if it was sent or deleted."""
        self._unsent(draft)
        return self._sent(self._patch(draft, {"singleValueExtendedProperties": [{"id": MARKER, "value": marker}]}))

    def is_diverted(self, draft: str) -> bool:
        """Return whether a draft of this program answers somebody other than the mail's sender. Raises NotFound."""
        expand = f"singleValueExtendedProperties($filter=id eq {quoted(DIVERTED)})"
        with self._box.there("draft", draft):
            url = f"{self._box.at(draft)}?{urlencode({'$select': 'id', '$expand': expand})}"
            found = self._box.graph.get(url)
        return bool(found.get("singleValueExtendedProperties"))

    def delete_draft(self, draft: str) -> Json:
        """Move a draft to the deleted items: {id, deleted}; `deleted` is False if it was gone, or sent."""
        try:
            self._unsent(draft)
            self._box.graph.asked("DELETE", self._box.at(draft))
        except NotFound:
            return {"id": draft, "deleted": False}
        return {"id": draft, "deleted": True}

    def undo_draft(self, draft: Mapping[str, Any], done_at: datetime) -> None:
        """Delete a draft that `create_draft` returned; Conflict if it was edited or sent since."""
        del done_at  # the id stays when a draft is sent
        try:
            record = self._box.record(str(draft["id"]), f"{FIELDS},{_CONTENT}")
        except NotFound:
            return
        if not record.get("isDraft"):
            raise Conflict("The draft has been sent since.", service=SERVICE)
        if record.get("parentFolderId") == self._box.known("deleteditems"):
            return
        if _version(record) != draft["version"]:
            raise Conflict("The draft has been edited since.", service=SERVICE)
        with contextlib.suppress(NotFound):
            self._box.graph.asked("DELETE", self._box.at(str(draft["id"])))

    def message_of(self, draft: str) -> str:
        """Return the id of a draft's mail, which is that of the draft. Raises NotFound if it was sent or deleted."""
        return str(self._unsent(draft)["id"])

    def drafts(self, limit: int) -> Json:
        """List drafts, newest first: {drafts: [{id, message, thread_id, url}], has_more}."""
        folder = f"/mailFolders/{self._box.known('drafts')}"
        found = list(self._box.listed(folder, limit + 1, orderby="receivedDateTime desc"))
        listed = [
            {
                "id": str(one["id"]),
                "message": str(one["id"]),
                "thread_id": str(one.get("conversationId") or ""),
                "url": str(one.get("webLink") or ""),
            }
            for one in found[:limit]
        ]
        return {"drafts": listed, "has_more": len(found) > limit}

    def _whole(self, letter: Letter, draft: Json | None, submitted: str) -> Json:
        """Return the record of the draft of a letter, once all of it is there; `draft` is what an attempt has left."""
        content = self._content(letter, submitted)
        has_room = len(content) <= _MIME_MOST
        rest: Sequence[File] = ()
        if not has_room:
            content, rest = self._without_files(letter, submitted)
        if draft is None:
            draft = self._made(content)
        message = str(draft["id"])
        if rest:
            self._attach_all(message, rest)
        return self._patch(message, _marks(letter))

    def _without_files(self, letter: Letter, submitted: str) -> tuple[bytes, Sequence[File]]:
        """Return a mail with no files but the pictures that its text shows, if these fit, and the files that remain."""
        mail = pictured(letter.mail.text, letter.mail.html, letter.mail.files, letter.marker)
        content = self._content(_with(letter, [one.file for one in mail.shown]), submitted)
        if len(content) <= _MIME_MOST:
            return content, mail.files
        return self._content(_with(letter, ()), submitted), letter.mail.files

    def _content(self, letter: Letter, submitted: str) -> bytes:
        payload = letter.answers["payload"] if letter.answers is not None else None
        # That an answer is diverted is a property: as a header, the recipient would see it.
        mail = structs.replace(letter.mail, is_diverted=False)
        return as_bytes(build(mail, self._box.account(), letter.marker, payload, letter.written_at, submitted))

    def _made(self, content: bytes) -> Json:
        """Make a draft of MIME."""
        headers = {"Content-Type": "text/plain"}
        url = f"{self._box.url}/messages"
        made = self._box.graph.asked("POST", url, headers=headers, content=base64.b64encode(content))
        return self._box.noted(made if isinstance(made, dict) else {})

    def _attach_all(self, message: str, files: Sequence[File]) -> None:
        """Attach the files that a draft does not have: an attempt may have been interrupted between two of them."""
        there = Counter(str(one.get("name")) for one in self._attached(message))
        for file in files:
            there[file.name] -= 1
            if there[file.name] < 0:
                self._attach(message, file)

    @reading(OUTLOOK)
    def _attached(self, message: str) -> list[Json]:
        with self._box.there("draft", message):
            return list(self._box.graph.pages(self._box.at(message, "/attachments?$select=id,name&$top=100")))

    @reading(OUTLOOK)
    def _attach(self, message: str, file: File, content_id: str = "") -> None:
        """Attach a file to a draft; with an id, the text shows it. Raises InvalidRequest if it is too large."""
        size, name = len(file.content), file.name or "unnamed"
        shown = {"isInline": True, "contentId": content_id} if content_id else {}
        kind = file.media_type or "application/octet-stream"
        if size > _FILE_MOST:
            raise InvalidRequest(
                f"The file {name!r} has {size / 1024**2:.0f} MB; Outlook accepts at most 150 MB.",
                service=SERVICE,
                remedy="Send a link to it.",
            )
        if size < _SMALL_MOST:
            content = base64.b64encode(file.content).decode("ascii")
            about = {"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentType": kind, **shown}
            self._box.graph.asked(
                "POST", self._box.at(message, "/attachments"), json={**about, "contentBytes": content}
            )
            return
        about = {"attachmentType": "file", "name": name, "size": size, "contentType": kind, **shown}
        item = {"AttachmentItem": about}
        session = self._box.graph.asked("POST", self._box.at(message, "/attachments/createUploadSession"), json=item)
        upload_in_parts(self._box.graph, OUTLOOK, str(session["uploadUrl"]), io.BytesIO(file.content), size)

    def _patch(self, message: str, changes: Json) -> Json:
        with self._box.there("draft", message):
            found = self._box.graph.asked("PATCH", self._box.at(message), json=changes)
        return self._box.noted(found if isinstance(found, dict) else {})

    def _sent(self, draft: Json) -> Json:
        """Send a draft that is marked. Outlook answers once it has taken it."""
        message = str(draft["id"])
        listed = self._box.record(message, ",".join(_TO))
        with self._pace.sending(sum(len(listed.get(name) or []) for name in _TO)), self._box.there("draft", message):
            self._box.graph.asked("POST", self._box.at(message, "/send"))
        return _written(draft)

    def _unsent(self, draft: str) -> Json:
        """Return the record of a draft. Raises NotFound if it was sent or deleted."""
        with self._box.there("draft", draft):
            record = self._box.record(draft)
        if not record.get("isDraft") or record.get("parentFolderId") == self._box.known("deleteditems"):
            raise missing("draft", draft)
        return record

    def _marked(self, marker: str) -> Sequence[Json]:
        """Return the messages of the write with this marker; the Message-ID tells where it has not set its mark yet."""
        return self._with_mark(marker) or self._box.with_message_id(message_id(marker, self._box.account()))

    def _with_mark(self, marker: str) -> Sequence[Json]:
        mark = f"ep/id eq {quoted(MARKER)} and ep/value eq {quoted(marker)}"
        return list(self._box.listed(filter=f"singleValueExtendedProperties/any(ep: {mark})"))

    def _leave_nothing(self, marker: str) -> None:
        """Delete the draft of a mail that Outlook refused to send."""
        with contextlib.suppress(ServiceError):
            for one in self._marked(marker):
                if one.get("isDraft"):
                    self._box.graph.asked("POST", self._box.at(str(one["id"]), "/permanentDelete"))

    def _draft_output(self, draft: str) -> Json:
        record = self._box.record(draft, f"{FIELDS},{_CONTENT}")
        return {"message": str(record["id"]), **_written(record), "version": _version(record)}


def _with(letter: Letter, files: Sequence[File]) -> Letter:
    return structs.replace(letter, mail=structs.replace(letter.mail, files=files))


def _written(record: Json) -> Json:
    return {
        "id": str(record["id"]),
        "thread_id": str(record.get("conversationId") or ""),
        "message_id": str(record.get("internetMessageId") or ""),
        "url": str(record.get("webLink") or ""),
    }


def _version(record: Json) -> str:
    """Return a hash of what a person may have edited in a draft; Outlook's own version changes without an edit, too."""
    known = [record.get(name) for name in _CONTENT.split(",")]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:32]


def _marks(letter: Letter) -> Json:
    """Return the properties of the draft of a letter."""
    marks = [{"id": MARKER, "value": letter.marker}]
    marks += [{"id": DIVERTED, "value": "Reply-To"}] if letter.mail.is_diverted else []
    return {"singleValueExtendedProperties": marks}


def _people(name: str, given: Sequence[str]) -> list[Json]:
    """Return recipients as Graph takes them. Raises InvalidRequest."""
    found = recipients(name, given) if given else []
    return [{"emailAddress": {"name": one.name, "address": deliverable(name, one)}} for one in found]
