"""The Telegram client: messages to and from a bot (https://core.telegram.org/bots/api)."""

from __future__ import annotations

import json
import logging
import re
import threading
from datetime import UTC, datetime
from typing import Any

import httpx

from clients.chats.asking import asked, parameters, refusal
from clients.chats.markdown import TELEGRAM as MARKS
from clients.chats.markdown import rendered
from clients.chats.parts import sent_in_parts
from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError
from clients.limits.text_limit import in_parts
from clients.listing import Json
from clients.secrets import known
from clients.telegram.service import MESSAGE, TELEGRAM, TelegramSettings

UPDATES_MOST = 100
"""Most updates in one answer."""
_KINDS = ("message", "channel_post")
_TOKEN = re.compile(r"/bot\d+:[^/]+/")
_REMEDIES = {
    "chat not found": "Correct `chat`. A person has to write to the bot before it can write to them.",
    "can't initiate": "Have the person write to the bot first, then try again.",
    "blocked by the user": "Have the person unblock the bot, or write to another chat.",
    "user is deactivated": "The account is gone: write to another chat.",
    "was kicked": "Have somebody add the bot to the chat again.",
    "not a member": "Have somebody add the bot to the chat.",
    "not enough rights": "Have an admin of the chat allow this to the bot.",
    "have no rights": "Have an admin of the chat allow this to the bot.",
}
"""What helps, by the words of Telegram (core.telegram.org/bots/api#making-requests: they are its only codes)."""
_MEDIA = ("photo", "document", "voice", "audio", "video", "sticker", "location", "contact", "poll")


