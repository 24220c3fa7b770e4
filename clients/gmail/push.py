"""Hears at once that something has changed in a mailbox, by Cloud Pub/Sub; what has changed is not read here.

Gmail publishes to a topic in the Google Cloud project of the person's own OAuth client, and this program pulls from a
subscription to it (https://developers.google.com/workspace/gmail/api/guides/push). What a message says is not even
looked at: it may come from anyone who may publish there, and a poll finds out for itself.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.deadline import interruptible
from clients.error_mapping import of_status, reading, require_object, words_in
from clients.errors import AuthError, InvalidRequest, NotFound, ServiceError
from clients.gmail.service import GMAIL
from clients.google.transport import answered, done
from clients.listing import Json
from clients.oauth.api import OAuthApi
from clients.oauth.app import TokenSource
from clients.transport import CONNECT_SECONDS

PUBLISHER = "gmail-api-push@system.gserviceaccount.com"
"""The account with which Gmail publishes."""
_URL = "https://pubsub.googleapis.com"
_PUBSUB = replace(GMAIL, error_name="Cloud Pub/Sub")
_AGAIN_SECONDS = 24 * 3600.0
"""A watch ends after seven days; Google advises to renew it daily."""
_PULL_SECONDS = 120.0
"""The longest wait for an answer: a pull waits for a message for "a bounded amount of time", in practice 90 seconds."""
_EMPTY_SECONDS = 1.0
"""The least time for a pull that brings nothing: Google does not promise that it waits."""
_MOST = 1000
"""Messages in one pull: after a week without this program, there may be many."""
_CONSUME = "pubsub.subscriptions.consume"
_ELSEWHERE = ("bigqueryConfig", "bigtableConfig", "cloudStorageConfig")
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_FIELD = "push_subscription"
_IS_OFF, _LACKS_SCOPE = "SERVICE_DISABLED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
"""Google's reasons for a 403 (https://cloud.google.com/apis/design/errors)."""
_POLLED = "New mail is found by polling only."


class PushFailed(ServiceError):
    """Gmail does not report new mail at once: something is missing at Google. The polls find it."""


