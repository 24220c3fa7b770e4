"""Sign-in by OpenID Connect: the way to a provider and back, what is believed of it, and what a hostile one gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from engine.workspace.config_section import write_section
from tests.api.conftest import LOCAL, PASSWORD, application, caller
from tests.openid_stand_in import CLIENT, SECRET, StandInProvider, stand_in
from tests.workspaces import init

HERE = "http://127.0.0.1:8501"
PENDING = "orchestra_openid_8501"
SESSION = "orchestra_session_8501"
ROLES = {"claim": "groups", "owner": ["orchestra-admins"], "editor": ["orchestra-editors"]}


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with stand_in() as provider:
        yield provider


@pytest.fixture
def settings() -> dict[str, Any]:
    """Further settings; tests override this."""
    return {}


@pytest.fixture
def orchestra(
    tmp_path: Path, provider: StandInProvider, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Orchestra]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    init(tmp_path / "workspace")
    sign_in = {"issuer": provider.issuer, "client_id": CLIENT, "client_secret": "env:OIDC_SECRET", "name": "Acme"}
    write_section(tmp_path / "workspace", "sign_in", {**sign_in, "roles": ROLES, **settings})
    orchestra = Orchestra.open(tmp_path / "workspace", serve=True)
    try:
        yield orchestra
    finally:
        orchestra.close()


def away(client: TestClient, path: str = "/login/openid?next=/runs") -> str:
    """Press the button; the address at the provider."""
    answer = client.get(path)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back_from(url: str) -> str:
    """Sign in there; the way back, as the browser is sent."""
    answer = httpx.get(url)
    assert answer.status_code == 303
    return answer.headers["location"].removeprefix(HERE)


def sign_in(client: TestClient) -> Any:
    """The whole way."""
    return client.get(back_from(away(client)))


def audit(orchestra: Orchestra, action: str) -> list[dict[str, Any]]:
    lines = [one for one in orchestra.audit(LOCAL) if one.action == action]
    return [json.loads(one.detail) if one.detail.startswith("{") else {"detail": one.detail} for one in lines]


def test_the_page_offers_both_ways(client: TestClient) -> None:
    page = client.get("/login?next=/runs").text
    assert 'href="/login/openid?next=%2Fruns"' in page
    assert "Sign in with Acme" in page
    assert 'name="password"' in page


def test_the_provider_signs_in_a_new_person_with_the_role_of_their_group(
    client: TestClient, orchestra: Orchestra
) -> None:
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert client.get("/runs").text == "page /runs"
    ann = next(one for one in orchestra.users.list(LOCAL) if one.id == "ann")
    assert (ann.name, ann.role, ann.has_password, ann.sessions) == ("Ann Example", "editor", False, 1)
    assert audit(orchestra, "users.add")[0]["subject"] == "8f2-ann"
    assert audit(orchestra, "users.login") == [{"detail": "by Acme"}]


def test_the_cookie_of_a_sign_in_is_short_and_for_the_way_back_alone(client: TestClient) -> None:
    line = client.get("/login/openid").headers["set-cookie"]
    [cookie] = SimpleCookie(line).values()
    assert cookie.key == PENDING
    assert (cookie["path"], cookie["max-age"], cookie["samesite"]) == ("/login/openid/back", "600", "lax")
    assert cookie["httponly"]
    assert not cookie["secure"]  # plain HTTP on loopback


@pytest.mark.parametrize("settings", [{"passwords": False}])
def test_passwords_can_be_switched_off(client: TestClient, orchestra: Orchestra) -> None:
    orchestra.users.add(LOCAL, "grace", "Grace", "owner", PASSWORD)
    assert 'name="password"' not in client.get("/login").text
    answer = client.post("/login", data={"user_id": "grace", "password": PASSWORD})
    assert (answer.status_code, "Passwords are not accepted here." in answer.text) == (403, True)
    assert client.post("/auth/login", json={"user_id": "grace", "password": PASSWORD}).status_code == 403
    assert client.post("/login", data={"token": orchestra.users.login_link(LOCAL)}).status_code == 303


def test_signing_out_leads_to_the_provider_where_it_opened_the_session(
    client: TestClient, orchestra: Orchestra, provider: StandInProvider
) -> None:
    sign_in(client)
    page = client.post("/logout", headers={"Origin": HERE})
    url = page.headers["refresh"].removeprefix("0; url=")
    assert url.startswith(f"{provider.issuer}/logout?")
    assert parse_qs(urlsplit(url).query) == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{HERE}/login"]}
    assert orchestra.users.sessions(LOCAL, "ann") == []
    client.post("/login", data={"token": orchestra.users.login_link(LOCAL)})
    assert client.post("/logout", headers={"Origin": HERE}).headers["location"] == "/login"


def test_signing_out_works_while_the_provider_is_away(
    client: TestClient, orchestra: Orchestra, provider: StandInProvider
) -> None:
    sign_in(client)
    orchestra.openid.provider._known = None
    provider.answers["/.well-known/openid-configuration"] = lambda: PlainTextResponse("", 503)
    assert client.post("/logout", headers={"Origin": HERE}).headers["location"] == "/login"
    assert orchestra.users.sessions(LOCAL, "ann") == []


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:x"])
def test_nobody_is_sent_to_another_host_after_signing_in(client: TestClient, wanted: str) -> None:
    url = away(client, str(httpx.URL("/login/openid", params={"next": wanted})))
    assert client.get(back_from(url)).headers["location"] == "/"


# --- Hostile browsers


def test_a_way_back_counts_once_and_only_in_the_browser_that_began_it(
    client: TestClient, orchestra: Orchestra, provider: StandInProvider
) -> None:
    provider.takes_codes_twice = True
    back = back_from(away(client))
    cookie = client.cookies[PENDING]
    with TestClient(client.app, base_url=HERE, follow_redirects=False) as victim:
        assert victim.get(back).status_code == 403, "no cookie: somebody else's code"
    assert client.get(back).status_code == 303
    assert PENDING not in client.cookies
    client.cookies.set(PENDING, cookie, domain="127.0.0.1", path="/login/openid/back")
    again = client.get(back)
    assert again.status_code == 403
    assert "used before" in again.text
    assert len(orchestra.users.sessions(LOCAL, "ann")) == 1


def test_a_refusal_is_shown_as_text(client: TestClient, provider: StandInProvider) -> None:
    provider.sent_back = {"code": "", "error": "<script>x"}
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "did not sign you in: &lt;script&gt;x" in answer.text
    assert SESSION not in client.cookies
    assert PENDING not in client.cookies


def test_while_the_provider_is_away_the_page_says_so_and_passwords_work(
    client: TestClient, orchestra: Orchestra, provider: StandInProvider
) -> None:
    orchestra.users.add(LOCAL, "tim", "Tim", "viewer", PASSWORD)
    provider.answers["/.well-known/openid-configuration"] = lambda: PlainTextResponse("", 503)
    answer = client.get("/login/openid")
    assert answer.status_code == 503
    assert "Acme does not work at the moment" in answer.text
    assert 'name="password"' in answer.text
    assert client.post("/login", data={"user_id": "tim", "password": PASSWORD}).status_code == 303


def test_owners_link_users_by_the_api(client: TestClient, orchestra: Orchestra, token: str) -> None:
    orchestra.users.add(LOCAL, "ann", "Ann", "viewer")
    bearer = {"Authorization": f"Bearer {token}"}
    assert sign_in(client).status_code == 403
    answer = client.put("/api/users/ann/identity", json={"subject": "8f2-ann"}, headers=bearer)
    assert (answer.status_code, answer.json()) == (200, {"subject": "8f2-ann"})
    assert sign_in(client).status_code == 303
    assert client.delete("/api/users/ann/identity", headers=bearer).status_code == 204
    assert client.delete("/api/users/ann/identity", headers=bearer).status_code == 404


def test_the_public_address_is_what_the_provider_knows(
    tmp_path: Path, orchestra: Orchestra, api: FastAPI, client: TestClient
) -> None:
    orchestra.close()
    write_section(tmp_path / "workspace", "server", {"public_url": "https://orchestra.example.org"})
    with closing(Orchestra.open(tmp_path / "workspace", serve=True)) as behind, application(behind, api) as app:
        proxied = caller(app)
        proxied.headers["host"] = "orchestra.example.org"
        asked = parse_qs(urlsplit(away(proxied)).query)
        assert asked["redirect_uri"] == ["https://orchestra.example.org/login/openid/back"]
        elsewhere = caller(app).get("/login/openid")
        assert (elsewhere.status_code, "Open https://orchestra.example.org." in elsewhere.text) == (403, True)


def test_without_a_provider_there_is_no_button_and_no_way(tmp_path: Path, api: FastAPI) -> None:
    init(tmp_path / "plain")
    with closing(Orchestra.open(tmp_path / "plain", serve=True)) as plain, application(plain, api) as app:
        client = caller(app)
        assert "openid" not in client.get("/login").text
        assert client.get("/login/openid").status_code == 403
        assert client.get("/login/openid/back?code=x&state=y").status_code == 403
