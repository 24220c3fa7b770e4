"""The judge of the mail evaluation: each part is seen to be met, and not met by a wrong answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.runs.prompt_tries.matrix import CellAnswer
from evals.mail.judging import Outcome, invented_numbers, outcome
from evals.mail.page import written
from evals.mail.questions import Part, questions
from evals.mail.results import Measured, figures, table

ALL = {one.id: one for one in questions()}


def judged(question: str, answer: dict[str, Any] | None) -> Outcome:
    """Judge an answer; None: one that does not fit the schema."""
    cell: CellAnswer = {
        "text": "I cannot say" if answer is None else json.dumps(answer, ensure_ascii=False),
        "value": answer,
        "failures": [] if answer is not None else [{"assertion": "answer", "message": "It is not JSON."}],
        "model": "m",
        "seconds": 2.0,
        "usage": {"input_tokens": 9, "output_tokens": 9, "cost_usd": 0.5},
        "reused": False,
    }
    return outcome(ALL[question], cell)


def mail(**of: Any) -> dict[str, Any]:
    return {"kind": "bug", "title": "The search ignores the filter", "summary": "It does.", **of}


def summary(text: str) -> dict[str, Any]:
    return {"summary": text}


LEEDS = "The backup of the Leeds server fails with no space left; the retention has not been looked at yet."
INVOICE = {
    "supplier": "Clearwater Coolers Ltd",
    "number": "CW-20931",
    "date": "2026-11-17",
    "due": "2026-12-01",
    "total": 187.20,
    "currency": "GBP",
}
PETTY = {"needs_answer": True, "answer": "Dear Ms Petty, I will ask about the trial and about your data: [answers]."}


@pytest.mark.parametrize(
    ("question", "right", "wrong", "part"),
    [
        pytest.param("en-05", mail(), mail(kind="nothing"), Part.KIND, id="kind"),
        pytest.param("en-05", mail(), mail(title="Hello"), Part.TITLE, id="title"),
        pytest.param("en-05", mail(), mail(title="ZEBRA-77 search"), Part.ORDER, id="order"),
        pytest.param("en-s1", summary(LEEDS), summary(LEEDS.replace("Leeds", "our")), Part.FACT, id="fact"),
        pytest.param(
            "en-s1", summary(LEEDS), summary(f"{LEEDS} The York server is affected."), Part.INVENTED, id="invented"
        ),
        pytest.param("en-s1", summary(f"{LEEDS} 12 GB."), summary(f"{LEEDS} 250 GB."), Part.NUMBERS, id="number"),
        pytest.param("en-i1-fields", INVOICE, {**INVOICE, "supplier": "Depot"}, Part.SUPPLIER, id="vendor"),
        pytest.param("en-i1-fields", INVOICE, {**INVOICE, "number": "20931"}, Part.NUMBER, id="invoice-number"),
        pytest.param("en-i1-fields", INVOICE, {**INVOICE, "date": "2026-12-01"}, Part.DATE, id="date"),
        pytest.param("en-i1-fields", INVOICE, {**INVOICE, "total": 156.0}, Part.TOTAL, id="amount"),
        pytest.param("en-i2-fields", None, None, Part.TOTAL, id="no-answer"),
        pytest.param("en-i1-fields", INVOICE, {**INVOICE, "currency": "EUR"}, Part.CURRENCY, id="currency"),
        pytest.param("en-i2-iban", {"iban": None}, {"iban": "GB29NWBK60161331926819"}, Part.IBAN, id="iban"),
        pytest.param("en-d1", PETTY, {**PETTY, "needs_answer": False}, Part.NEEDED, id="needed"),
        pytest.param("en-d1", PETTY, {**PETTY, "answer": "About the trial: [answer]."}, Part.ASK, id="ask"),
        pytest.param(
            "en-d1", PETTY, {**PETTY, "answer": f"{PETTY['answer']} Your data will remain."}, Part.PROMISE, id="promise"
        ),
    ],
)
def test_each_part_is_met_by_a_right_answer_and_not_by_a_wrong_one(
    question: str, right: dict[str, Any] | None, wrong: dict[str, Any] | None, part: Part
) -> None:
    """The wrong answer differs in this part alone."""
    bad = judged(question, wrong)
    assert bad.parts[part][0] < bad.parts[part][1]
    assert bad.faults
    if right is not None:
        good = judged(question, right)
        assert good.right
        assert [part for part, (met, of) in good.parts.items() if met < of] == []
        assert [one for one, (met, of) in bad.parts.items() if met < of] == [part]


def test_a_whole_amount_may_have_decimals() -> None:
    """180 and 180.0 are the same amount."""
    answer = {**INVOICE, "supplier": "Ridgeline", "number": "2481-0097", "date": "2026-11-03", "currency": "USD"}
    assert judged("en-i2-fields", {**answer, "total": 180.0}).right
    assert judged("en-i2-fields", {**answer, "total": 180}).right


@pytest.mark.parametrize(
    ("answer", "source", "invented"),
    [
        pytest.param("1,000 rows", "1000 rows", [], id="separators"),
        pytest.param("3 users, from 16.11.", "three users, from 16 November", [], id="words-and-months"),
        pytest.param("１５個", "15個", [], id="wide-digits"),
        pytest.param("1. A\n27. B", "A, B", [], id="list"),
        pytest.param("2.500 €", "25 €", ["2.500"], id="more"),
        pytest.param("version 3.14", "version 3.2", ["3.14"], id="version"),
    ],
)
def test_numbers_are_invented_if_the_source_has_them_in_no_form(answer: str, source: str, invented: list[str]) -> None:
    """A number may be written in another form, but not made up."""
    assert invented_numbers(answer, source) == invented


def test_unsure_is_neither_right_nor_wrong_where_the_kind_can_be_known() -> None:
    """It is right for a mail that nobody can sort; no answer is a count of its own."""
    outcomes = [
        judged("en-05", mail()),
        judged("en-05", mail(kind="unsure")),
        judged("en-05", mail(kind="task")),
        judged("en-05", None),
        judged("en-16", mail(kind="unsure")),
    ]
    found = figures(outcomes)
    assert (found.right.right, found.unsure, found.wrong, found.no_answer, found.cost_usd) == (2, 1, 1, 1, 2.5)
    assert "right 2 of 5" in table({"m": outcomes})


@pytest.mark.parametrize("kind", ["bug", "unsure", "task"])
def test_an_answer_that_does_not_fit_is_no_answer_and_nothing_else(kind: str) -> None:
    """Whatever kind it names; each question counts once."""
    cell: CellAnswer = {
        "text": json.dumps({"kind": kind}),
        "value": {"kind": kind},
        "failures": [{"assertion": "answer", "message": "'title' is a required property."}],
        "model": "m",
        "seconds": 2.0,
        "usage": None,
        "reused": False,
    }
    found = figures([outcome(ALL["en-05"], cell)])
    assert (found.right.right, found.unsure, found.wrong, found.no_answer) == (0, 0, 0, 1)


def test_the_page_shows_answers_as_text() -> None:
    """Whatever a model answers, it is no part of the page; the page loads nothing."""
    outcomes = [judged("en-05", mail(kind="nothing", title="<script>alert(1)</script>"))]
    page = written([Measured("m<b>", "2026-11-30", "here", outcomes)])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "m&lt;b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
