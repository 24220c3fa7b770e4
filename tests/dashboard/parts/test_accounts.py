from __future__ import annotations

import pytest

from dashboard.parts.accounts import account_words, service_icon, service_title
from engine.base.services import client_classes
from engine.base.statuses import AccountMode
from engine.runs.starting.preview import ConnectionBadge


@pytest.mark.parametrize(
    ("service", "mode", "account", "words"),
    [
        pytest.param("gmail", "demo", "demo-3", "Demo", id="demo"),
        pytest.param("openai", "demo", "demo-3", "Scripted", id="the model of the demo"),
        pytest.param("gmail", "mine", "", "Mine", id="mine, nobody asked yet"),
        pytest.param("gmail", "mine", "me@example.org", "Mine: me@example.org", id="mine"),
        pytest.param("openai", "mine", "", "Mine", id="a model of one's own"),
        pytest.param("local_model", "demo", "", "Mine", id="a model without a stand-in"),
    ],
)
def test_a_badge_says_whose_account_it_is(service: str, mode: AccountMode, account: str, words: str) -> None:
    assert account_words(ConnectionBadge("it", service, mode, account)) == words


@pytest.mark.parametrize("service", client_classes())
def test_each_service_has_a_name_and_an_icon(service: str) -> None:
    assert service_title(service)
    assert service_icon(service) != service_icon("something new")


def test_a_service_without_a_name_of_its_own_is_shown_all_the_same() -> None:
    assert service_title("slack") == "Slack"
