"""Signing in to the Gmail stand-in as an installed app does, through the real google-auth-oauthlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import pytest
import requests
from google_auth_oauthlib.flow import InstalledAppFlow

from demo.gmail import stand_in as gmail
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


def status(here: Running, token: str, method: str = "GET") -> int:
    path = "/gmail/v1/users/me/profile" if method == "GET" else "/gmail/v1/users/me/labels"
    with here.http(headers={"authorization": f"Bearer {token}"}) as http:
        return http.request(method, path, json=None if method == "GET" else {"name": "x"}).status_code


def switch(here: Running, **rules: Any) -> None:
    with here.http() as http:
        http.post("/_demo/sign-in", json=rules).raise_for_status()


def tokens(here: Running, **form: str) -> dict[str, Any]:
    """What the token endpoint says: to a new consent, or to the form."""
    flow = flow_at(here)
    if not form:
        back = consented(here, flow.authorization_url()[0])
        form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
        form["code_verifier"] = flow.code_verifier
    with here.http() as http:
        answer: dict[str, Any] = http.post("/token", data={"client_id": "demo-client", **form}).json()
    return answer


def renewed(here: Running, refresh_token: str) -> dict[str, Any]:
    return tokens(here, grant_type="refresh_token", refresh_token=refresh_token)


def test_an_app_in_testing_says_how_long_it_lasts_and_ends_after_seven_days(here: Running) -> None:
    switch(here, testing=True)
    given = tokens(here)
    assert 604_000 < given["refresh_token_expires_in"] <= 604_800
    switch(here, advance_seconds=7 * 86_400 - 3_600)
    again = renewed(here, given["refresh_token"])
    assert again["refresh_token_expires_in"] <= 3_600
    assert "refresh_token" not in again
    switch(here, advance_seconds=3_700)
    assert renewed(here, given["refresh_token"])["error"] == "invalid_grant"
    assert status(here, again["access_token"]) == 401


def test_what_is_taken_back_opens_nothing(here: Running) -> None:
    given, other = tokens(here), tokens(here)
    with here.http() as http:
        assert http.post("/revoke", data={"token": given["access_token"]}).status_code == 200
    assert renewed(here, given["refresh_token"])["error"] == "invalid_grant"
    assert (status(here, given["access_token"]), status(here, other["access_token"])) == (401, 200)


def test_who_granted_less_reaches_less(here: Running) -> None:
    switch(here, scopes=["https://www.googleapis.com/auth/gmail.readonly"])
    given = tokens(here)
    assert given["scope"].endswith("gmail.readonly")
    assert (status(here, given["access_token"]), status(here, given["access_token"], "POST")) == (200, 403)


def test_of_a_server_that_rotates_the_old_token_is_good_until_the_new_one_is_used(here: Running) -> None:
    switch(here, rotates=True)
    first = tokens(here)["refresh_token"]
    lost, second = renewed(here, first), renewed(here, first)
    assert renewed(here, lost["refresh_token"])["error"] == "invalid_grant"
    assert status(here, second["access_token"]) == 200
    assert renewed(here, first)["error"] == "invalid_grant"
    assert "access_token" in renewed(here, second["refresh_token"])


def test_a_code_becomes_tokens_and_a_refresh_token_a_new_one(here: Running) -> None:
    flow = flow_at(here)
    address, state = flow.authorization_url(access_type="offline")
    assert "code_challenge_method=S256" in address
    back = consented(here, address)
    assert back["state"] == state
    with flow.oauth2session:
        flow.fetch_token(code=back["code"])
    credentials = flow.credentials
    assert credentials.refresh_token
    first, credentials.token = credentials.token, None
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session=session))
    assert credentials.token != first
    assert [status(here, token) for token in (first, credentials.token, "made-up")] == [200, 200, 401]


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
