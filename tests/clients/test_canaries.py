"""A service that repeats its credentials, in any answer and any spelling: none of it gets out of a client."""

from __future__ import annotations

import base64
import html
import json
import quopri
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import ServiceError
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.http.client import HttpClient
from clients.http.request import WebRequest
from clients.http.service import HttpSettings
from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from clients.secrets import GRACE_SECONDS, Secrets
from clients.transport import http_client
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

CANARY = 'ntn_CANARY+aB/9"x&Z~7k2Lm'


STATUSES = [200, 302, 400, 401, 404, 429, 500]


def _broken(text: str, by: str, letters: int = 9) -> str:
    return by.join(text[start : start + letters] for start in range(0, len(text), letters))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "with its scheme": lambda word: f"Bearer {word}",
    "in an address": lambda word: quote(word, safe=""),
    "in an address, slashes kept": quote,
    "in a form": quote_plus,
    "in an address, twice": lambda word: quote(quote(word, safe=""), safe=""),
    "every byte escaped": lambda word: "".join(f"%{byte:02x}" for byte in word.encode()),
    "in JSON": lambda word: json.dumps(word)[1:-1],
    "in JSON, slashes escaped": lambda word: json.dumps(word)[1:-1].replace("/", "\\/"),
    "in JSON, every letter escaped": lambda word: "".join(f"\\u{ord(sign):04x}" for sign in word),
    "in JSON, signs escaped": lambda word: "".join(sign if sign.isalnum() else f"\\u{ord(sign):04X}" for sign in word),
    "in JSON, as Go does it": lambda word: json.dumps(word)[1:-1].replace("&", "\\u0026"),
    "in JSON, every other letter escaped": lambda word: "".join(
        f"\\u{ord(sign):04x}" if number % 2 or sign == '"' else sign for number, sign in enumerate(word)
    ),
    "in JSON in JSON": lambda word: json.dumps(json.dumps(word)[1:-1])[1:-1],
    "in JSON in an address": lambda word: quote(json.dumps(word)[1:-1].replace("&", "\\u0026"), safe=""),
    "in an address in HTML": lambda word: html.escape(quote(word).replace("&", "%26")),
    "in Python": lambda word: "".join(f"\\x{byte:02x}" for byte in word.encode()),
    "in HTML": html.escape,
    "in HTML, by number": lambda word: "".join(f"&#{ord(sign)};" for sign in word),
    "base64": _base64,
    "base64 after a user": lambda word: _base64(f"me:{word}"),
    "base64 after another": lambda word: _base64(f"you:{word} and more"),
    "base64 for addresses": lambda word: base64.urlsafe_b64encode(f"a:{word}".encode()).decode(),
    "base64 in an address": lambda word: quote(_base64(word), safe=""),
    "base64 in lines": lambda word: _broken(_base64(f"me:{word}"), "\r\n"),
    "over two lines": lambda word: _broken(word, "\n", 13),
    "over many lines": lambda word: _broken(word, "\r\n    "),
    "over lines of JSON": lambda word: _broken(json.dumps(word)[1:-1], "\\n"),
    "over lines of an address": lambda word: quote(_broken(word, "\r\n"), safe=""),
    "over lines of HTML": lambda word: _broken(html.escape(word), "<br/>", 11),
    "by signs that do not show": lambda word: _broken(word, "\u200b"),
    "hex": lambda word: word.encode().hex(),
    "upper case": str.upper,
    "quoted printable": lambda word: quopri.encodestring(word.encode()).decode(),
}


def _is_clean(shown: str, spelled: str) -> bool:
    return spelled not in shown and CANARY.lower() not in "".join(shown.split()).lower()


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("word", [CANARY, "ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "pässwörd-länger-12"])
def test_every_spelling_is_found_and_nothing_else_changes(word: str, spell: Callable[[str], str]) -> None:
    spelled, secrets = spell(word), Secrets([word])
    if not word.isascii() and spell is str.upper:
        pytest.skip("bytes of other alphabets know no case")
    for found in (
        secrets.in_text(f"before {spelled} after"),
        secrets.in_bytes(f"before {spelled} after".encode()).decode(),
    ):
        assert found.startswith("before ")
        assert found.endswith(" after")
        assert "***" in found
        assert len(found) < len("before  after") + 28, found


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "latin-1"])
def test_other_encodings_stay_what_they_are(coding: str) -> None:
    found = Secrets(["pässwörd-länger-12"]).in_bytes("before pässwörd-länger-12 after".encode(coding))
    assert found.decode(coding) == "before *** after"


