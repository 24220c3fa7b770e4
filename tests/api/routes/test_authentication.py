"""Access tokens over HTTP: how one is had, and that no other is believed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from engine.people.login_limit import PER_USER
from engine.people.passwords import Passwords
from tests.api.conftest import LOCAL, PASSWORD

GUARDED = "/api/step-types"


@pytest.fixture
def secret(token: str, orchestra: Orchestra, tmp_path: Path) -> bytes:
    """The server's own secret: a forger who has it still must not get in with anything but our form of token."""
    [path] = tmp_path.rglob("token.key")
    return path.read_bytes()


def refused(client: TestClient, authorization: str) -> str:
    answer = client.get(GUARDED, headers=[(b"Authorization", authorization.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    return answer.text


def test_user_and_password_give_a_token_that_is_believed(client: TestClient, token: str) -> None:
    answer = client.post("/auth/login", json={"user_id": "ada", "password": PASSWORD})
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 3600)
    assert answer.headers["cache-control"] == "no-store"
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert client.get(GUARDED, headers=bearer).status_code != 401


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"user_id": "ada", "password": "wrong horse battery"}, id="wrong password"),
        pytest.param({"user_id": "bob", "password": PASSWORD}, id="nobody"),
        pytest.param({"user_id": "owner", "password": PASSWORD}, id="no password set"),
    ],
)
def test_a_wrong_sign_in_says_the_same_whatever_was_wrong(client: TestClient, token: str, body: dict[str, str]) -> None:
    answer = client.post("/auth/login", json=body)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["message"] == "User or password is wrong."


def test_too_many_tries_are_told_to_wait(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Passwords, "fits", lambda *_: False)
    for _ in range(PER_USER):
        assert client.post("/auth/login", json={"user_id": "ada", "password": "guess"}).status_code == 401
    answer = client.post("/auth/login", json={"user_id": "ada", "password": "guess"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 800
    assert answer.json()["error"]["type"] == "TooManyTries"


def test_nothing_that_was_sent_comes_back(client: TestClient) -> None:
    answer = client.post("/auth/login", json={"user_id": "ada", "password": PASSWORD, "s3cret": PASSWORD})
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_every_bad_token_is_refused_in_the_same_words(
    client: TestClient, token: str, secret: bytes, orchestra: Orchestra
) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    body, signature = token.rsplit(".", 1)
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()

    def signed(key: bytes = secret, header: dict[str, Any] | None = None, **changed: Any) -> str:
        headers = {"typ": "at+jwt", **(header or {})}
        return jwt.encode({**claims, **changed}, key, algorithm="HS256", headers=headers)

    assert client.get(GUARDED, headers={"Authorization": f"Bearer {signed()}"}).status_code != 401
    answers = {
        refused(client, authorization)
        for authorization in [
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {token[:-2]}",
            f"Bearer {body}.",
            f"Bearer {none}.{token.split('.')[1]}.",
            f"Bearer {none}.{token.split('.')[1]}.{signature}",
            f"Bearer {signed(key=b'another secret of thirty-two byte')}",
            f"Bearer {signed(exp=claims['iat'] - 1)}",
            f"Bearer {signed(aud='another')}",
            f"Bearer {signed(iss='another')}",
            f"Bearer {signed(sub='nobody')}",
            f"Bearer {signed(sub='owner')}",
            f"Bearer {signed(header={'typ': 'JWT'})}",
            f"Bearer {signed(header={'kid': '../../dev/null'})}",
            f"Bearer {signed(header={'crit': ['exp']})}",
            f"Bearer {'A' * 60_000}",
            f"Bearer  {token}",
            f"Bearer {token} x",
            f"Bearer {token},{token}",
            f"Token {token}",
            f"Basic {base64.b64encode(b'ada:' + PASSWORD.encode()).decode()}",
            token,
            "Bearer \xff\xfe",
        ]
    }
    answers.add(client.get(GUARDED).text)
    assert len(answers) == 1


def test_two_authorization_headers_count_as_none(client: TestClient, token: str) -> None:
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert client.get(GUARDED, headers=headers).status_code == 401


def test_a_bad_token_is_not_made_good_by_a_cookie(browser: TestClient) -> None:
    assert browser.get(GUARDED).status_code != 401
    assert browser.get(GUARDED, headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_token_ends_with_the_password_and_with_the_user(client: TestClient, orchestra: Orchestra, token: str) -> None:
    bearer = {"Authorization": f"bearer {token}"}
    assert client.get(GUARDED, headers=bearer).status_code != 401
    orchestra.users.set_password(LOCAL, "ada", "a better password")
    assert client.get(GUARDED, headers=bearer).status_code == 401
    fresh = {"Authorization": f"Bearer {orchestra.users.token('ada', 'a better password')}"}
    assert client.get(GUARDED, headers=fresh).status_code != 401
    orchestra.users.remove(LOCAL, "ada")
    assert client.get(GUARDED, headers=fresh).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "http://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="a page without origin"),
        pytest.param({}, 403, id="no page"),
        pytest.param({"Origin": "http://127.0.0.1:8501"}, 422, id="ours"),
    ],
)
def test_a_cookie_changes_something_only_from_our_own_pages(
    browser: TestClient, headers: dict[str, str], status: int
) -> None:
    assert browser.post("/workflows/execute", json={}, headers=headers).status_code == status


def test_a_program_with_a_token_needs_no_origin(client: TestClient, token: str) -> None:
    answer = client.post("/workflows/execute", json={}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 422