class MailboxPush:
    """What reports changes in one mailbox. Thread-safe; raises only errors of `clients.errors`."""

    def __init__(self, users: Any, http: httpx.Client, tokens: TokenSource, subscription: str, base_url: str) -> None:
        self._users, self._tokens, self._subscription = users, tokens, subscription
        self._api = OAuthApi(http, tokens, self._refusal)
        at = _URL if base_url.rstrip("/") == GMAIL.url else base_url.rstrip("/")
        self._url = f"{at}/v1/{quote(subscription)}"
        self.trouble = ""
        """What is missing, and the remedy, if listening has failed for that reason; else empty."""

    def listen(self, hear: Callable[[], None]) -> None:
        """Call `hear` whenever something may have changed, until the call is ended (`clients.deadline.ended_by`).

        `hear` is also called once at the beginning: mail may have come before. Raises ServiceError: InvalidRequest if
        no subscription is known, PushFailed if something is missing at Google.

        The watch is left to end by itself: another server of the same workspace may have taken over.
        """
        if not self._subscription:
            self.trouble = ""
            raise InvalidRequest("The connection has no Pub/Sub subscription.", service=GMAIL.name, field=_FIELD)
        try:
            self._listen(hear)
        except PushFailed as error:
            self.trouble = f"{_POLLED} {error.message} {error.remedy}"
            raise

    def check(self) -> list[CheckLine]:
        """Try what `listen` needs, and watch the mailbox: only so does Google tell whether Gmail may publish."""
        if not self._subscription:
            return []
        try:
            topic = self._topic()
            self._require_consumer()
            self._watch(topic)
        except ServiceError as error:
            return [failed(_PUBSUB, "new mail", error)]
        return [CheckLine("new mail", ok=True, text="Gmail reports new mail at once, by Cloud Pub/Sub.")]

    def _listen(self, hear: Callable[[], None]) -> None:
        topic, watched_at = self._topic(), 0.0
        while True:
            # The time of day: a machine that sleeps is late, too.
            if not 0 <= time.time() - watched_at < _AGAIN_SECONDS:
                self._watch(topic)
                if not watched_at:
                    hear()
                watched_at = time.time()
            begun_at = time.monotonic()
            received = self._pulled()
            self.trouble = ""
            if received:
                hear()
                self._api.asked("POST", f"{self._url}:acknowledge", json={"ackIds": received})
            else:
                _pause(begun_at + _EMPTY_SECONDS - time.monotonic())

    @reading(_PUBSUB)
    def _topic(self) -> str:
        """Return the topic of the subscription. Raises PushFailed if nothing can be pulled from it."""
        found = require_object(_PUBSUB, self._api.asked("GET", self._url))
        topic = str(found.get("topic", ""))
        if found.get("detached") or not _TOPIC.fullmatch(topic):  # "_deleted-topic_"
            said = f"The topic of {self._subscription} has been deleted, or the subscription detached from it."
            raise self._failed(said, "Create both anew.")
        if (found.get("pushConfig") or {}).get("pushEndpoint") or any(found.get(name) for name in _ELSEWHERE):
            said = f"{self._subscription} delivers its messages to another place."
            raise self._failed(said, "Create a subscription of the type Pull.")
        return topic

    @reading(_PUBSUB)
    def _require_consumer(self) -> None:
        """Raise PushFailed if the account may see the subscription, but not pull from it."""
        asked = {"permissions": [_CONSUME]}
        found = require_object(_PUBSUB, self._api.asked("POST", f"{self._url}:testIamPermissions", json=asked))
        if _CONSUME not in (found.get("permissions") or []):
            raise self._failed(f"The account may not pull from {self._subscription}.", self._roles())

    def _watch(self, topic: str) -> None:
        """Have Gmail publish the changes of the mailbox for the next seven days."""
        try:
            try:
                self._ask_to_watch(topic)
            except InvalidRequest:
                # With one client, a mailbox publishes to one topic only: it may be an earlier one.
                done(self._users.stop(userId="me"))
                self._ask_to_watch(topic)
        except (AuthError, InvalidRequest, NotFound) as error:
            if error.http_status in (None, httpx.codes.UNAUTHORIZED):
                raise
            remedy = f"Give {PUBLISHER} the role Pub/Sub Publisher on {topic}."
            if error.http_status == httpx.codes.BAD_REQUEST:
                remedy = "The topic has to be in the project of your OAuth client (the client secret file)."
            raise self._failed(error.message, remedy, error.http_status) from error

    def _ask_to_watch(self, topic: str) -> None:
        answered(self._users.watch(userId="me", body={"topicName": topic}), "expiration")

    @reading(_PUBSUB)
    def _pulled(self) -> list[str]:
        """Wait for messages, and return their `ackId`s; without any, Google answers sooner or later all the same.

        https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions/pull
        """
        patience = httpx.Timeout(None, connect=CONNECT_SECONDS, read=_PULL_SECONDS)
        answer = self._api.asked("POST", f"{self._url}:pull", json={"maxMessages": _MOST}, timeout=patience)
        received: list[Json] = require_object(_PUBSUB, answer).get("receivedMessages") or []
        return [str(one["ackId"]) for one in received]

    def _refusal(self, answer: httpx.Response) -> ServiceError:
        """Return the error of an answer of Pub/Sub with status 300 or above."""
        error = of_status(_PUBSUB, answer.status_code, answer.headers, words_in(answer.content))
        is_refused = isinstance(error, AuthError | InvalidRequest | NotFound)
        if not is_refused or answer.status_code == httpx.codes.UNAUTHORIZED:
            return error
        reasons, remedy = _reasons(answer), self._roles()
        if isinstance(error, NotFound):
            remedy = f"Create the subscription {self._subscription}, or correct its name in the connection."
        elif _IS_OFF in reasons:
            remedy = "Enable the Cloud Pub/Sub API in your project, at the address in the message."
        elif _LACKS_SCOPE in reasons:
            remedy = self._tokens.app.sign_in_again
        return self._failed(error.message, remedy, error.http_status)

    def _roles(self) -> str:
        return (
            f"Give the account of the mailbox the roles Pub/Sub Subscriber and Pub/Sub Viewer on {self._subscription}."
        )

    def _failed(self, message: str, remedy: str, status: int | None = None) -> PushFailed:
        return PushFailed(message, service=GMAIL.name, remedy=remedy, http_status=status, field=_FIELD)


def _reasons(answer: httpx.Response) -> list[str]:
    """Return Google's reasons for a refusal, in capitals (`google.rpc.ErrorInfo`)."""
    try:
        details = json.loads(answer.content)["error"].get("details", [])
        return [str(one.get("reason", "")) for one in details]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _pause(seconds: float) -> None:
    """Wait, unless the call is ended."""
    is_over = threading.Event()
    with interruptible(is_over.set):
        is_over.wait(max(0.0, seconds))