def test_a_secret_with_spaces_is_found_with_and_without_them() -> None:
    secrets = Secrets(["abcd efgh ijkl mnop"])
    for spelled in ("abcd efgh ijkl mnop", "abcdefghijklmnop", "abcd+efgh+ijkl+mnop", "abcd%20efgh%20ijkl%20mnop"):
        assert secrets.in_data(f"<{spelled}>") == "<***>"


LEADS = ["=", "%", "\\", "&#", "\\u00", "key=", "a" * (1 << 18), "x" * ((1 << 18) - 9)]
FILLERS = ["\\", "%", "%25", "&", "&amp;", "&#0", "<br ", "=\n", " ", "ghp_ABCDEFGHIJ", "\\u0"]


@pytest.mark.parametrize("lead", LEADS, ids=range(len(LEADS)))
@pytest.mark.parametrize("word", ["ab12/cd34&ef56-xyz", "ntn_12345678/&90"])
def test_what_stands_before_a_secret_does_not_hide_it(lead: str, word: str) -> None:
    escaped = [quote(word, safe=""), json.dumps(word)[1:-1].replace("&", "\\u0026")]
    for spelled in (word, *(escaped if lead[-1] in "=ax" else [])):
        assert Secrets([word]).in_data(f"{lead}{spelled}, after") == f"{lead}***, after"


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_texts_that_are_looked_at_together_are_redacted_as_one_by_one(spell: Callable[[str], str]) -> None:
    secrets = Secrets([CANARY, "ab12/cd34&ef56-xyz"])
    cut = len(CANARY) // 2  # a secret that two texts share is in neither of them
    for before in (*LEADS[:6], *FILLERS):
        for texts in (
            [before, spell(CANARY), before],
            [before, spell("ab12/cd34&ef56-xyz")],
            [f"{before}{CANARY[:cut]}", CANARY[cut:], ""],
            ["application/json", "Bearer", before],
        ):
            assert secrets.in_each(texts) == [secrets.in_data(text) for text in texts]
    assert secrets.in_each([]) == []


