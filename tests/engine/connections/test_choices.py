"""What accounts offer to fields: asked once for everybody, and not without end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base.errors import NotAllowed, TooManyRequests
from engine.base.statuses import AccountMode
from engine.connections.choices import KnownChoices
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import OWNER, Service


def test_an_account_is_asked_once_a_minute_whoever_needs_its_choices(
    root: Path, orchestra: Orchestra, service: Service
) -> None:
    with (root / "config.yaml").open("a") as file:
        file.write(f"  llm: {{service: openai, base_url: '{service.url('/v1')}', api_key: secret:llm}}\n")
    orchestra.connections.give_key(OWNER, "llm", "sk-made-up")
    orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    service.texts["/v1/models"] = '{"object": "list", "data": [{"id": "a"}, {"id": "b"}]}'
    service.seconds["/v1/models"] = 0.2
    with pytest.raises(NotAllowed):
        orchestra.connections.choices(Principal("vi", "viewer"), "model")
    before = service.seen["/v1/models"]
    who = [Principal(f"p{number}", "operator") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda p: orchestra.connections.choices(p, "model"), who * 4))
    assert found == [["a", "b"]] * 32
    assert service.seen["/v1/models"] == before + 1


def test_one_person_makes_accounts_be_asked_thirty_times_a_minute(orchestra: Orchestra) -> None:
    now = 0.0
    known = KnownChoices(lambda: now)
    account = orchestra._families.opened.accounts.open("web", "http", AccountMode.DEMO)
    for number in range(30):
        assert known.of("ada", replace(account, connection=f"c{number}"), "model", lambda: ["a"]) == ["a"]
    with pytest.raises(TooManyRequests) as refused:
        known.of("ada", replace(account, connection="more"), "model", lambda: ["a"])
    assert refused.value.retry_after_seconds == 61
    assert known.of("eve", replace(account, connection="more"), "model", lambda: ["a"]) == ["a"]
    now = 61.0
    assert known.of("ada", account, "model", lambda: ["a"]) == ["a"]
