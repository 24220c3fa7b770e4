"""Gmail through google-api-python-client: search, read, drafts, sent mail, labels."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients.counting import counted
from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError
from clients.gmail_labels import Labels
from clients.gmail_mail import attachment_id, attachment_parts, body_bytes, header, read_mail, shown
from clients.gmail_outgoing import File, Outgoing, build, message_id, raw
from clients.gmail_replies import refusal, reply_address
from clients.gmail_tokens import SERVICE, tokens_of
from clients.gmail_transport import GoogleHttp, answered, entries, reading
from clients.gmail_undo import delete_draft

Json: TypeAlias = dict[str, Any]

_AT_ONCE = 4
"""Mails fetched side by side: far below Gmail's limit of 50 reads a second for one user."""


class GmailSettings(BaseModel):
    """What `connections.<name>` of a Gmail account may say in config.yaml; `token_file` is the usual way."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = None
    token_file: Path | None = None
    base_url: str = "https://gmail.googleapis.com"
    web_url: str = "https://mail.google.com/mail/u/0/#all/"


class GmailClient:
    """One mailbox. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = GmailSettings
    key_variables: ClassVar[Mapping[str, str]] = {"token": "GMAIL_TOKEN"}
    key_place: ClassVar[str] = "Google Cloud, APIs and services, Credentials"
    key_url: ClassVar[str] = "https://console.cloud.google.com/apis/credentials"
    sign_in_at: ClassVar[str] = "Google"
    """Where a person signs in, instead of giving a key."""
    default_url: ClassVar[str] = "https://gmail.googleapis.com"

    def __init__(self, settings: GmailSettings, http: httpx.Client) -> None:
        from googleapiclient.discovery import build as build_service

        self._web_url = settings.web_url
        token = settings.token.get_secret_value() if settings.token is not None else ""
        self._tokens = tokens_of(token, settings.token_file, http)
        # Built from the description inside the package: nothing is asked for over the network.
        self._users = build_service(
            "gmail",
            "v1",
            http=GoogleHttp(http, self._tokens),
            client_options={"api_endpoint": settings.base_url},
            cache_discovery=False,
            static_discovery=True,
        ).users()
        self._labels = Labels(self._users)
        self._account = ""
        self._lock = threading.Lock()

    def account(self) -> str:
        """Give the address of the mailbox: the one noted at sign-in, else asked once."""
        with self._lock:
            noted = self._tokens.owner()
            self._account = noted or self._account or self._address()
            return self._account

    def _address(self) -> str:
        return str(answered(self._users.getProfile(userId="me"), "emailAddress")["emailAddress"])

    def check(self) -> list[tuple[str, bool, str]]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        try:
            signed_in = ("sign-in", True, f"Signed in as {self._address()}.")
            names = self._labels.names()
        except ServiceError as error:
            return [("sign-in", False, f"{error.message} {error.remedy}")]
        return [signed_in, ("labels", True, f"It can read {counted(len(names), 'label')}.")]

    def labels(self) -> list[str]:
        """List the names of the labels."""
        return sorted(self._labels.names().values())

    def search(self, query: str, limit: int) -> Json:
        """Find mails as Gmail's search box does: {messages, matched_estimate}, newest first.

        `limit` is at most 500, one page of Gmail's.
        """
        found = answered(self._users.messages().list(userId="me", q=query, maxResults=limit))
        ids = [str(entry["id"]) for entry in entries(found, "messages")][:limit]
        # What was deleted between the list and the reading is not there any more: no error.
        messages = [message for message in self._each(ids, self._message_or_none) if message is not None]
        return {"messages": _newest_first(messages), "matched_estimate": int(found.get("resultSizeEstimate") or 0)}

    def by_ids(self, ids: Sequence[str]) -> Json:
        """Give exactly these mails: {messages, matched_estimate}, newest first; NotFound where one is gone."""
        wanted = list(dict.fromkeys(ids))
        messages = self._each(wanted, self.message)
        return {"messages": _newest_first(messages), "matched_estimate": len(wanted)}

    def _each(self, ids: Sequence[str], read: Any) -> list[Any]:
        """Read several mails side by side; each worker gets this thread's deadline (a context variable)."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="gmail") as workers:
            jobs = [workers.submit(copy_context().run, read, message) for message in ids]
            try:
                return [job.result() for job in jobs]
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise

    def _message_or_none(self, message: str) -> Json | None:
        try:
            return self.message(message)
        except NotFound:
            return None

    def message(self, message: str) -> Json:
        """Give one mail by Gmail's id.

        {id, thread_id, message_id, url, from, to, cc, subject, date, text, text_truncated, labels, attachments
        [{id, name, media_type, bytes}], can_reply}; `labels` are names, `date` is RFC 3339 in UTC.
        """
        found = self._get(message, "full")
        with reading():
            return {
                "id": str(found["id"]),
                "thread_id": str(found.get("threadId", "")),
                "url": f"{self._web_url}{found['id']}",
                **read_mail(found, lambda attachment: self._attachment_data(str(found["id"]), attachment)),
                "labels": self._labels.names_of(found.get("labelIds") or []),
                "can_reply": not refusal(found, self.account()),
            }

    def _get(self, message: str, form: str) -> Json:
        if not message.strip():
            raise InvalidRequest("The id of the mail is empty.", service=SERVICE)
        try:
            return answered(self._users.messages().get(userId="me", id=message, format=form), "id", "payload")
        except NotFound as error:
            raise NotFound(
                f"There is no mail {message!r} in this mailbox.", service=SERVICE, http_status=error.http_status
            ) from error

    def _attachment_data(self, message: str, attachment: str) -> str:
        request = self._users.messages().attachments().get(userId="me", messageId=message, id=attachment)
        return str(answered(request, "data")["data"])

    def attachment(self, message: str, attachment: str) -> File:
        """Give one attachment of a mail, by the id that the mail's `attachments` hold."""
        found = self._get(message, "full")
        for part in attachment_parts(found["payload"]):
            if attachment_id(part) == attachment:
                content = body_bytes(part, lambda data: self._attachment_data(str(found["id"]), data))
                return File(shown(str(part.get("filename") or "")) or "unnamed", content, str(part.get("mimeType", "")))
        raise NotFound(f"The mail {message!r} has no attachment {attachment!r}.", service=SERVICE)

    def original(self, message: str) -> Json:
        """Give Gmail's own record of the mail to answer, by Gmail's id or by its Message-ID (`<...>`).

        Raises InvalidRequest where a program must not answer it (RFC 3834).
        """
        if message.strip().startswith("<"):
            message = self._by_message_id(message.strip())
        found = self._get(message, "metadata")
        reason = refusal(found, self.account())
        if reason:
            raise InvalidRequest(
                f"This mail is not answered by a program: {reason}.",
                service=SERVICE,
                remedy="Leave such mails out: `if` with the mail's `can_reply`.",
            )
        return found

    def _by_message_id(self, wanted: str) -> str:
        ids = self._listed(wanted)
        if not ids:
            raise NotFound(f"There is no mail with the Message-ID {wanted} in this mailbox.", service=SERVICE)
        return ids[0]

    def _listed(self, wanted: str) -> list[str]:
        query = f"rfc822msgid:{wanted.strip('<>')}"
        request = self._users.messages().list(userId="me", q=query, includeSpamTrash=True, maxResults=10)
        return [str(entry["id"]) for entry in entries(answered(request), "messages")]

    def create_draft(self, mail: Outgoing, marker: str, answers: Json | None, written_at: datetime | None) -> Json:
        """Write a draft: {id, message, thread_id, message_id, url}; `answers` as `original` gives it."""
        body = {"message": self._outgoing(mail, marker, answers, written_at)}
        made = answered(self._users.drafts().create(userId="me", body=body), "id", "message")
        return self._draft(made, marker)

    def update_draft(
        self, draft: str, mail: Outgoing, marker: str, answers: Json | None, written_at: datetime | None
    ) -> Json:
        """Let a draft say this instead; gives what `create_draft` gives. NotFound where it was sent or deleted."""
        body = {"message": self._outgoing(mail, marker, answers, written_at)}
        made = answered(self._users.drafts().update(userId="me", id=draft, body=body), "id", "message")
        return self._draft(made, marker)

    def undo_draft(self, draft: Mapping[str, Any], done_at: datetime) -> None:
        """Delete a draft that `create_draft` gave at `done_at`; Conflict where it was edited or sent since."""
        delete_draft(self._users, draft, done_at)

    def find_draft(self, marker: str) -> Json | None:
        """Look for the draft of the write with this marker, as `create_draft` gives it.

        A draft that its owner has sent meanwhile counts: it must not be written once more.
        """
        wanted = message_id(marker, self.account())
        request = self._users.drafts().list(userId="me", q=f"rfc822msgid:{wanted.strip('<>')}", maxResults=10)
        for entry in entries(answered(request), "drafts"):
            draft = self._draft(entry, marker)
            if self._has_message_id(draft["message"], wanted):
                return draft
        sent = self.find_sent(marker)
        return {"message": sent["id"], **sent} if sent is not None else None

    def send(self, mail: Outgoing, marker: str, answers: Json | None, written_at: datetime | None) -> Json:
        """Send a mail: {id, thread_id, message_id, url}; `answers` as `original` gives it."""
        body = self._outgoing(mail, marker, answers, written_at)
        return self._sent(answered(self._users.messages().send(userId="me", body=body), "id"), marker)

    def find_sent(self, marker: str) -> Json | None:
        """Look for the mail of the write with this marker among all that left, as `send` gives it."""
        wanted = message_id(marker, self.account())
        for found in self._listed(wanted):
            mail = self._get(found, "metadata")
            if header(mail["payload"], "Message-ID").strip() == wanted and "SENT" in (mail.get("labelIds") or []):
                return self._sent(mail, marker)
        return None

    def _has_message_id(self, message: str, wanted: str) -> bool:
        return header(self._get(message, "metadata")["payload"], "Message-ID").strip() == wanted

    def _outgoing(self, mail: Outgoing, marker: str, answers: Json | None, written_at: datetime | None) -> Json:
        payload = answers["payload"] if answers is not None else None
        built = {"raw": raw(build(mail, self.account(), marker, payload, written_at))}
        return {**built, "threadId": answers["threadId"]} if answers is not None else built

    def _draft(self, made: Json, marker: str) -> Json:
        mail = made["message"]
        if not isinstance(mail, dict) or "id" not in mail:
            raise BadAnswer("Gmail gave a draft without its mail.", service=SERVICE)
        return {"id": str(made["id"]), "message": str(mail["id"]), **self._written(mail, marker)}

    def _sent(self, mail: Json, marker: str) -> Json:
        return {"id": str(mail["id"]), **self._written(mail, marker)}

    def _written(self, mail: Json, marker: str) -> Json:
        return {
            "thread_id": str(mail.get("threadId", "")),
            "message_id": message_id(marker, self.account()),
            "url": f"{self._web_url}{mail['id']}",
        }

    def add_labels(self, message: str, labels: Sequence[str]) -> Json:
        """Put labels on a mail by their names, made where they are missing: {id, url, labels}.

        Doing it twice changes nothing more.
        """
        changed = self._labels.add(message, labels)
        names = self._labels.names_of(changed.get("labelIds") or [])
        return {"id": message, "url": f"{self._web_url}{message}", "labels": names}

    def label_names(self, message: str) -> list[str]:
        """Give the names of the labels that a mail has."""
        found = answered(self._users.messages().get(userId="me", id=message, format="minimal"), "id")
        return self._labels.names_of(found.get("labelIds") or [])

    def undo_labels(self, message: str, labels: Sequence[str]) -> None:
        """Take labels off a mail by their names; what is not there, or no more, needs no taking off."""
        self._labels.remove(message, labels)


def recipients(answers: Json) -> list[str]:
    """Give where an answer to this mail (of `original`) goes."""
    return [reply_address(answers["payload"])]


def _newest_first(messages: list[Json]) -> list[Json]:
    return sorted(messages, key=lambda message: str(message["date"]), reverse=True)
