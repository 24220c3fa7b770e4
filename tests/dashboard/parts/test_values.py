"""Values as people see them: mails whose sender is not confirmed are marked."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.patience import PATIENCE_SECONDS

FORGED = {"from": "ada@example.com", "authentication": {"dmarc": "fail"}}
TRUE = {"from": "ada@example.com", "authentication": {"dmarc": "pass"}}


def _shown(value: Any) -> str:
    def page(value: object) -> None:
        from dashboard.parts.values import shown_value

        shown_value(value)

    return "\n".join(
        one.value for one in AppTest.from_function(page, default_timeout=PATIENCE_SECONDS, args=(value,)).run().caption
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(FORGED, "The sender is not confirmed: the mail may be from somebody else", id="a mail"),
        pytest.param({"messages": [FORGED, TRUE, FORGED]}, "The senders of 2 mails are not confirmed", id="a list"),
        pytest.param({"messages": [TRUE]}, "", id="confirmed"),
    ],
)
def test_mails_of_senders_who_are_not_confirmed_are_marked(value: Any, words: str) -> None:
    assert words in _shown(value)
    assert bool(words) is ("confirmed" in _shown(value))