@pytest.mark.parametrize("filler", FILLERS)
def test_what_a_service_writes_around_a_secret_costs_no_more_than_its_length(filler: str) -> None:
    """A hundred thousand backslashes took minutes where spellings were one pattern with repeats."""
    word = "ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    text = f"{word}{filler * (200_000 // len(filler))}{word}"
    began = time.process_time()
    assert word not in Secrets([word]).in_text(text)
    assert time.process_time() - began < PATIENCE_SECONDS


def test_secrets_in_use_are_never_forgotten_and_replaced_ones_after_a_while() -> None:
    now = [0.0]
    secrets = Secrets(clock=lambda: now[0])
    for number in range(1_000):
        secrets.keep(f"connection {number}", f"token-of-{number}-at-first")
    secrets.keep("connection 7", "token-of-7-renewed")
    for at, is_redacted in ((GRACE_SECONDS - 1, True), (GRACE_SECONDS + 1, False)):
        now[0] = at
        secrets.keep("connection 8", f"token-of-8-at-{at}")
        assert (secrets.in_text("token-of-7-at-first") == "***") == is_redacted
    told = "token-of-0-at-first token-of-999-at-first token-of-7-renewed"
    assert secrets.in_text(told) == "*** *** ***"


@pytest.mark.parametrize("word", ["", "abc"])
def test_everyday_words_are_left_alone(word: str) -> None:
    text = f"before {word} after"
    assert Secrets([word]).in_text(text) == text


def test_a_short_password_is_kept_out_of_errors_and_left_in_what_people_read() -> None:
    secrets = Secrets(["sunshine"])
    assert secrets.in_text("refused: sunshine") == "refused: ***"
    assert secrets.in_data("A day of sunshine") == "A day of sunshine"


def _notion(url: str, http: httpx.Client) -> Any:
    return NotionClient(NotionSettings(token=SecretStr(CANARY), base_url=url), http).account()


def _github(url: str, http: httpx.Client) -> Any:
    return GitHubClient(GitHubSettings(token=SecretStr(CANARY), base_url=url), http).repository("a/b")


def _gmail(url: str, http: httpx.Client) -> Any:
    return GmailClient(GmailSettings(token=SecretStr(CANARY), base_url=url), http).account()


def _openai(url: str, http: httpx.Client) -> Any:
    pieces: list[str] = []
    client = OpenAIClient(OpenAISettings(api_key=SecretStr(CANARY), base_url=url, model="m"), http)
    return client.chat([{"role": "user", "content": "Hi"}], on_text=pieces.append), pieces


def _http(settings: dict[str, Any]) -> Callable[[str, httpx.Client], Any]:
    def ask(url: str, http: httpx.Client) -> Any:
        client = HttpClient(
            HttpSettings.model_validate({**settings, "allow_hosts": [url.removeprefix("http://")]}), http
        )
        return client.request(WebRequest("GET", f"{url}/x"))

    return ask


CLIENTS: dict[str, Callable[[str, httpx.Client], Any]] = {
    "notion": _notion,
    "github": _github,
    "gmail": _gmail,
    "openai": _openai,
    "http, token": _http({"token": CANARY}),
    "http, password": _http({"user": "me", "password": CANARY}),
    "http, header": _http({"headers": {"X-Key": CANARY}}),
    "http, query": _http({"query": {"key": CANARY}}),
}


@pytest.fixture
def way_out() -> Iterator[httpx.Client]:
    with http_client() as client:
        yield client


def telling(said: str) -> dict[str, Any]:
    """An answer that has the words wherever one of the services has a place for words."""
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
    return {
        "object": "error",
        "code": "validation_error",
        "message": said,
        "error": {"message": said, "code": said, "errors": [{"reason": said}]},
        "errors": [{"message": said}],
        "id": said,
        "name": said,
        "bot": {"workspace_name": said, "owner": {"type": "workspace"}, "workspace_id": said},
        "type": "bot",
        "emailAddress": said,
        "full_name": said,
        "html_url": said,
        "private": False,
        "choices": [choice],
        said: said,
    }


ALIKE = ("http, password", "http, header", "http, query")
"""Clients that tell an error as `http, token` does: here with 200 alone, in `make assurance` with every status."""


def _clients_with_statuses() -> Iterator[Any]:
    for status in STATUSES:
        for name, ask in CLIENTS.items():
            marks = pytest.mark.chaos if status != 200 and name in ALIKE else ()
            yield pytest.param(ask, status, id=f"{status}-{name}", marks=marks)


@pytest.mark.parametrize(("ask", "status"), list(_clients_with_statuses()))
def test_no_client_gives_its_credentials_on(
    scripted: Scripted, way_out: httpx.Client, ask: Callable[[str, httpx.Client], Any], status: int
) -> None:
    others = STATUSES[1:]
    for number, (name, spell) in enumerate(SPELLINGS.items()):
        if status in others and others[number % len(others)] != status:
            continue  # each spelling comes with 200 and with one other status: what is found does not depend on it
        spelled = spell(CANARY)
        scripted.answers[:] = []
        in_header = "".join(spelled.encode("ascii", "ignore").decode().split())
        scripted.then(status, telling(spelled), location=f"/{in_header}", x_echo=in_header, retry_after="0")
        try:
            shown = repr(ask(scripted.url, way_out))
        except ServiceError as error:
            causes = [error, error.__cause__, error.__context__]
            shown = " ".join(f"{one} {one!r} {vars(one)}" for one in causes if one is not None and one is error)
        assert _is_clean(shown, spelled), (name, shown)


def test_an_answer_that_comes_live_is_clean_over_its_parts(scripted: Scripted, way_out: httpx.Client) -> None:
    pieces = [CANARY[:9], CANARY[9:]]
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    events.append({"choices": [{"index": 0, "delta": {"content": f" {CANARY}"}, "finish_reason": "stop"}]})
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    scripted.then(200, body.encode(), content_type="text/event-stream")
    answer, _ = _openai(scripted.url, way_out)
    assert CANARY not in answer["text"]


def test_what_one_connection_keeps_secret_no_other_tells(scripted: Scripted, way_out: httpx.Client) -> None:
    scripted.then(401, telling("nothing"))
    with pytest.raises(ServiceError):
        _notion(scripted.url, way_out)
    scripted.answers[:] = []
    scripted.then(200, {"seen": f"the other key is {CANARY}"})
    client = HttpClient(HttpSettings(allow_hosts=[scripted.url.removeprefix("http://")]), way_out)
    assert client.request(WebRequest("GET", scripted.url))["json"] == {"seen": "the other key is ***"}
