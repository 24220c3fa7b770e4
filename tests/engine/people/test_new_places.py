"""New browsers and new networks: what is kept of them, and what the audit trail says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.people.access import Principal
from engine.people.api_tokens import NETWORKS_MOST, NEW_NETWORK
from engine.people.audit import Audit
from engine.people.devices import NEW_DEVICE
from engine.people.networks import place_in_network
from engine.people.users import Users
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.people.test_users import LOCAL, PASSWORD, ada, audit, clock, database, users

__all__ = ["ada", "audit", "clock", "database", "users"]


def lines(audit: Audit, action: str) -> list[Any]:
    return [json.loads(one.detail) for one in reversed(audit.latest(1000)) if one.action == action]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        pytest.param("192.0.2.77", "192.0.2.0/24", id="IPv4"),
        pytest.param("2001:db8:1:2::3", "2001:db8:1::/48", id="IPv6"),
        pytest.param("::ffff:192.0.2.77", "192.0.2.0/24", id="IPv4 in IPv6"),
        pytest.param("fe80::1%eth0", "fe80::/48", id="with a zone"),
        pytest.param("127.0.0.1", "loopback", id="loopback"),
        pytest.param("127.9.9.9", "loopback", id="loopback elsewhere"),
        pytest.param("::1", "loopback", id="loopback of IPv6"),
        pytest.param("", "", id="none"),
        pytest.param("unix", "", id="no address"),
    ],
)
def test_the_network_of_an_address(address: str, wanted: str) -> None:
    assert place_in_network(address) == wanted


def test_a_browser_is_new_once(users: Users, ada: Principal, audit: Audit) -> None:
    assert users.login("ada", PASSWORD, "192.0.2.1", "Firefox")
    word = users.device_word("ada")
    assert users.login("ada", PASSWORD, "198.51.100.1", "Firefox", [word])
    link = users.login_link(LOCAL, "ada")
    assert users.redeem(link, "192.0.2.1", "Firefox", [word])
    assert lines(audit, NEW_DEVICE) == [{"address": "192.0.2.1", "browser": "Firefox"}]
    assert [one.is_new_device for one in users.sessions(ada, "ada")].count(True) == 1


def test_the_cookie_of_another_user_does_not_make_a_browser_known(users: Users, ada: Principal, audit: Audit) -> None:
    assert users.redeem(users.login_link(LOCAL, "ada"), "", "", [users.device_word("owner")])
    assert len(lines(audit, NEW_DEVICE)) == 1


def test_a_wrong_password_is_no_new_browser(users: Users, ada: Principal, audit: Audit) -> None:
    assert users.login("ada", "wrong", "192.0.2.1") is None
    assert lines(audit, NEW_DEVICE) == []


def test_a_token_is_reported_from_each_network_but_its_first_and_nothing_is_written_in_between(
    users: Users, ada: Principal, audit: Audit, database: SqliteStateDatabase
) -> None:
    token = users.api_tokens.create(ada, "ada", "laptop").token

    def used(address: str) -> None:
        assert users.api_tokens.principal(token, address, is_mcp=False) == ada

    used("192.0.2.1")
    assert lines(audit, NEW_NETWORK) == []
    for address in ("192.0.2.9", "198.51.100.1", "192.0.2.1", "198.51.100.200"):
        used(address)
    assert lines(audit, NEW_NETWORK) == [{"name": "laptop", "network": "198.51.100.0/24"}]
    assert users.api_tokens.list(ada, "ada")[0].networks == ("192.0.2.0/24", "198.51.100.0/24")
    before = database.version()
    for _ in range(20):
        used("198.51.100.1")
    assert database.version() == before


def test_a_token_that_is_used_from_everywhere_fills_nothing(users: Users, ada: Principal, audit: Audit) -> None:
    token = users.api_tokens.create(ada, "ada", "everywhere").token
    for number in range(100):
        assert users.api_tokens.principal(token, f"10.0.{number}.1", is_mcp=False) == ada
    assert len(users.api_tokens.list(ada, "ada")[0].networks) == NETWORKS_MOST
    assert len(lines(audit, NEW_NETWORK)) == NETWORKS_MOST - 1


def test_a_wrong_token_names_no_network(users: Users, ada: Principal, audit: Audit) -> None:
    users.api_tokens.create(ada, "ada", "laptop")
    assert users.api_tokens.principal("orch_" + "0" * 64, "10.0.0.1", is_mcp=False) is None
    assert users.api_tokens.list(ada, "ada")[0].networks == ()
