"""Mails and threads of a Gmail mailbox, found and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeAlias

from clients.errors import InvalidRequest, NotFound
from clients.gmail.labels import Labels
from clients.gmail.mail import read_message
from clients.gmail.outbox import ids_of
from clients.gmail.sign_in_file import SERVICE
from clients.gmail.transport import CHECK_THE_ID, answered, entries, gone, listed, reading
from clients.mail.outgoing import File
from clients.mail.parts import attachment, attachment_id, attachment_parts, body_bytes, header
from clients.mail.replies import refusal
from clients.mail.text import WHOLE, Trim

Json: TypeAlias = dict[str, Any]

_AT_ONCE = 4
"""Mails fetched side by side: far below Gmail's limit of 50 reads a second for one user."""


class Reading:
    """What can be read in one mailbox. Threads may share it; raises errors of `clients.errors` only."""

    def __init__(self, users: Any, web_url: str, account: Callable[[], str], labels: Labels) -> None:
        self._users, self._web_url, self._account, self._labels = users, web_url, account, labels

    def search(self, query: str, limit: int, trim: Trim = WHOLE) -> Json:
        """Find mails as Gmail's search box does: {messages, matched_estimate, has_more}, newest first."""
        found = answered(self._users.messages().list(userId="me", q=query, maxResults=limit))
        ids = [str(entry["id"]) for entry in entries(found, "messages")][:limit]
        # What was deleted between the list and the reading is not there any more: no error.
        mails = self._each(ids, lambda one: self._message_or_none(one, trim))
        return {
            "messages": _newest_first([mail for mail in mails if mail is not None]),
            "matched_estimate": int(found.get("resultSizeEstimate") or 0),
            "has_more": bool(found.get("nextPageToken")),
        }

    def by_ids(self, ids: Sequence[str], trim: Trim = WHOLE) -> Json:
        """Give exactly these mails, as `search` does, newest first; NotFound where one is gone."""
        wanted = list(dict.fromkeys(ids))
        messages = self._each(wanted, lambda one: self.message(one, trim))
        return {"messages": _newest_first(messages), "matched_estimate": len(wanted), "has_more": False}

    def _each(self, ids: Sequence[str], read: Callable[[str], Any]) -> list[Any]:
        """Read several mails side by side; each worker gets this thread's deadline (a context variable)."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="gmail") as workers:
            jobs = [workers.submit(copy_context().run, read, message) for message in ids]
            try:
                return [job.result() for job in jobs]
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def _message_or_none(self, message: str, trim: Trim) -> Json | None:
        try:
            return self.message(message, trim)
        except NotFound:
            return None

    def message(self, message: str, trim: Trim = WHOLE) -> Json:
        """Give one mail by Gmail's id.

        {id, thread_id, message_id, url, from, to, cc, subject, date, text, text_truncated, full_text, text_missing,
        labels, attachments [{id, name, media_type, bytes}], can_reply}; `labels` are names, `date` is RFC 3339 in UTC.
        """
        return self._mail(self._get(message, "full"), trim)

    def thread(self, thread: str, trim: Trim = WHOLE) -> Json:
        """Give all mails of a thread, the oldest first: {id, url, subject, messages}."""
        if not thread.strip():
            raise InvalidRequest("The id of the thread is empty.", service=SERVICE)
        try:
            found = answered(self._users.threads().get(userId="me", id=thread, format="full"), "id")
        except NotFound as error:
            raise gone("thread", thread, error) from error
        messages = [self._mail(mail, trim) for mail in entries(found, "messages")]
        subject = messages[0]["subject"] if messages else ""
        return {"id": thread, "url": f"{self._web_url}{thread}", "subject": subject, "messages": messages}

    def threads(self, query: str, limit: int) -> Json:
        """Find threads as Gmail's search box does: {threads: [{id, snippet, url}], has_more}."""
        found, has_more = listed(self._users.threads(), "threads", limit, q=query)
        threads = [
            {"id": str(entry["id"]), "snippet": str(entry.get("snippet", "")), "url": f"{self._web_url}{entry['id']}"}
            for entry in found
        ]
        return {"threads": threads, "has_more": has_more}

    def _mail(self, found: Json, trim: Trim) -> Json:
        with reading():
            return {
                "id": str(found["id"]),
                "thread_id": str(found.get("threadId", "")),
                "url": f"{self._web_url}{found['id']}",
                **read_message(found, lambda part: self._part_data(str(found["id"]), part), trim),
                "labels": self._labels.names_of(found.get("labelIds") or []),
                "can_reply": not refusal(found, self._account()),
            }

    def _get(self, message: str, form: str) -> Json:
        if not message.strip():
            raise InvalidRequest("The id of the mail is empty.", service=SERVICE)
        try:
            return answered(self._users.messages().get(userId="me", id=message, format=form), "id", "payload")
        except NotFound as error:
            raise gone("mail", message, error) from error

    def _part_data(self, message: str, part: str) -> str:
        request = self._users.messages().attachments().get(userId="me", messageId=message, id=part)
        return str(answered(request, "data")["data"])

    def attachment(self, message: str, wanted: str) -> File:
        """Give one attachment of a mail, by the id that the mail's `attachments` hold."""
        for file_id, file in self._files(message, wanted):
            if file_id == wanted:
                return file
        raise NotFound(
            f"The mail {message!r} has no attachment {wanted!r}.",
            service=SERVICE,
            remedy="Take the id from the mail's `attachments`.",
        )

    def attachments(self, message: str) -> list[File]:
        """Give all attachments of a mail."""
        return [file for _, file in self._files(message, "")]

    def _files(self, message: str, only: str) -> list[tuple[str, File]]:
        found = self._get(message, "full")
        with reading():
            parts = [part for part in attachment_parts(found["payload"]) if only in {"", attachment_id(part)}]
        files = []
        for part in parts:
            content = body_bytes(part, lambda data: self._part_data(str(found["id"]), data))
            files.append((attachment_id(part), File(attachment(part)["name"], content, str(part.get("mimeType", "")))))
        return files

    def original(self, message: str) -> Json:
        """Give Gmail's own record of the mail to answer, by Gmail's id or by its Message-ID (`<...>`).

        Raises InvalidRequest where a program must not answer it (RFC 3834).
        """
        found = self._get(self.id_of(message), "metadata")
        reason = refusal(found, self._account())
        if reason:
            raise InvalidRequest(
                f"This mail is not answered by a program: {reason}.",
                service=SERVICE,
                remedy="Leave such mails out: `if` with the mail's `can_reply`.",
            )
        return found

    def id_of(self, message: str) -> str:
        """Give Gmail's id of a mail, of which this may be the id or the Message-ID (`<...>`). Raises NotFound."""
        wanted = message.strip()
        if not wanted.startswith("<"):
            return message
        ids = [one for one in ids_of(self._users, wanted) if self._has_message_id(one, wanted)]
        if not ids:
            raise NotFound(
                f"There is no mail with the Message-ID {wanted} in this mailbox.", service=SERVICE, remedy=CHECK_THE_ID
            )
        return ids[0]

    def _has_message_id(self, message: str, wanted: str) -> bool:
        return header(self._get(message, "metadata")["payload"], "Message-ID").strip() == wanted


def _newest_first(messages: list[Json]) -> list[Json]:
    return sorted(messages, key=lambda message: str(message["date"]), reverse=True)
