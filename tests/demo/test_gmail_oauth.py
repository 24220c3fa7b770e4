"""Signing in to the Gmail stand-in as an installed app does, through the real google-auth-oauthlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import pytest
import requests
from google_auth_oauthlib.flow import InstalledAppFlow

from demo import gmail
from demo.service import StandIn
from tests.demo.conftest import Running

SCOPE = "https://www.googleapis.com/auth/gmail.modify"
BACK = "http://127.0.0.1:5/"


@pytest.fixture
def here(running: Callable[[StandIn], Running], monkeypatch: pytest.MonkeyPatch) -> Running:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return running(cast("StandIn", gmail))


def flow_at(here: Running) -> Any:
    client = {
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "auth_uri": f"{here.base_url}/o/oauth2/auth",
        "token_uri": f"{here.base_url}/token",
        "redirect_uris": ["http://localhost"],
    }
    make: Any = InstalledAppFlow.from_client_config
    return make({"installed": client}, [SCOPE], redirect_uri=BACK)


def consented(here: Running, address: str) -> dict[str, str]:
    with here.http(headers={"authorization": ""}) as http:
        answer = http.get(address)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def test_a_code_becomes_tokens_and_a_refresh_token_a_new_one(here: Running) -> None:
    flow = flow_at(here)
    address, state = flow.authorization_url(access_type="offline")
    assert "code_challenge_method=S256" in address
    back = consented(here, address)
    assert back["state"] == state
    with flow.oauth2session:
        flow.fetch_token(code=back["code"])
    credentials = flow.credentials
    assert credentials.token == gmail.TOKEN
    assert credentials.refresh_token
    credentials.token = None
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session=session))
    assert credentials.token == gmail.TOKEN


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        pytest.param({"code_verifier": "x" * 43}, 400, "invalid_grant", id="another verifier"),
        pytest.param({"code_verifier": ""}, 400, "invalid_grant", id="no verifier"),
        pytest.param({"code": "4/nothing"}, 400, "invalid_grant", id="unknown code"),
        pytest.param({"client_id": "other"}, 401, "invalid_client", id="another client"),
        pytest.param({"redirect_uri": "http://127.0.0.1:6/"}, 400, "redirect_uri_mismatch", id="another address"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="another grant"),
        pytest.param({"grant_type": "refresh_token"}, 400, "invalid_grant", id="no refresh token"),
    ],
)
def test_a_wrong_exchange_is_refused(here: Running, change: dict[str, str], status: int, error: str) -> None:
    flow = flow_at(here)
    back = consented(here, flow.authorization_url()[0])
    form = {
        "grant_type": "authorization_code",
        "code": back["code"],
        "client_id": "demo-client",
        "redirect_uri": BACK,
        "code_verifier": flow.code_verifier,
    }
    with here.http() as http:
        answer = http.post("/token", data=form | change)
        again = http.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert again.status_code == 200


def test_a_code_works_once(here: Running) -> None:
    flow = flow_at(here)
    back = consented(here, flow.authorization_url()[0])
    form = {"grant_type": "authorization_code", "code": back["code"], "client_id": "demo-client"}
    form |= {"redirect_uri": BACK, "code_verifier": flow.code_verifier}
    with here.http() as http:
        statuses = [http.post("/token", data=form).status_code for _ in range(2)]
    assert statuses == [200, 400]


@pytest.mark.parametrize("address", ["https://evil.example/", "http://example.com/", "javascript:alert(1)", ""])
def test_nobody_is_sent_to_another_machine(here: Running, address: str) -> None:
    query = {"client_id": "a", "scope": SCOPE, "response_type": "code", "redirect_uri": address}
    with here.http() as http:
        answer = http.get("/o/oauth2/auth", params=query)
    assert answer.status_code == 400
    assert "location" not in answer.headers
