"""Signing in to Gmail against the stand-in's consent page and token endpoint."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clients.errors import AuthError, InvalidRequest, ServiceError, Timeout
from clients.gmail.app import GMAIL_APP, SCOPES
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.google.sign_in import sign_in
from clients.oauth.sign_in_file import SignInFile
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns


def client_secret(folder: Path, url: str) -> Path:
    path = folder / "client_secret.json"
    addresses = {"auth_uri": f"{url}/o/oauth2/auth", "token_uri": f"{url}/token", "redirect_uris": ["http://localhost"]}
    path.write_text(json.dumps({"installed": {"client_id": "id", "client_secret": "very-secret", **addresses}}))
    return path


def browser(url: str) -> None:
    """A person's browser that consents: it follows the redirect back to the program."""
    httpx.get(url, follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def back(change: Callable[[dict[str, str]], str]) -> Callable[[str], None]:
    """A browser that comes back with what `change` makes of the address's query."""

    def open_browser(url: str) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        httpx.get(f"{query['redirect_uri']}?{change(query)}", trust_env=False, timeout=PATIENCE_SECONDS)

    return open_browser


def test_signing_in_gives_what_works(standins: StandIns, http: httpx.Client, tmp_path: Path) -> None:
    origin, token_file = standins["gmail"].origin, tmp_path / "secrets" / "gmail.json"
    opened: list[str] = []

    def open_browser(url: str) -> None:
        opened.append(url)
        browser(url)

    signed_in = sign_in(GMAIL_APP, client_secret(tmp_path, origin), open_browser, timeout=30, base_url=origin)
    SignInFile(token_file, GMAIL_APP).save(signed_in.info)
    gmail = GmailClient(GmailSettings(token_file=token_file, base_url=origin), http)
    assert gmail.account() == signed_in.account == signed_in.info["account"]
    assert all(line.ok for line in gmail.check())
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    asked = parse_qs(urlsplit(opened[0]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["access_type"] == ["offline"]
    assert asked["scope"] == [" ".join(SCOPES)]
    assert asked["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert signed_in.info["refresh_token"] not in repr(signed_in)


def test_two_sign_ins_at_once_do_not_meet(standins: StandIns, tmp_path: Path) -> None:
    origin, accounts = standins["gmail"].origin, []
    file = client_secret(tmp_path, origin)

    def within(url: str) -> None:
        accounts.append(sign_in(GMAIL_APP, file, browser, timeout=30, base_url=origin).account)
        browser(url)

    def first(url: str) -> None:
        within(url)

    accounts.append(sign_in(GMAIL_APP, file, first, timeout=30, base_url=origin).account)
    assert len(accounts) == 2


def test_the_sign_in_can_be_renewed(standins: StandIns, http: httpx.Client, tmp_path: Path) -> None:
    origin, token_file = standins["gmail"].origin, tmp_path / "gmail.json"
    info = sign_in(GMAIL_APP, client_secret(tmp_path, origin), browser, timeout=30, base_url=origin).info
    SignInFile(token_file, GMAIL_APP).save({**info, "token": "gone", "expiry": "2020-01-01T00:00:00Z"})
    gmail = GmailClient(GmailSettings(token_file=token_file, base_url=origin), http)
    assert gmail.check()[0].ok
    renewed = SignInFile(token_file, GMAIL_APP).read()
    assert renewed["token"] not in ("gone", info["token"])
    assert renewed["consented_at"] == info["consented_at"]


def test_what_google_says_of_the_end_is_kept(standins: StandIns, tmp_path: Path) -> None:
    origin = standins["gmail"].origin
    assert (
        "sign_in_ends_at"
        not in sign_in(GMAIL_APP, client_secret(tmp_path, origin), browser, timeout=30, base_url=origin).info
    )
    httpx.post(f"{origin}/_demo/sign-in", json={"testing": True}, trust_env=False, timeout=PATIENCE_SECONDS)
    info = sign_in(GMAIL_APP, client_secret(tmp_path, origin), browser, timeout=30, base_url=origin).info
    lives = datetime.fromisoformat(info["sign_in_ends_at"]) - datetime.fromisoformat(info["consented_at"])
    assert abs(lives - timedelta(days=7)) < timedelta(minutes=2)


def test_what_comes_back_without_the_right_state_is_not_believed(standins: StandIns, tmp_path: Path) -> None:
    origin, pages = standins["gmail"].origin, []

    def attacked(url: str) -> None:
        address = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        for query in ("?code=stolen", "?code=stolen&state=guess", "?error=access_denied&state=", "", "favicon.ico"):
            pages.extend([httpx.get(f"{address}{query}", trust_env=False, timeout=PATIENCE_SECONDS).status_code])
        browser(url)

    sign_in(GMAIL_APP, client_secret(tmp_path, origin), attacked, timeout=30, base_url=origin)
    assert pages == [404] * 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda query: f"error=access_denied&state={query['state']}", "access_denied", id="said no"),
        pytest.param(lambda query: f"state={query['state']}", "no reason given", id="came back with nothing"),
        pytest.param(lambda query: f"code=wrong&state={query['state']}", "refuses", id="a code that is wrong"),
    ],
)
def test_a_refused_sign_in_says_so(
    standins: StandIns, tmp_path: Path, change: Callable[[dict[str, str]], str], said: str
) -> None:
    origin = standins["gmail"].origin
    with pytest.raises(AuthError, match=said) as caught:
        sign_in(GMAIL_APP, client_secret(tmp_path, origin), back(change), timeout=30, base_url=origin)
    assert "very-secret" not in repr(caught.value)


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        pytest.param(
            200, {"access_token": "a", "token_type": "Bearer", "expires_in": 9}, AuthError, id="no refresh token"
        ),
        pytest.param(200, {"access_token": "a", "token_type": "Bearer"}, ServiceError, id="no time"),
        pytest.param(
            200,
            {"access_token": "a", "refresh_token": "b", "token_type": "Bearer", "scope": "openid"},
            AuthError,
            id="less was allowed",
        ),
        pytest.param(200, {}, ServiceError, id="no token"),
        pytest.param(400, {"error": "invalid_grant", "error_description": "Bad Request"}, AuthError, id="refused"),
        pytest.param(500, b"<html>", ServiceError, id="down"),
    ],
)
def test_an_exchange_that_fails_says_so(
    scripted: Scripted, tmp_path: Path, status: int, answer: object, kind: type[ServiceError]
) -> None:
    scripted.then(status, answer)
    come_back = back(lambda query: f"code=c&state={query['state']}")
    with pytest.raises(kind):
        sign_in(GMAIL_APP, client_secret(tmp_path, scripted.url), come_back, timeout=30, base_url=scripted.url)


