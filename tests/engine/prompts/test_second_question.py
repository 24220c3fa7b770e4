"""The second question: which letter is whose, and what the likely first tokens say about the first answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.prompts.messages import WireMessage
from engine.prompts.second_question import SecondQuestion

SYSTEM: WireMessage = {"role": "system", "content": "Sort the mail."}
MAIL: WireMessage = {"role": "user", "content": "It crashes."}
SAID: WireMessage = {"role": "assistant", "content": "I see."}
ASKED = 'Which "kind" is right?\nA: task\nB: null\nC: bug\nAnswer with one letter only.'


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([SYSTEM, MAIL], [SYSTEM, {"role": "user", "content": f"It crashes.\n\n---\n{ASKED}"}]),
        ([MAIL, SAID], [MAIL, SAID, {"role": "user", "content": ASKED}]),
    ],
    ids=["joined", "after-an-answer"],
)
def test_what_the_model_chose_stands_last(messages: list[WireMessage], expected: list[WireMessage]) -> None:
    found = SecondQuestion.of(messages, "kind", "bug", ["task", "bug", None])
    assert (found.messages, found.letters) == (expected, "ABC")


@pytest.mark.parametrize(
    ("likely", "sure"),
    [
        pytest.param({"C": 0.6, "A": 0.2, "The": 0.1}, 0.75, id="among-the-letters"),
        pytest.param({" C": 0.3, "**C": 0.3, "B.": 0.2}, 0.75, id="however-it-is-written"),
        pytest.param({"A": 1.0}, 0.0, id="another-letter"),
        pytest.param({"The": 0.9, "C": 0.1}, None, id="the-beginning-of-a-sentence"),
        pytest.param({"<think>": 1.0}, None, id="thoughts"),
        pytest.param({"": 1.0}, None, id="nothing"),
        pytest.param({}, None, id="not-told"),
        pytest.param({"Z": 0.9, "C": 0.1}, None, id="no-letter-of-these"),
    ],
)
def test_how_sure_the_model_is(likely: Mapping[str, float], sure: float | None) -> None:
    asked = SecondQuestion.of([MAIL], "kind", "bug", ["task", "bug", None])
    assert asked.sure(likely) == (None if sure is None else pytest.approx(sure))
