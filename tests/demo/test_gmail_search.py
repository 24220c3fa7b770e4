"""Gmail's search language, term by term."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.gmail.search import parse

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LABELS = {"INBOX": "INBOX", "SPAM": "SPAM", "Label_1": "To do/This week", "CATEGORY_PROMOTIONS": "CATEGORY_PROMOTIONS"}


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "labels": ["INBOX", "UNREAD", "Label_1"],
        "from": "Ann Lee <ann.lee@north.example>",
        "to": "me@example.com Bob <bob@example.org>",
        "cc": "Bob <bob@example.org>",
        "bcc": "",
        "subject": "Crème brûlée: the new recipe",
        "text": "Take four eggs.\nStir in the sugar, 100 g. 見積書を送ります。",
        "filenames": "recipe.pdf photo.png",
        "message_id": "<abc.1@north.example>",
        "list_id": "",
        "size_bytes": 50_000,
        "date_ms": (NOW - timedelta(days=3)).timestamp() * 1000,
    } | changes


def finds(query: str, **changes: Any) -> bool:
    return parse(query, labels=LABELS, account="me@example.com", now=NOW).test(entry(**changes))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "eggs",
        "EGGS sugar",
        '"four eggs"',
        "creme",
        "brulee recipe",
        "見積書",
        "from:ann",
        "from:ann.lee@north.example",
        "from:(ann lee)",
        'from:"Ann Lee"',
        "to:me",
        "to:bob cc:bob",
        "subject:recipe",
        'subject:"new recipe"',
        "subject:(new recipe)",
        "in:inbox",
        "in:anywhere",
        "is:unread",
        "-is:read",
        "label:to-do-this-week",
        'label:"To do/This week"',
        "label:Label_1",
        "has:attachment",
        "has:userlabels",
        "filename:pdf",
        "filename:recipe.pdf",
        "newer_than:4d",
        "newer_than:1w older_than:2d",
        "after:2026/11/16",
        "after:2026-11-17 before:2026-11-18",
        "after:1763300000",
        "rfc822msgid:abc.1@north.example",
        "rfc822msgid:<abc.1@north.example>",
        "larger:10k smaller:1m",
        "from:nobody OR from:ann",
        "from:nobody OR from:ann subject:recipe",
        "{from:nobody from:ann}",
        "(from:nobody OR from:ann) -subject:invoice",
        "-(from:nobody eggs)",
        "-from:(nobody OR carl)",
        "from:(nobody OR ann)",
        "http://north.example OR eggs",
        "unknown:word OR eggs",
        "eggs )",
        "(eggs",
        "eggs OR",
    ],
)
def test_it_finds(query: str) -> None:
    assert finds(query)


@pytest.mark.parametrize(
    "query",
    [
        "egg",
        '"eggs four"',
        "bacon",
        "-eggs",
        '-"four eggs"',
        "from:bob",
        "from:me",
        "cc:ann",
        "subject:eggs",
        "in:sent",
        "in:archive",
        "is:read",
        "is:starred",
        "label:nothing",
        "-has:attachment",
        "has:nouserlabels",
        "filename:xlsx",
        "newer_than:2d",
        "older_than:4d",
        "before:2026/11/16",
        "after:2026/13/45",
        "newer_than:soon",
        "rfc822msgid:abc.1",
        "larger:1m",
        "category:promotions",
        "from:ann OR from:nobody subject:invoice",
        "{from:nobody subject:invoice}",
        "from:ann -(subject:recipe)",
    ],
)
def test_it_passes_over(query: str) -> None:
    assert not finds(query)


@pytest.mark.parametrize(
    ("query", "reaches"),
    [
        pytest.param("eggs", False, id="words"),
        pytest.param("in:inbox", False, id="inbox"),
        pytest.param("in:spam", True, id="spam"),
        pytest.param("-in:trash", True, id="not trash"),
        pytest.param("in:anywhere", True, id="anywhere"),
        pytest.param("label:spam", True, id="by label"),
    ],
)
def test_spam_and_trash_are_reached_only_by_name(query: str, reaches: bool) -> None:
    assert parse(query, labels=LABELS, account="me@example.com", now=NOW).reaches_hidden is reaches


@given(st.text(alphabet='ab:-"(){}| OR\tfrom:newer_than:1d', max_size=60))
def test_any_text_is_a_query(text: str) -> None:
    finds(text)


@pytest.mark.parametrize("text", ["(" * 60, "-" * 60, "from:" * 60, "{" * 60])
def test_a_query_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too deep"):
        finds(f"{text}x")
