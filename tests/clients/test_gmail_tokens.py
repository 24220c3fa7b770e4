"""Gmail's sign-in file: renewed once for everybody, saved before use, never shown."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.client import Opening
from clients.errors import AuthError, RateLimited, ServiceError, Unavailable
from clients.gmail.app import GMAIL_APP
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.oauth.sign_in_file import SignInFile
from clients.oauth.tokens import TokenFile
from clients.reads_only import reads_only

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

REFRESH, SECRET = "1//refresh-very-secret", "client-very-secret"
FRESH = {"access_token": "fresh", "expires_in": 3599, "token_type": "Bearer"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "connections" / "gmail.json"


def sign_in_file(path: Path, url: str, *, lives: timedelta, token: str = "old") -> Path:
    expiry = (datetime.now(UTC) + lives).isoformat().replace("+00:00", "Z")
    info = {"token": token, "refresh_token": REFRESH, "client_id": "id", "client_secret": SECRET}
    SignInFile(path, GMAIL_APP).save(
        {**info, "token_uri": f"{url}/token", "account": "me@example.com", "expiry": expiry}
    )
    return path


def tokens_of(path: Path, http: httpx.Client) -> TokenFile:
    return TokenFile(SignInFile(path, GMAIL_APP), http, GMAIL_APP.service.url)


def test_a_token_that_lives_is_used_as_it_is(scripted: Scripted, http: httpx.Client, token_file: Path) -> None:
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(hours=1)), http)
    assert tokens.current() == "old"
    assert tokens.owner() == "me@example.com"
    assert scripted.seen == []


def test_a_token_that_ran_out_is_renewed_and_saved_before_use(
    scripted: Scripted, http: httpx.Client, token_file: Path
) -> None:
    scripted.then(200, {**FRESH, "refresh_token": "1//another"})
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(minutes=1)), http)
    assert tokens.current() == "fresh"
    saved = SignInFile(token_file, GMAIL_APP).read()
    assert (saved["token"], saved["refresh_token"], saved["account"]) == ("fresh", "1//another", "me@example.com")
    assert tokens_of(token_file, http).current() == "fresh"
    assert len(scripted.seen) == 1
    assert b"grant_type=refresh_token" in scripted.seen[0].body


def test_the_file_is_for_its_owner_only(token_file: Path) -> None:
    SignInFile(token_file, GMAIL_APP).save({"a": 1})
    token_file.chmod(0o644)
    SignInFile(token_file, GMAIL_APP).save({"a": 2})
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert [path.name for path in token_file.parent.iterdir()] == [token_file.name]


def test_a_disk_that_is_full_is_an_error_that_may_pass_and_nothing_was_sent(
    scripted: Scripted, http: httpx.Client, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    scripted.then(200, FRESH)
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(minutes=1)), http)
    monkeypatch.setattr("clients.oauth.sign_in_file.tempfile.mkstemp", full)
    with pytest.raises(Unavailable, match="No space left") as full_disk:
        tokens.current()
    assert (full_disk.value.outcome, full_disk.value.retryable) == ("not_done", True)
    assert SignInFile(token_file, GMAIL_APP).read()["token"] == "old"
    monkeypatch.setattr("clients.oauth.sign_in_file.os.open", full)
    with pytest.raises(Unavailable, match="No space left"):
        tokens.current()


def test_a_file_that_cannot_be_saved_leaves_the_old_one(token_file: Path) -> None:
    SignInFile(token_file, GMAIL_APP).save({"a": 1})
    with pytest.raises(TypeError):
        SignInFile(token_file, GMAIL_APP).save({"a": object()})
    assert json.loads(token_file.read_text()) == {"a": 1}
    assert [path.name for path in token_file.parent.iterdir()] == [token_file.name]


def test_many_workers_renew_once(scripted: Scripted, http: httpx.Client, token_file: Path) -> None:
    scripted.then(200, FRESH)
    sign_in_file(token_file, scripted.url, lives=timedelta(0))
    workers = [tokens_of(token_file, http) for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda tokens: tokens.current(), workers)) == {"fresh"}
    assert len(scripted.seen) == 1


def test_a_refused_token_is_renewed_unless_another_worker_did(
    scripted: Scripted, http: httpx.Client, token_file: Path
) -> None:
    scripted.then(200, FRESH)
    sign_in_file(token_file, scripted.url, lives=timedelta(hours=1))
    first, second = tokens_of(token_file, http), tokens_of(token_file, http)
    assert first.renewed("old") == "fresh"
    assert second.renewed("old") == "fresh"
    assert len(scripted.seen) == 1


def test_a_new_sign_in_is_noticed_at_once(scripted: Scripted, http: httpx.Client, token_file: Path) -> None:
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(hours=1)), http)
    assert tokens.current() == "old"
    sign_in_file(token_file, scripted.url, lives=timedelta(hours=1), token="of another account")
    assert tokens.current() == "of another account"


def test_a_401_is_answered_by_one_renewal(scripted: Scripted, http: httpx.Client, token_file: Path) -> None:
    sign_in_file(token_file, scripted.url, lives=timedelta(hours=1))
    scripted.then(401, {"error": {"code": 401, "message": "Invalid Credentials"}})
    scripted.then(200, FRESH).then(200, {"emailAddress": "me@example.com"})
    gmail = GmailClient(GmailSettings(token_file=token_file, base_url=scripted.url), http)
    assert gmail.check()[0].ok
    assert [seen.headers.get("authorization") for seen in scripted.seen][:3] == ["Bearer old", None, "Bearer fresh"]


def test_a_plan_may_renew_the_sign_in(scripted: Scripted, token_file: Path) -> None:
    sign_in_file(token_file, scripted.url, lives=timedelta(0))
    scripted.then(200, FRESH).then(200, {"emailAddress": "me@example.com"})
    gmail = GmailClient.open(GmailSettings(token_file=token_file, base_url=scripted.url), Opening())
    with reads_only():
        assert gmail.check()[0].ok
    gmail.close()
    assert [f"{one.method} {one.path.partition('?')[0]}" for one in scripted.seen[:2]] == [
        "POST /token",
        "GET /gmail/v1/users/me/profile",
    ]


def test_a_401_that_stays_ends_and_names_account_and_command(
    scripted: Scripted, http: httpx.Client, token_file: Path
) -> None:
    sign_in_file(token_file, scripted.url, lives=timedelta(hours=1))
    refused = {"error": {"code": 401, "message": "Invalid Credentials"}}
    scripted.then(401, refused).then(200, FRESH).then(401, refused)
    gmail = GmailClient(GmailSettings(token_file=token_file, base_url=scripted.url), http)
    with pytest.raises(AuthError) as caught:
        gmail.labels.names()
    assert "me@example.com" in caught.value.remedy
    assert len(scripted.seen) == 3


def test_a_revoked_sign_in_says_whose_and_what_to_do(scripted: Scripted, http: httpx.Client, token_file: Path) -> None:
    said = {"error": "invalid_grant", "error_description": f"Token {REFRESH} of {SECRET} has been revoked."}
    scripted.then(400, said)
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(0)), http)
    with pytest.raises(AuthError) as caught:
        tokens.current()
    assert "me@example.com" in caught.value.message
    assert "revoked" in caught.value.message
    assert "orchestra connections add gmail" in caught.value.remedy
    shown = repr(caught.value) + caught.value.message + repr(tokens)
    assert REFRESH not in shown
    assert SECRET not in shown
    assert SignInFile(token_file, GMAIL_APP).read()["refresh_token"] == REFRESH


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(500, Unavailable, id="500"),
        pytest.param(503, Unavailable, id="503"),
        pytest.param(429, RateLimited, id="429"),
    ],
)
def test_a_renewal_that_fails_for_now_did_nothing_and_is_not_repeated_here(
    scripted: Scripted, http: httpx.Client, token_file: Path, status: int, kind: type[ServiceError]
) -> None:
    scripted.then(status, {"error": "server_error"}, retry_after="5")
    tokens = tokens_of(sign_in_file(token_file, scripted.url, lives=timedelta(0)), http)
    with pytest.raises(kind) as caught:
        tokens.current()
    assert (caught.value.outcome, caught.value.retry_after_seconds) == ("not_done", 5)
    assert len(scripted.seen) == 1


def test_a_token_server_that_is_gone_did_nothing(http: httpx.Client, token_file: Path) -> None:
    tokens = tokens_of(sign_in_file(token_file, "http://127.0.0.1:1", lives=timedelta(0)), http)
    with pytest.raises(Unavailable) as caught:
        tokens.current()
    assert caught.value.outcome == "not_done"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="broken"),
        pytest.param("[1]", id="a list"),
        pytest.param("{}", id="nothing in it"),
        pytest.param('{"refresh_token": "x", "client_id": "y"}', id="no client secret"),
    ],
)
def test_a_file_that_is_none_says_so(http: httpx.Client, token_file: Path, content: str) -> None:
    token_file.parent.mkdir()
    token_file.write_text(content)
    with pytest.raises(AuthError, match=r"gmail\.json"):
        tokens_of(token_file, http).current()


def test_a_sign_in_of_an_older_version_is_used_and_tells_what_it_lacks(http: httpx.Client, token_file: Path) -> None:
    file = SignInFile(token_file, GMAIL_APP)
    sign_in_file(token_file, "http://127.0.0.1:1", lives=timedelta(hours=1))
    google = {"universe_domain": "googleapis.com", "scopes": list(GMAIL_APP.scopes)}
    file.save({**file.read(), **google, "granted_scopes": list(GMAIL_APP.scopes)})
    assert tokens_of(token_file, http).current() == "old"
    file.save({**file.read(), "granted_scopes": ["https://www.googleapis.com/auth/gmail.readonly"]})
    with pytest.raises(AuthError, match=r"me@example\.com .* gmail\.modify is missing") as caught:
        tokens_of(token_file, http).current()
    assert caught.value.lacks_scope


def test_a_missing_file_says_that_nobody_signed_in(http: httpx.Client, token_file: Path) -> None:
    tokens = tokens_of(token_file, http)
    with pytest.raises(AuthError, match="Nobody has signed in"):
        tokens.current()
    assert tokens.owner() == ""


@pytest.mark.parametrize("expiry", ["", "soon", None, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123Z"])
def test_a_time_that_is_gone_or_none_means_renewal(
    scripted: Scripted, http: httpx.Client, token_file: Path, expiry: Any
) -> None:
    scripted.then(200, FRESH)
    sign_in_file(token_file, scripted.url, lives=timedelta(0))
    SignInFile(token_file, GMAIL_APP).save({**SignInFile(token_file, GMAIL_APP).read(), "expiry": expiry})
    assert tokens_of(token_file, http).current() == "fresh"
