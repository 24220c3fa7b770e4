"""The Slack client: channels, messages and reactions of a bot (https://docs.slack.dev/reference/methods)."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from typing import Any

import httpx

from clients.chats.asking import asked
from clients.chats.beside import beside
from clients.chats.markdown import SLACK as MARKS
from clients.chats.markdown import rendered
from clients.chats.parts import sent_in_parts, whole
from clients.chats.slack_text import plain_text
from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.error_mapping import words_in
from clients.errors import AuthError, BadAnswer, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from clients.limits.text_limit import in_parts
from clients.listing import Json
from clients.slack.service import MESSAGE, SLACK, SlackSettings
from clients.wording import guess_first

_EVENT = "ai_orchestra_write"
"""The type of the metadata that marks our messages."""
_ID = re.compile(r"[CDG][A-Z0-9]{8,}")
_PAGE = 200
"""Slack recommends no more (docs.slack.dev/apis/web-api/pagination)."""
_PAGES_MOST = 100
"""The longest threads have some ten thousand answers."""
_BESIDE = {"files": ("file", ("title", "name")), "attachments": ("card", ("title", "fallback", "text"))}
"""docs.slack.dev/reference/events/message and /messaging/attachments: cards are also previews of links."""
_KINDS: dict[str, type[ServiceError]] = {
    **dict.fromkeys(
        (
            "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
            "not_allowed_token_type", "no_permission", "access_denied", "team_access_not_granted", "ekm_access_denied",
        ),
        AuthError,
    ),
    "no_reaction": NotFound,
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), RateLimited),
    **dict.fromkeys(
        (
            "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org",
            "org_login_required",
        ),
        Unavailable,
    ),
}  # fmt: skip
"""By the codes that all methods of Slack share (docs.slack.dev/reference/methods); `…_not_found` says itself."""
_NO_SCOPE = "Slack, Your apps, OAuth & Permissions: add the scope, and install the app again."
_REMEDIES = {
    "missing_scope": _NO_SCOPE,
    "no_permission": _NO_SCOPE,
    "not_allowed_token_type": "Give the connection the token of the bot: it begins with xoxb-.",
    "not_in_channel": "Invite the bot: `/invite @NAME` in the channel.",
    "channel_not_found": "Correct `channel`; the bot sees private channels only once it is invited.",
    "is_archived": "Unarchive the channel in Slack, or choose another.",
    "restricted_action": "A setting of the workspace forbids it: ask one of its admins.",
    "team_added_to_org": "Slack moves the workspace into an organization: try again later.",
    "org_login_required": "Slack moves the workspace into an organization: try again later.",
}


class SlackClient(Client):
    """A bot in one Slack workspace."""

    service = SLACK
    http: httpx.Client

    def __init__(self, settings: SlackSettings, http: httpx.Client) -> None:
        self.http = http
        self._url = settings.base_url.rstrip("/")
        self._token = settings.token.get_secret_value()
        self._me: Json | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: SlackSettings, opening: Opening) -> SlackClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(SLACK, settings.base_url))

    def account(self) -> str:
        """Return the name of the bot and of its workspace."""
        me = self._whoami()
        return f"{me.get('user')} in {me.get('team')}"

    def identity(self) -> str:
        """Return the ids of workspace and bot, which never change."""
        me = self._whoami()
        return f"{me['team_id']}:{me['user_id']}"

    def check(self) -> list[CheckLine]:
        """Try to sign in, and to list channels."""
        if not self._token:
            return [
                CheckLine(
                    "sign-in", ok=False, text="There is no token yet. Create an app at https://api.slack.com/apps."
                )
            ]
        try:
            lines = [CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}.")]
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        try:
            joined = [one["name"] for one in self.channels() if one["is_member"]]
        except ServiceError as error:
            return [*lines, failed(self.service, "channels", error)]
        if joined:
            return [*lines, CheckLine("channels", ok=True, text=f"The bot is in {', '.join(joined[:5])}.")]
        return [
            *lines,
            CheckLine("channels", ok=False, text="The bot is in no channel. Invite it: `/invite @NAME` in a channel."),
        ]

    def channels(self) -> list[Json]:
        """List the channels that the bot sees: [{id, name, url, is_member, is_private}]; names begin with #."""
        query = {"exclude_archived": "true", "types": "public_channel,private_channel", "limit": str(_PAGE)}
        home = str(self._whoami().get("url", "")).rstrip("/")
        return [
            {
                "id": one["id"],
                "name": f"#{one['name']}",
                "url": f"{home}/archives/{one['id']}",
                "is_member": bool(one.get("is_member")),
                "is_private": bool(one.get("is_private")),
            }
            for one in self._pages("conversations.list", "channels", query)
        ]

    def send(self, channel: str, text: str, thread: str, marker: str, since: datetime | None = None) -> Json:
        """Send Markdown to a channel, marked so that `sent` finds it; return {id, channel, url, ids}.

        A long text takes several messages; `ids` has all of them. Messages sent since a time are not sent again.
        """
        where, parts = self.channel_id(channel), in_parts(text, MESSAGE)

        def one(number: int, part: str) -> Json:
            body = {
                "channel": where,
                "text": rendered(part, MARKS),
                "unfurl_links": False,  # Slack would ask the addresses of strangers
                "unfurl_media": False,
                "metadata": {"event_type": _EVENT, "event_payload": {"marker": marker, "part": number}},
                **({"thread_ts": thread} if thread else {}),
            }
            return self._sent(where, self._asked("POST", "chat.postMessage", json=body)["ts"])

        known = self._marked(where, thread, marker, since) if since and parts[1:] else {}
        return sent_in_parts(parts, one, lambda made: self.delete(where, made["id"]), known)

    def sent(self, channel: str, text: str, thread: str, marker: str, since: datetime) -> Json | None:
        """Look for the messages of `send` since a time; None if one of them is missing."""
        found = self._marked(self.channel_id(channel), thread, marker, since)
        parts = range(len(in_parts(text, MESSAGE)))
        return whole([found[number] for number in parts]) if all(number in found for number in parts) else None

    def _marked(self, channel: str, thread: str, marker: str, since: datetime) -> dict[int, Json]:
        """Return the messages with a marker since a time, by the number of their part. Raises InvalidRequest."""
        # A minute earlier, as Slack's clock and ours may differ.
        query = {"oldest": f"{since.timestamp() - 60:.6f}", "include_all_metadata": "true"}
        found: dict[int, Json] = {}
        for one in self._messages(channel, thread, query):
            metadata = one.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == _EVENT and payload.get("marker") == marker:
                found[int(payload.get("part") or 0)] = self._sent(channel, one["ts"])
        return found

    def messages(self, channel: str, thread: str, limit: int) -> list[Json]:
        """Return the newest messages of a channel or thread, oldest first.

        [{id, text, left_out, author, is_bot, at, thread, url}]; `left_out` says what is not in the text.
        """
        where = self.channel_id(channel)
        # A channel begins with its newest message, a thread with its oldest: all of it has to be read.
        wanted = None if thread else limit
        found = sorted(self._messages(where, thread, {}, wanted), key=lambda one: float(one["ts"]))
        return [self._shown(where, one) for one in found[-limit:]]

    def delete(self, channel: str, message: str) -> None:
        """Delete a message of the bot; harmless if it is gone."""
        try:
            self._asked("POST", "chat.delete", json={"channel": channel, "ts": message})
        except NotFound:
            return

    def react(self, channel: str, message: str, name: str) -> None:
        """Add a reaction to a message; harmless if it is there already."""
        body = {"channel": self.channel_id(channel), "timestamp": message, "name": name.strip(":")}
        self._asked("POST", "reactions.add", may="already_reacted", json=body)

    def unreact(self, channel: str, message: str, name: str) -> None:
        """Remove a reaction of the bot; harmless if it is gone."""
        body = {"channel": self.channel_id(channel), "timestamp": message, "name": name.strip(":")}
        self._asked("POST", "reactions.remove", may="no_reaction", json=body)

    def channel_id(self, channel: str) -> str:
        """Return the id of a channel given by id or name. Raises NotFound."""
        if _ID.fullmatch(channel):
            return channel
        name = f"#{channel.removeprefix('#')}"
        known = {str(one["name"]): str(one["id"]) for one in reversed(self.channels())}
        if name not in known:
            remedy = guess_first(name, known, _REMEDIES["channel_not_found"])
            raise NotFound(f"There is no channel {name} that the bot sees.", service=SLACK.name, remedy=remedy)
        return known[name]

    def _whoami(self) -> Json:
        with self._lock:
            if self._me is None:
                self._me = self._asked("GET", "auth.test")
            return self._me

    def _sent(self, channel: str, message: str) -> Json:
        return {"id": message, "channel": channel, "url": self._link(channel, message)}

    def _link(self, channel: str, message: str) -> str:
        home = str(self._whoami().get("url", "")).rstrip("/")
        return f"{home}/archives/{channel}/p{message.replace('.', '')}"

    def _shown(self, channel: str, one: Json) -> Json:
        return {
            "id": one["ts"],
            "text": plain_text(one.get("text", "")),
            "left_out": beside(one, _BESIDE),
            "author": str(one.get("username") or one.get("user") or one.get("bot_id") or ""),
            "is_bot": "bot_id" in one,
            "at": f"{datetime.fromtimestamp(float(one['ts']), UTC).isoformat(timespec='milliseconds')[:-6]}Z",
            "thread": one.get("thread_ts", ""),
            "url": self._link(channel, one["ts"]),
        }

    def _messages(self, channel: str, thread: str, query: Json, wanted: int | None = None) -> list[Json]:
        method = "conversations.replies" if thread else "conversations.history"
        asks = {"channel": channel, "limit": str(_PAGE), **query, **({"ts": thread} if thread else {})}
        return self._pages(method, "messages", asks, wanted)

    def _pages(self, method: str, member: str, query: Json, wanted: int | None = None) -> list[Json]:
        """Return all, or at least as many as are wanted if there are. Raises InvalidRequest."""
        found: list[Json] = []
        for _ in range(_PAGES_MOST):
            answer = self._asked("GET", method, params=query)
            found += answer.get(member, [])
            following = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not following or (wanted is not None and len(found) >= wanted):
                return found
            query = {**query, "cursor": following}
        said = f"Slack has more than {_PAGES_MOST * _PAGE:,} {member} there: not all were read."
        raise InvalidRequest(said, service=SLACK.name, remedy="Look there for what you need.")

    def _asked(self, way: str, method: str, may: str = "", **asks: Any) -> Json:
        """Return an answer that says `ok`; `may`: an error that changes nothing. Raises ServiceError."""
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = asked(SLACK, self.http, way, f"{self._url}/{method}", headers=headers, **asks)
        if not isinstance(answer, dict):
            raise BadAnswer(f"Slack's answer to {method} is not an object.", service=SLACK.name)
        if answer.get("ok") or (may and answer.get("error") == may):
            return answer
        code = str(answer.get("error") or "no explanation given")
        needed = f" (needed: {answer['needed']})" if answer.get("needed") else ""
        more = words_in((answer.get("response_metadata") or {}).get("messages"))
        told = f"Slack refused {method}: {code}{needed}{f': {more}' if more else ''}"
        kind = _KINDS.get(code, NotFound if code.endswith("_not_found") else InvalidRequest)
        raise kind(f"{told.removesuffix('.')}.", service=SLACK.name, remedy=_REMEDIES.get(code, ""))
