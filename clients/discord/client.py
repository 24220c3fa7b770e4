"""The Discord client: messages of a bot or a webhook (https://discord.com/developers/docs/reference)."""

from __future__ import annotations

import re
import threading
from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from clients import VERSION
from clients.chats.asking import asked
from clients.chats.beside import beside
from clients.chats.markdown import kept_in_words
from clients.chats.parts import sent_in_parts, whole
from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.discord.service import DISCORD, MESSAGE, URL, DiscordSettings
from clients.errors import AuthError, InvalidRequest, NotFound, ServiceError
from clients.limits.text_limit import in_parts
from clients.listing import Json

_AGENT = f"DiscordBot (https://pypi.org/project/ai-orchestra, {VERSION})"
"""https://discord.com/developers/docs/reference#user-agent: others may be blocked."""
_ID = re.compile(r"\d{15,22}")
_TEXT_CHANNELS = frozenset({0, 5})
"""Text and announcements (https://discord.com/developers/docs/resources/channel#channel-object-channel-types)."""
_NO_PREVIEWS = 1 << 2
"""Discord would ask the addresses of strangers."""
_NONCE_MOST = 25
"""https://discord.com/developers/docs/resources/message#create-message"""
_BESIDE = {
    "attachments": ("file", ("title", "filename")),
    "embeds": ("card", ("title", "description")),
    "sticker_items": ("sticker", ("name",)),
    "poll": ("poll", ()),
    "message_snapshots": ("forwarded message", ()),
}
"""https://discord.com/developers/docs/resources/message#message-object"""
_PAGE = 100
_PAGES_MOST = 200
_EPOCH_MS = 1_420_070_400_000
"""Ids of Discord hold a time since its first second of 2015."""
_WEBHOOK = re.compile(r"/webhooks/\d+/[\w-]+\Z")