def test_nobody_comes_back(standins: StandIns, tmp_path: Path) -> None:
    with pytest.raises(Timeout, match="was not completed"):
        sign_in(GMAIL_APP, client_secret(tmp_path, standins["gmail"].origin), lambda _: None, timeout=0.2)
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "There is no file", id="missing"),
        pytest.param("", "it is not JSON", id="empty"),
        pytest.param("{}", "contains no OAuth client", id="no client"),
        pytest.param(
            '{"installed": {}}', "client_id, client_secret, auth_uri, token_uri is missing", id="nothing in it"
        ),
        pytest.param('{"installed": 3}', "contains no OAuth client", id="no object"),
        pytest.param(
            json.dumps(
                {
                    "installed": dict.fromkeys(("client_id", "client_secret", "auth_uri"), "https://x")
                    | {"token_uri": "http://example.com"}
                }
            ),
            "token_uri does not begin with https://",
            id="secrets in the clear",
        ),
        pytest.param('{"web": {"client_id": "x"}}', "of type Web application", id="web"),
        pytest.param("[]", "contains no OAuth client", id="a list"),
        pytest.param('{"type": "service_account"}', "contains no OAuth client", id="another kind of key"),
    ],
)
def test_a_wrong_client_secret_file_says_where_to_get_one(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "client_secret.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidRequest, match=said) as caught:
        sign_in(GMAIL_APP, path, lambda _: None, timeout=0.2)
    assert "Desktop app" in caught.value.remedy
    assert "Error" not in caught.value.message


def test_a_port_in_use_is_said(standins: StandIns, tmp_path: Path) -> None:
    origin = standins["gmail"].origin
    port = urlsplit(origin).port
    assert port is not None
    with pytest.raises(InvalidRequest, match=str(port)):
        sign_in(GMAIL_APP, client_secret(tmp_path, origin), browser, port)
