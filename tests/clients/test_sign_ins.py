"""Signing in to Dropbox, OneDrive and Outlook, and the tokens that follow, against the OAuth of their stand-ins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from clients.client import Client, Opening
from clients.drives.drive import Drive
from clients.errors import AuthError
from clients.oauth.redirect import Answers, listening
from clients.sign_in import SignInWay, WrongFile, client_id_content
from clients.transport import deadline
from engine.base.services import client_class
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from clients.outlook.client import OutlookClient
    from tests.conftest import StandIns

SCOPES = {
    "dropbox": ["account_info.read", "files.metadata.read"],
    "onedrive": ["Files.Read", "offline_access"],
    "outlook": ["Mail.Read", "User.Read", "offline_access"],
}


@pytest.fixture(params=SCOPES)
def name(request: pytest.FixtureRequest, standins: StandIns) -> Iterator[str]:
    standins["gmail"]  # the stand-ins are started
    with deadline(PATIENCE_SECONDS):
        yield str(request.param)


def way_of(name: str) -> SignInWay:
    way = client_class(name).sign_in_way
    assert way is not None
    return way


def brought(folder: Path, content: bytes = client_id_content("demo-client-1")) -> Path:
    file = folder / "client.json"
    file.write_bytes(content)
    return file


def browser(change: Callable[[str], str] = lambda url: url) -> Callable[[str], None]:
    """A person's browser that consents; `change` alters the address that it opens."""

    def open_browser(url: str) -> None:
        consent = httpx.get(change(url), trust_env=False, timeout=PATIENCE_SECONDS)
        back = consent.headers["location"].replace("localhost", "127.0.0.1")
        httpx.get(back, trust_env=False, timeout=PATIENCE_SECONDS)

    return open_browser


def control(standins: StandIns, name: str, **given: Any) -> None:
    address = f"{standins[name].origin}/_demo/sign-in"
    httpx.post(address, json=given, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def signed_in(name: str, standins: StandIns, folder: Path) -> Path:
    done = way_of(name).sign_in(brought(folder), browser(), standins[name].base_url)
    assert done.account.endswith("@example.com")
    path = folder / "sign-in.json"
    way_of(name).stored(path, None).save(done.info)
    return path


def opened(name: str, standins: StandIns, path: Path) -> Client:
    kind = client_class(name)
    settings = kind.service.settings.model_validate({"base_url": standins[name].base_url, "token_file": path})
    return kind.open(settings, Opening())


def asked(client: Client) -> Any:
    """What an account has."""
    return client.entries("", 10) if isinstance(client, Drive) else cast("OutlookClient", client).folder_names()


def test_a_sign_in_works_is_renewed_once_for_all_and_ends_when_it_is_revoked(
    name: str, standins: StandIns, tmp_path: Path
) -> None:
    path = signed_in(name, standins, tmp_path)
    with closing(opened(name, standins, path)) as client:
        assert client.account().endswith("@example.com")
        assert asked(client)
        control(standins, name, advance_seconds=20_000, rotates=True)
        before = standins.requests(name)
        with ThreadPoolExecutor(4) as pool:
            found = [pool.submit(asked, client) for _ in range(4)]
            assert all(one.result() for one in found)
        after = standins.requests(name)
        assert sum(after[one] - before.get(one, 0) for one in after if one.endswith("/token")) == 1
        control(standins, name, revoke=True)
        with pytest.raises(AuthError, match="refuses the sign-in") as refused:
            asked(client)
        kept = json.loads(path.read_text())["refresh_token"]
        assert kept not in refused.value.message + refused.value.remedy


def test_less_access_than_asked_for_is_no_sign_in(name: str, standins: StandIns, tmp_path: Path) -> None:
    control(standins, name, scopes=SCOPES[name])
    with pytest.raises(AuthError, match="is missing"):
        way_of(name).sign_in(brought(tmp_path), browser(), standins[name].base_url)


def test_another_challenge_than_that_of_the_verifier_is_refused(name: str, standins: StandIns, tmp_path: Path) -> None:
    def stolen(url: str) -> str:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        return f"{url.partition('?')[0]}?{urlencode({**query, 'code_challenge': 'x' * 43})}"

    with pytest.raises(AuthError, match="verifier"):
        way_of(name).sign_in(brought(tmp_path), browser(stolen), standins[name].base_url)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"client_id": "a b"}', b'{"client_id": 1}'])
def test_what_is_no_client_id_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(WrongFile):
        way_of(name).sign_in(brought(tmp_path, content), browser(), "http://127.0.0.1:9")


def test_a_redirect_without_the_state_changes_nothing() -> None:
    answers = Answers()
    with listening("dropbox", 0, answers) as (address, expected):
        expected.append("right")
        assert httpx.get(f"{address}?state=wrong&code=c", trust_env=False).status_code == 404
        assert answers.empty()
        assert httpx.get(f"{address}?state=right&code=c", trust_env=False).status_code == 200
    assert answers.get(timeout=PATIENCE_SECONDS) == {"code": "c"}  # the answer to the browser comes first