class DiscordClient(Client):
    """A bot on Discord, or a webhook of one channel."""

    service = DISCORD
    http: httpx.Client

    def __init__(self, settings: DiscordSettings, http: httpx.Client) -> None:
        self.http = http
        self.http.headers["User-Agent"] = _AGENT
        self._url = settings.base_url.rstrip("/")
        self._pages = "https://discord.com" if self._url == URL else self._url
        self._token = settings.token.get_secret_value()
        self._hook = settings.webhook.get_secret_value().strip()
        self._me: Json | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: DiscordSettings, opening: Opening) -> DiscordClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(DISCORD, settings.base_url))

    def account(self) -> str:
        """Return the name of the bot, or of the webhook."""
        me = self._whoami()
        return str(me.get("username") or me.get("name") or "webhook")

    def identity(self) -> str:
        """Return the id of the bot or webhook, which never changes."""
        return str(self._whoami()["id"])

    def check(self) -> list[CheckLine]:
        """Try to sign in, and to list channels."""
        if not self._token and not self._hook:
            said = (
                "There is neither a bot token nor a webhook. https://discord.com/developers/applications makes a bot."
            )
            return [CheckLine("sign-in", ok=False, text=said)]
        try:
            lines = [CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}.")]
            if not self._token:
                return lines
            found = self.channels()
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        if found:
            names = ", ".join(one["name"] for one in found[:5])
            return [*lines, CheckLine("channels", ok=True, text=f"The bot sees {names}.")]
        return [
            *lines,
            CheckLine("channels", ok=False, text="The bot is on no server. The developer portal has its invitation."),
        ]

    def channels(self) -> list[Json]:
        """List the text channels of all servers of the bot: [{id, name, url}]; a name is `server/#channel`."""
        if not self._token:
            return []
        found = []
        for guild in self._bot("GET", "/users/@me/guilds"):
            for one in self._bot("GET", f"/guilds/{guild['id']}/channels"):
                if one["type"] in _TEXT_CHANNELS:
                    url = f"{self._pages}/channels/{guild['id']}/{one['id']}"
                    found.append({"id": one["id"], "name": f"{guild['name']}/#{one['name']}", "url": url})
        return found

    def send(
        self,
        channel: str,
        text: str,
        reply_to: str,
        marker: str,
        since: datetime | None = None,
        others: Container[str] = (),
    ) -> Json:
        """Send Markdown to a channel; return {id, channel, url, ids}.

        A long text takes several messages; `ids` has all of them. Messages that were sent since a time, other than
        `others`, are not sent again. Discord drops a repeated message of the same marker within some minutes
        (`enforce_nonce`).
        """
        where = self._channel(channel)  # before anything is sent: its address is part of the answer
        parts = in_parts(text, MESSAGE)

        def one(number: int, part: str) -> Json:
            answers = {"message_id": reply_to, "fail_if_not_exists": True} if reply_to and not number else None
            body = {
                **_message(part),
                # The number comes first, since the end may be cut off.
                "nonce": f"{number or ''}{marker}"[:_NONCE_MOST],
                "enforce_nonce": True,
                **({"message_reference": answers} if answers else {}),
            }
            return _sent(where["url"], self._bot("POST", f"/channels/{where['id']}/messages", json=body))

        known = dict(enumerate(self._parts_since(where, parts, since, others))) if since and parts[1:] else {}
        return sent_in_parts(parts, one, lambda made: self.delete(made["channel"], made["id"]), known)

    def send_by_webhook(self, text: str) -> Json:
        """Send Markdown by the webhook to its channel; return {id, channel, url, ids}.

        Without `wait`, Discord would answer 204, and not say which message it has made.
        """
        hook = self._whoami()
        channel = f"{self._pages}/channels/{hook.get('guild_id') or '@me'}/{hook.get('channel_id', '')}"

        def one(_: int, part: str) -> Json:
            return _sent(
                channel, asked(DISCORD, self.http, "POST", f"{self._webhook()}?wait=true", json=_message(part))
            )

        return sent_in_parts(in_parts(text, MESSAGE), one, lambda made: self.delete(made["channel"], made["id"]))

    def sent(self, channel: str, text: str, since: datetime, others: Container[str]) -> Json | None:
        """Look for the messages of the bot with this text since a time, other than `others`; None if one is missing."""
        parts, where = in_parts(text, MESSAGE), self._channel(channel)
        found = list(self._parts_since(where, parts, since, others))
        return whole(found) if len(found) == len(parts) else None

    def _parts_since(self, where: Json, parts: list[str], since: datetime, others: Container[str]) -> Iterator[Json]:
        """Yield the messages of the first parts, in order, until one is missing."""
        me, wanted = self.identity(), iter(parts)
        part = next(wanted, None)
        for one in self._since(where, since):
            if part is None:
                return
            # Discord strips blanks around a text.
            if one["author"]["id"] == me and one["content"] == kept_in_words(part).strip() and one["id"] not in others:
                yield _sent(where["url"], one)
                part = next(wanted, None)

    def _since(self, where: Json, since: datetime) -> Iterator[Json]:
        """Yield the messages of a channel since a time, oldest first. Raises InvalidRequest."""
        # A minute earlier, as the clocks may differ. An id has the time above its lowest 22 bits (see Snowflakes).
        after = str((int(since.timestamp() * 1000) - 60_000 - _EPOCH_MS) << 22)
        for _ in range(_PAGES_MOST):
            query = {"after": after, "limit": str(_PAGE)}
            found = sorted(
                self._bot("GET", f"/channels/{where['id']}/messages", params=query), key=lambda one: int(one["id"])
            )
            yield from found
            if len(found) < _PAGE:
                return
            after = found[-1]["id"]
        said = f"The channel has had more than {_PAGES_MOST * _PAGE:,} messages since: not all were read."
        raise InvalidRequest(said, service=DISCORD.name, remedy="Look there whether the message was sent.")

    def messages(self, channel: str, limit: int) -> list[Json]:
        """Return the newest messages of a channel, oldest first.

        [{id, text, left_out, author, author_id, is_bot, at, url}]; `left_out` says what is not in the text.
        """
        where, found = self._channel(channel), list[Json]()
        while len(found) < limit:
            query = {"limit": str(min(_PAGE, limit - len(found))), **({"before": found[-1]["id"]} if found else {})}
            page = self._bot("GET", f"/channels/{where['id']}/messages", params=query)
            found += page
            if len(page) < int(query["limit"]):
                break
        return [_shown(where["url"], one) for one in reversed(found)]

    def delete(self, channel: str, message: str) -> None:
        """Delete a message of the bot or webhook; harmless if it is gone."""
        try:
            if self._token:
                self._bot("DELETE", f"/channels/{channel}/messages/{message}")
            else:
                asked(DISCORD, self.http, "DELETE", f"{self._webhook()}/messages/{message}")
        except NotFound:
            return

    def _channel(self, channel: str) -> Json:
        """Return {id, url} of a channel given by id, `server/#channel`, or a name of only one. Raises NotFound."""
        if _ID.fullmatch(channel):
            found = self._bot("GET", f"/channels/{channel}")
            return {"id": channel, "url": f"{self._pages}/channels/{found.get('guild_id') or '@me'}/{channel}"}
        known = self.channels()
        name = channel.rpartition("/")[2].removeprefix("#")
        fitting = [one for one in known if one["name"] == channel] or [
            one for one in known if "/" not in channel and one["name"].rpartition("/#")[2] == name
        ]
        if len(fitting) != 1:
            said = "There is no" if not fitting else f"There are {len(fitting)} channels, not one:"
            remedy = "Name it as `server/#channel`, or by its id."
            raise NotFound(f"{said} channel {channel!r} that the bot sees.", service=DISCORD.name, remedy=remedy)
        return fitting[0]

    def _whoami(self) -> Json:
        with self._lock:
            if self._me is None:
                is_bot = bool(self._token) or not self._hook
                self._me = (
                    self._bot("GET", "/users/@me") if is_bot else asked(DISCORD, self.http, "GET", self._webhook())
                )
            return self._me

    def _webhook(self) -> str:
        """Return the address of the webhook at the API; the token in it is its only secret."""
        path = urlsplit(self._hook).path
        found = _WEBHOOK.search(path)
        if found is None:
            remedy = "Discord shows it: channel settings, Integrations, Webhooks, Copy webhook URL."
            raise InvalidRequest("The connection has no webhook.", service=DISCORD.name, remedy=remedy)
        return f"{self._url}{found[0]}"

    def _bot(self, way: str, path: str, **more: Any) -> Any:
        if not self._token:
            remedy = "Give the connection the token of a bot; a webhook only sends, and with no `channel`."
            raise AuthError("The connection has no bot.", service=DISCORD.name, remedy=remedy)
        headers = {"Authorization": f"Bot {self._token}"}
        return asked(DISCORD, self.http, way, f"{self._url}{path}", headers=headers, **more)


def _message(text: str) -> Json:
    # Without `allowed_mentions`, an `@everyone` in a stranger's text would notify the whole server.
    return {"content": kept_in_words(text), "allowed_mentions": {"parse": []}, "flags": _NO_PREVIEWS}


def _sent(channel: str, one: Json) -> Json:
    """Return {id, channel, url} of a message; `channel` is the address of its channel."""
    return {"id": one["id"], "channel": one["channel_id"], "url": f"{channel}/{one['id']}"}


def _shown(channel: str, one: Json) -> Json:
    author = one.get("author") or {}
    return {
        "id": one["id"],
        "text": one.get("content", ""),
        "left_out": beside(one, _BESIDE),
        "author": str(author.get("global_name") or author.get("username") or ""),
        "author_id": str(author.get("id", "")),
        "is_bot": bool(author.get("bot")),
        "at": one["timestamp"],
        "url": f"{channel}/{one['id']}",
    }