class _NoTokens(logging.Filter):
    """Takes the tokens of bots out of the addresses that httpx logs: they are part of each address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass, without tokens."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _TOKEN.sub("/bot…/", str(one)) if isinstance(one, httpx.URL) else one for one in record.args
            )
        return True


_NO_TOKENS = _NoTokens()


class TelegramClient(Client):
    """One bot."""

    service = TELEGRAM
    http: httpx.Client

    def __init__(self, settings: TelegramSettings, http: httpx.Client) -> None:
        logging.getLogger("httpx").addFilter(_NO_TOKENS)  # the same one is added once
        self.http = http
        self._token = settings.token.get_secret_value()
        # The transport knows the secrets of headers only; before the colon is the public id of the bot.
        known.keep(f"requests of the bot {self._token.partition(':')[0]}", self._token)
        self._url = _address(settings)
        self._me: Json | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: TelegramSettings, opening: Opening) -> TelegramClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(TELEGRAM, _address(settings)))

    def account(self) -> str:
        """Return the name of the bot, with @."""
        return f"@{self._whoami().get('username', '')}"

    def identity(self) -> str:
        """Return the id of the bot, which never changes."""
        return str(self._whoami()["id"])

    def check(self) -> list[CheckLine]:
        """Try to sign in, and see whether another program gets the messages."""
        if not self._token:
            return [CheckLine("sign-in", ok=False, text="There is no token yet. @BotFather in Telegram makes a bot.")]
        try:
            lines = [CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}.")]
            hook = self._asked("GET", "getWebhookInfo").get("url", "")
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        if hook:
            said = "Another program gets the messages of this bot (a webhook): the trigger sees none. Use another bot."
            return [*lines, CheckLine("messages", ok=False, text=said)]
        return lines

    def chats(self) -> list[Json]:
        """List the chats that wrote to the bot within a day: [{id, name, url}]; a name begins with the id."""
        found = {one["chat_id"]: one["chat"] for one in self.new_messages()}
        return [{"id": str(key), "name": f"{key} {title}".strip(), "url": ""} for key, title in found.items()]

    def send(self, chat: str, text: str, reply_to: int | None) -> Json:
        """Send Markdown to a chat: its id, its id and name as in `chats`, or @name; return {id, chat, url, ids}.

        A long text takes several messages; `ids` has all of them, and the first one answers `reply_to`.
        """

        def one(number: int, part: str) -> Json:
            return self._send(chat, part, None if number else reply_to)

        return sent_in_parts(in_parts(text, MESSAGE), one, lambda made: self.delete(made["id"]))

    def _send(self, chat: str, text: str, reply_to: int | None) -> Json:
        body = {
            "chat_id": chat_id(chat),
            "text": rendered(text, MARKS),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},  # Telegram would ask the addresses of strangers
            **({"reply_parameters": {"message_id": reply_to}} if reply_to else {}),
        }
        sent = self._asked("POST", "sendMessage", json=body)
        where = sent["chat"]
        is_public = where.get("username") and where.get("type") != "private"
        url = f"https://t.me/{where['username']}/{sent['message_id']}" if is_public else ""
        return {"id": f"{where['id']}:{sent['message_id']}", "chat": str(where["id"]), "url": url}

    def delete(self, message: str) -> None:
        """Delete a message of the bot, by the id of `send`; harmless if it is gone."""
        chat, _, number = message.rpartition(":")
        try:
            self._asked("POST", "deleteMessage", json={"chat_id": chat, "message_id": int(number)})
        except InvalidRequest as error:
            if "not found" not in error.message:
                raise

    def new_messages(self) -> list[Json]:
        """Return the messages that Telegram still keeps, for a day at most, oldest first; 100 at most.

        [{update, id, chat_id, chat, text, kind, author, author_id, at, reply_to}].
        """
        asks = {"limit": str(UPDATES_MOST), "allowed_updates": json.dumps(_KINDS)}
        return [_message(one) for one in self._asked("GET", "getUpdates", params=asks) if _content(one)]

    def forget(self, update: int) -> None:
        """Make Telegram forget the messages up to this one: an answer has only the oldest hundred."""
        asks = {"limit": 1, "offset": update + 1, "allowed_updates": list(_KINDS)}
        self._asked("POST", "getUpdates", json=asks)

    def _whoami(self) -> Json:
        with self._lock:
            if self._me is None:
                self._me = self._asked("GET", "getMe")
            return self._me

    def _asked(self, way: str, method: str, **more: Any) -> Any:
        """Return `result` of an answer. Raises ServiceError; a wrong token is a 404 or 401 there."""
        try:
            answer = asked(TELEGRAM, self.http, way, f"{self._url}/{method}", _refusal, **more)
            if not isinstance(answer, dict) or "result" not in answer:
                told = answer.get("description") if isinstance(answer, dict) else None
                kind = InvalidRequest if told else BadAnswer
                raise kind(f"Telegram refused {method}: {told or 'its answer has no result'}.", service=TELEGRAM.name)
            return answer["result"]
        except ServiceError as error:
            if error.http_status == httpx.codes.CONFLICT and method == "getUpdates":
                error.remedy = "Another program gets the messages of this bot. Use another bot, or end that program."
            if isinstance(error, NotFound):  # a chat or a message that is not found is a 400
                error.remedy = "Check the token: @BotFather shows it after /mybots."
            raise


def _refusal(answer: httpx.Response) -> ServiceError:
    """Return the error of an answer. A 403 is about one chat, not about the token."""
    error = refusal(TELEGRAM, answer, InvalidRequest if answer.status_code == httpx.codes.FORBIDDEN else None)
    words = error.message.lower()
    error.remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in words), error.remedy)
    if moved := parameters(answer).get("migrate_to_chat_id"):
        error.remedy = f"Telegram gave the group another id: write {moved} as `chat`."
    return error


def chat_id(chat: str) -> str:
    """Return a chat's name for Telegram: the first word of a choice in `TelegramClient.chats`."""
    return chat.strip().split(" ", 1)[0]


def _address(settings: TelegramSettings) -> str:
    return f"{settings.base_url.rstrip('/')}/bot{settings.token.get_secret_value()}"


def _content(update: Json) -> Json | None:
    return next((update[kind] for kind in _KINDS if kind in update), None)


def _message(update: Json) -> Json:
    one = _content(update) or {}
    chat, author = one["chat"], one.get("from") or {}
    names = (author.get("first_name", ""), author.get("last_name", ""))
    at = datetime.fromtimestamp(one["date"], UTC)
    return {
        "update": update["update_id"],
        "id": f"{chat['id']}:{one['message_id']}",
        "number": one["message_id"],
        "chat_id": str(chat["id"]),
        "chat": str(chat.get("title") or " ".join(filter(None, names)) or chat.get("username") or ""),
        "text": one.get("text") or one.get("caption") or "",
        "kind": next((kind for kind in _MEDIA if kind in one), "text" if "text" in one else "other"),
        "author": " ".join(filter(None, names)) or str(author.get("username") or chat.get("title") or ""),
        "author_id": str(author.get("id", "")),
        "at": f"{at.isoformat(timespec='milliseconds')[:-6]}Z",
    }
