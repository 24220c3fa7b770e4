"""Which mails in a value have a sender that could not be confirmed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.plugins.unconfirmed import is_unconfirmed, unconfirmed_in

FORGED: dict[str, Any] = {"from": "a@b.example", "authentication": {"dmarc": "fail"}}
TRUE: dict[str, Any] = {"from": "a@b.example", "authentication": {"dmarc": "pass"}}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param(FORGED, 1, id="a mail"),
        pytest.param(TRUE, 0, id="a confirmed mail"),
        pytest.param({"messages": [FORGED, TRUE, FORGED]}, 2, id="mails"),
        pytest.param({"conversation": {"messages": [FORGED]}}, 1, id="a conversation among inputs"),
        pytest.param([[[[[[[FORGED]]]]]]], 0, id="too deep"),
        pytest.param({"authentication": "fail"}, 0, id="a text"),
        pytest.param({"authentication": {"dmarc": ["fail"]}}, 0, id="a list"),
        pytest.param(None, 0, id="nothing"),
        pytest.param("dmarc=fail", 0, id="words"),
    ],
)
def test_the_mails_are_counted(value: Any, count: int) -> None:
    assert unconfirmed_in(value) == count
    assert is_unconfirmed(value) is (value is FORGED)
