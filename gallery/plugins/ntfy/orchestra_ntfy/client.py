"""ntfy: messages to phones and desktops (https://docs.ntfy.sh)."""

from __future__ import annotations

import json
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients.base_url import BaseUrl
from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.error_mapping import of_status, reading
from clients.errors import ServiceError
from clients.reads import ReadRequest
from clients.service import AccountKey, Service

Json = dict[str, Any]
URL = "https://ntfy.sh"


class NtfySettings(BaseModel):
    """Settings under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    base_url: BaseUrl = URL


NTFY = Service(
    name="ntfy",
    title="ntfy",
    icon="notifications",
    settings=NtfySettings,
    url=URL,
    key=AccountKey(
        setting="token",
        variable="NTFY_TOKEN",
        place="ntfy, Account, Access tokens",
        url="https://ntfy.sh/account",
    ),
    reads=(ReadRequest("GET", "/v1/account"), ReadRequest("GET", "/*/json")),
    pickers={"ntfy-topic": "topics"},
    link="Message",
)


class NtfyClient(Client):
    """One account of an ntfy server."""

    service = NTFY
    http: httpx.Client

    def __init__(self, settings: NtfySettings, http: httpx.Client) -> None:
        self.http = http
        self._url = settings.base_url.rstrip("/")
        self._token = settings.token.get_secret_value()

    @classmethod
    def open(cls, settings: NtfySettings, opening: Opening) -> NtfyClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(NTFY, settings.base_url))

    @reading(NTFY)
    def account(self) -> str:
        """Return the name of the account."""
        return str(self._asked("GET", "/v1/account")[0]["username"])

    def check(self) -> list[CheckLine]:
        """Try to sign in."""
        try:
            return [CheckLine("sign-in", ok=True, text=f"Signed in as {self.account()}.")]
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]

    @reading(NTFY)
    def topics(self) -> list[Json]:
        """List the topics that the account subscribes to, for a picker: [{id, name, url}]."""
        topics = [one["topic"] for one in self._asked("GET", "/v1/account")[0].get("subscriptions", [])]
        return [{"id": topic, "name": topic, "url": f"{self._url}/{topic}"} for topic in topics]

    @reading(NTFY)
    def publish(self, topic: str, title: str, message: str, tag: str) -> Json:
        """Send a message; return it as the server keeps it."""
        sent = {"topic": topic, "title": title, "message": message, "tags": [tag]}
        return self._asked("POST", "/", json=sent)[0]

    @reading(NTFY)
    def messages(self, topic: str, since: int) -> list[Json]:
        """Return the messages of a topic since a Unix time in seconds, oldest first."""
        lines = self._asked("GET", f"/{topic}/json", params={"poll": "1", "since": str(since)})
        return [line for line in lines if line["event"] == "message"]

    def _asked(self, method: str, path: str, **more: Any) -> list[Json]:
        """Return the JSON lines of an answer. Raises ServiceError, httpx.HTTPError, ValueError."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = self.http.request(method, self._url + path, headers=headers, **more)
        if answer.status_code >= 300:
            raise of_status(NTFY, answer.status_code, dict(answer.headers), answer.text)
        return [json.loads(line) for line in answer.text.splitlines()]
