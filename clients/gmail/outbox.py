"""Outgoing mail of a Gmail mailbox: mails and drafts, each found again by its Message-ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from clients.errors import BadAnswer, InvalidRequest, NotFound
from clients.gmail.transport import SERVICE, entries, listed
from clients.gmail.undo import delete_draft
from clients.gmail.upload import MailUpload
from clients.google.transport import answered, done
from clients.listing import Json
from clients.mail.addresses import specs
from clients.mail.letter import Letter
from clients.mail.outgoing import DIVERTED, as_bytes, build, marked, message_id
from clients.mail.parts import from_base64url, header, headers
from clients.mail.raw import headers_of
from clients.mail.sending_pace import SendingPace

_LATEST = 25


class GmailOutbox:
    """Sends mails and writes drafts. Thread-safe; every method raises only errors of `clients.errors`."""

    def __init__(
        self, users: Any, web_url: str, account: Callable[[], str], upload: MailUpload, pace: SendingPace
    ) -> None:
        self._users, self._web_url, self._account, self._upload, self._pace = users, web_url, account, upload, pace

    def send(self, letter: Letter) -> Json:
        """Send a mail: {id, thread_id, message_id, url}."""
        message, content = self._outgoing(letter, "auto-generated")
        request = self._upload.request(self._users.messages().send, lambda mail: mail, message, content)
        with self._pace.sending(recipient_count(content)):
            return self._sent(answered(request, "id"), letter.marker)

    def find_sent(self, marker: str) -> Json | None:
        """Find the sent mail of the write with this marker, in the form that `send` returns.

        Gmail's search index may lag, so the latest sent mails are also read directly.
        """
        wanted = message_id(marker, self._account())
        latest = self._users.messages().list(userId="me", labelIds=["SENT"], maxResults=_LATEST)
        searched = ids_of(self._users, wanted)
        for found in dict.fromkeys([*searched, *_ids(answered(latest), "messages")]):
            # The search also finds drafts and copies, and the latest mails include other writes, so each is compared.
            mail = self._named(found, wanted)
            if mail is not None and "SENT" in (mail.get("labelIds") or []):
                return self._sent(mail, marker)
        return None

    def create_draft(self, letter: Letter) -> Json:
        """Create a draft: {id, message, thread_id, message_id, url}."""
        request = self._draft_request(self._users.drafts().create, letter)
        return self._draft(answered(request, "id", "message"), letter.marker)

    def update_draft(self, draft: str, letter: Letter) -> Json:
        """Replace the content of a draft; returns what `create_draft` returns. NotFound if it was sent or deleted."""
        request = self._draft_request(self._users.drafts().update, letter, id=_draft_id(draft))
        return self._draft(_known(draft, request), letter.marker)

    def send_draft(self, draft: str, marker: str) -> Json:
        """Send a draft unchanged, under the Message-ID of this write; returns what `send` returns.

        Raises NotFound if it was sent or deleted.
        """
        found = _known(draft, self._users.drafts().get(userId="me", id=_draft_id(draft), format="raw"))
        content = from_base64url(str(found["message"].get("raw") or ""))
        if not content:
            raise BadAnswer("Gmail returned a draft without its text.", service=SERVICE)
        thread = {"threadId": found["message"]["threadId"]} if found["message"].get("threadId") else {}
        content = marked(content, marker, self._account())
        request = self._upload.request(
            self._users.drafts().send, lambda mail: {"id": draft, "message": mail}, thread, content
        )
        with self._pace.sending(recipient_count(content)):
            return self._sent(answered(request, "id"), marker)

    def is_diverted(self, draft: str) -> bool:
        """Return whether a draft of this program answers somebody other than the mail's sender. Raises NotFound."""
        found = _known(draft, self._users.drafts().get(userId="me", id=_draft_id(draft), format="metadata"))
        return bool(header(found["message"].get("payload") or {}, DIVERTED))

    def delete_draft(self, draft: str) -> Json:
        """Delete a draft permanently: {id, deleted}; `deleted` is False if it was already gone."""
        try:
            done(self._users.drafts().delete(userId="me", id=_draft_id(draft)))
        except NotFound:
            return {"id": draft, "deleted": False}
        return {"id": draft, "deleted": True}

    def undo_draft(self, draft: Mapping[str, Any], done_at: datetime) -> None:
        """Delete a draft that `create_draft` returned at `done_at`; Conflict if it was edited or sent since."""
        delete_draft(self._users, draft, done_at)

    def find_draft(self, marker: str) -> Json | None:
        """Find the draft of the write with this marker, in the form that `create_draft` returns.

        A draft that its owner has sent counts as found: it must not be written again.
        """
        wanted = message_id(marker, self._account())
        search = self._users.drafts().list(userId="me", q=f"rfc822msgid:{wanted.strip('<>')}", maxResults=10)
        latest = self._users.drafts().list(userId="me", maxResults=_LATEST)
        for entry in (entry for request in (search, latest) for entry in entries(answered(request), "drafts")):
            draft = self._draft(entry, marker)
            if self._named(draft["message"], wanted) is not None:
                return draft
        found = self.find_sent(marker)
        return {"message": found["id"], **found} if found is not None else None

    def drafts(self, query: str, limit: int) -> Json:
        """List drafts by a Gmail query: {drafts: [{id, message, thread_id, url}], has_more}."""
        found, has_more = listed(self._users.drafts(), "drafts", limit, q=query)
        return {"drafts": [self._listed_draft(entry) for entry in found], "has_more": has_more}

    def message_of(self, draft: str) -> str:
        """Return the id of a draft's mail. Raises NotFound if it was sent or deleted."""
        found = _known(draft, self._users.drafts().get(userId="me", id=_draft_id(draft), format="minimal"))
        return str(found["message"].get("id", ""))

    def _listed_draft(self, entry: Json) -> Json:
        mail = entry.get("message") or {}
        message = str(mail.get("id", ""))
        where = {"thread_id": str(mail.get("threadId", "")), "url": f"{self._web_url}{message}"}
        return {"id": str(entry["id"]), "message": message, **where}

    def _named(self, message: str, wanted: str) -> Json | None:
        """Return the headers of a mail if it has this Message-ID; None if not, or if the mail is gone."""
        try:
            mail = answered(self._users.messages().get(userId="me", id=message, format="metadata"), "id", "payload")
        except NotFound:
            return None
        return mail if header(mail["payload"], "Message-ID").strip() == wanted else None

    def _draft_request(self, method: Callable[..., Any], letter: Letter, **where: str) -> Any:
        message, content = self._outgoing(letter, "")
        return self._upload.request(method, lambda mail: {"message": mail}, message, content, **where)

    def _outgoing(self, letter: Letter, submitted: str) -> tuple[Json, bytes]:
        """Return the request body for the mail, and the mail itself."""
        answers = letter.answers
        payload = answers["payload"] if answers is not None else None
        mail = build(letter.mail, self._account(), letter.marker, payload, letter.written_at, submitted)
        return {"threadId": answers["threadId"]} if answers is not None else {}, as_bytes(mail)

    def _draft(self, made: Json, marker: str) -> Json:
        mail = made["message"]
        if not isinstance(mail, dict) or "id" not in mail:
            raise BadAnswer("Gmail returned a draft without its mail.", service=SERVICE)
        return {"id": str(made["id"]), "message": str(mail["id"]), **self._written(mail, marker)}

    def _sent(self, mail: Json, marker: str) -> Json:
        return {"id": str(mail["id"]), **self._written(mail, marker)}

    def _written(self, mail: Json, marker: str) -> Json:
        return {
            "thread_id": str(mail.get("threadId", "")),
            "message_id": message_id(marker, self._account()),
            "url": f"{self._web_url}{mail['id']}",
        }


def recipient_count(content: bytes) -> int:
    """Return how many recipients a mail has."""
    payload = headers_of(content)
    return len(
        {one.lower() for name in ("To", "Cc", "Bcc") for value in headers(payload, name) for one in specs(value)}
    )


def ids_of(users: Any, wanted: str) -> list[str]:
    """Return the ids of all mails with a Message-ID, in any folder."""
    query = f"rfc822msgid:{wanted.strip('<>')}"
    request = users.messages().list(userId="me", q=query, includeSpamTrash=True, maxResults=10)
    return _ids(answered(request), "messages")


def _ids(answer: Json, name: str) -> list[str]:
    return [str(entry["id"]) for entry in entries(answer, name)]


def _draft_id(draft: str) -> str:
    if not draft.strip():
        raise InvalidRequest("The id of the draft is empty.", service=SERVICE)
    return draft


def _known(draft: str, request: Any) -> Json:
    try:
        return answered(request, "id", "message")
    except NotFound as error:
        raise NotFound(
            f"There is no draft {draft!r} in this mailbox (Gmail answered 404).",
            service=SERVICE,
            http_status=error.http_status,
            remedy="Check the id: the draft may have been sent or deleted since.",
        ) from error
