"""Which account stands behind a connection, and where a request of it may go."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.gmail.app import GMAIL_APP
from clients.http.client import HttpClient
from clients.http.request import WebRequest
from clients.oauth.sign_in_file import SignInFile
from clients.transport import Forbidden
from engine.base.errors import InvalidInput, UnknownName
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account, Accounts
from engine.workspace.config import LoadedConfig, load
from tests.engine.conftest import Service


class Endpoints:
    """Stand-ins that answer nowhere; counts how often somebody asked."""

    def __init__(self) -> None:
        self.generation, self.asked = 1, 0

    def endpoints(self) -> Mapping[str, Any]:
        """Where they would be."""
        self.asked += 1
        here = {"base_url": "http://127.0.0.1:9/", "token": "demo"}
        return {
            "gmail": here,
            "github": here,
            "notion": here,
            "openai": here,
            "site": here,
            "generation": self.generation,
        }


@pytest.fixture
def stand_ins() -> Endpoints:
    return Endpoints()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = (
        "connections:\n  github:\n    service: github\n    token: env:GITHUB_TOKEN\n"
        "  web:\n    service: http\n    allow_hosts: ['127.0.0.1']\n"
    )
    (tmp_path / "config.yaml").write_text(text)
    return tmp_path


def http_of(account: Account) -> httpx.Client:
    assert account.client.http is not None
    return account.client.http


def web_of(account: Account) -> HttpClient:
    assert isinstance(account.client, HttpClient)
    return account.client


def opened(root: Path, stand_ins: Endpoints, environment: Mapping[str, str]) -> Accounts:
    def settings() -> LoadedConfig:
        return load(root, environment)

    return Accounts(settings, stand_ins)


def test_a_demo_account_is_known_without_asking_and_reaches_its_stand_in_only(
    config: Path, stand_ins: Endpoints, service: Service
) -> None:
    accounts = opened(config, stand_ins, {})
    account = accounts.open("github", "github", AccountMode.DEMO)
    assert (account.known_identity, account.identity(), account.label) == ("demo-1", "demo-1", "demo-1")
    with pytest.raises(Forbidden, match="must not be contacted"):
        http_of(account).send(httpx.Request("GET", service.url("/")))
    assert not service.seen
    accounts.close()


def test_in_demo_http_requests_reach_nobody(config: Path, stand_ins: Endpoints, service: Service) -> None:
    accounts = opened(config, stand_ins, {})
    for connection in ("web", None):
        account = accounts.open(connection, "http", AccountMode.DEMO)
        with pytest.raises(Forbidden):
            web_of(account).request(WebRequest("GET", service.url("/x")))
    assert not service.seen
    accounts.close()


def test_without_a_connection_only_public_addresses_are_reached(
    config: Path, stand_ins: Endpoints, service: Service
) -> None:
    accounts = opened(config, stand_ins, {})
    account = accounts.open(None, "http", AccountMode.MINE)
    assert account.known_identity == "http:none"
    with pytest.raises(Forbidden):
        web_of(account).request(WebRequest("GET", service.url("/x")))
    assert (
        web_of(accounts.open("web", "http", AccountMode.MINE)).request(WebRequest("GET", service.url("/x")))["status"]
        == 200
    )
    assert stand_ins.asked == 0
    accounts.close()


def test_an_account_is_opened_once_until_what_stands_behind_it_changes(config: Path, stand_ins: Endpoints) -> None:
    accounts = opened(config, stand_ins, {})
    first = accounts.open("github", None, AccountMode.DEMO)
    assert accounts.open("github", None, AccountMode.DEMO) is first
    stand_ins.generation = 2
    second = accounts.open("github", None, AccountMode.DEMO)
    assert second is not first
    assert (first.known_identity, second.known_identity) == ("demo-1", "demo-2")
    accounts.forget("github")
    assert accounts.open("github", None, AccountMode.DEMO) is not second
    accounts.close()


def test_a_replaced_account_is_closed_with_the_others(config: Path, stand_ins: Endpoints) -> None:
    accounts = opened(config, stand_ins, {})
    found = []
    for generation in (1, 2):
        stand_ins.generation = generation
        found.append(accounts.open("github", None, AccountMode.DEMO))
    accounts.forget("github")
    assert not any(http_of(account).is_closed for account in found)  # a run may still be at work with it
    accounts.close()
    assert all(http_of(account).is_closed for account in found)


def test_many_threads_open_one_account(config: Path, stand_ins: Endpoints) -> None:
    accounts = opened(config, stand_ins, {})
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(accounts.open("web", None, AccountMode.MINE))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(account) for account in found}) == 1
    accounts.close()


def test_what_is_missing_is_named_and_no_secret_is_told(config: Path, stand_ins: Endpoints) -> None:
    accounts = opened(config, stand_ins, {"GITHUB_TOKEN": "hush-hush-token"})
    with pytest.raises(UnknownName, match="no connection named 'githbu'"):
        accounts.open("githbu", None, AccountMode.MINE)
    with pytest.raises(InvalidInput, match="GITHUB_TOKEN") as raised:
        opened(config, stand_ins, {"OTHER": "hush-hush-token"}).open("github", None, AccountMode.MINE)
    assert "hush" not in f"{raised.value} {raised.value.remedy} {raised.value.__cause__!r}"


def test_an_account_shows_no_secret(config: Path, stand_ins: Endpoints) -> None:
    accounts = opened(config, stand_ins, {"GITHUB_TOKEN": "hush-hush-token"})
    assert "hush" not in repr(accounts.open("github", None, AccountMode.MINE))
    accounts.close()


def test_a_mailbox_that_another_process_signed_in_to_is_told_from_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("connections:\n  gmail: {service: gmail, token_file: sign-in.json}\n")
    file = SignInFile(tmp_path / "sign-in.json", GMAIL_APP)

    def sign_in(account: str, token: str = "one") -> None:
        lasting = {"refresh_token": "r", "client_id": "i", "client_secret": "s", "expiry": "2099-01-01T00:00:00Z"}
        file.save({**lasting, "token": token, "account": account})

    accounts = opened(tmp_path, Endpoints(), {})
    sign_in("ann@example.com")
    account = accounts.open("gmail", None, AccountMode.MINE)
    assert account.known_identity == ""
    assert (account.identity(), account.known_identity) == ("gmail:ann@example.com", "gmail:ann@example.com")
    sign_in("ann@example.com", "two")
    assert account.identity() == "gmail:ann@example.com"
    sign_in("bob@example.com")
    assert accounts.open("gmail", None, AccountMode.MINE) is account, "runs may be at work with it"
    assert account.known_identity == ""
    assert (account.identity(), account.known_identity) == ("gmail:bob@example.com", "gmail:bob@example.com")
    accounts.close()
