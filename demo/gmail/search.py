"""Gmail's search language: parsed into a predicate on mails.

Source of the rules: https://support.google.com/mail/answer/7190. OR binds tighter than the blank between two words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Entry = Mapping[str, Any]
"""Searched fields: labels, from, to, cc, bcc, subject, text, filenames, message_id, list_id, date_ms, size_bytes."""
Test = Callable[[Entry], bool]

SPAN = re.compile(r"^(\d{1,6})([hdwmy])$")
DAYS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}
DATE = re.compile(r"^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$")
SIZE = re.compile(r"^(\d+)([kmKM]?)[bB]?$")
PLACES = {
    "inbox": "INBOX",
    "sent": "SENT",
    "draft": "DRAFT",
    "drafts": "DRAFT",
    "trash": "TRASH",
    "bin": "TRASH",
    "spam": "SPAM",
    "junk": "SPAM",
    "starred": "STARRED",
    "unread": "UNREAD",
    "important": "IMPORTANT",
    "chats": "CHAT",
}
HIDDEN = frozenset({"SPAM", "TRASH"})
# Far below Python's limit for recursion: three calls a level.
MAX_DEPTH = 50


@dataclass(frozen=True)
class MailQuery:
    """A parsed search; `reaches_hidden`: it names spam or trash, which are excluded otherwise."""

    test: Test
    reaches_hidden: bool


@dataclass
class Parser:
    """A recursive-descent parser. `labels` maps ids to names, `account` is what "me" means."""

    tokens: list[str]
    labels: Mapping[str, str]
    account: str
    now: datetime
    reaches_hidden: bool = False
    place: int = 0
    depth: int = field(default=0)

    def every(self, end: str, operator: str = "") -> Test:
        """Parse all terms up to `end`; `operator` is the field that applies to a group in brackets."""
        tests: list[Test] = []
        while self.place < len(self.tokens) and self.tokens[self.place] != end:
            tests.append(self.either(operator))
        self.place += 1
        return lambda entry: all(test(entry) for test in tests)

    def either(self, operator: str) -> Test:
        """Parse one term, or several joined by OR."""
        tests = [self.term(operator)]
        while self.peek() in {"OR", "|"}:
            self.place += 1
            if self.place < len(self.tokens):
                tests.append(self.term(operator))
        return tests[0] if len(tests) == 1 else lambda entry: any(test(entry) for test in tests)

    def term(self, operator: str) -> Test:
        """Parse one word, phrase, field or group; raises ValueError if they are nested too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("the query is nested too deep")
        test = self.one(operator) if self.peek() else lambda _: True
        self.depth -= 1
        return test

    def one(self, operator: str) -> Test:
        """Parse the next token."""
        word = self.tokens[self.place]
        self.place += 1
        if word in {"(", "{"}:
            return self.every(")", operator) if word == "(" else self.any_of(operator)
        if word.startswith("-"):
            if word != "-":
                self.place -= 1
                self.tokens[self.place] = word[1:]
            return _negated(self.term(operator))
        if word.endswith(":") and word[:-1].lower() in FIELDS and self.peek() not in {"", ")", "}", "OR"}:
            return self.term(word[:-1].lower())
        if operator:
            return FIELDS[operator](self, _unquoted(word))
        return word_test(("from", "to", "cc", "subject", "text", "filenames"), _unquoted(word))

    def any_of(self, operator: str) -> Test:
        """Parse {...}, which matches if any of its terms does."""
        tests: list[Test] = []
        while self.peek() not in {"", "}"}:
            tests.append(self.term(operator))
        self.place += 1
        return lambda entry: any(test(entry) for test in tests)

    def peek(self) -> str:
        """Return the next token, or "" at the end."""
        return self.tokens[self.place] if self.place < len(self.tokens) else ""


def parse(query: str, *, labels: Mapping[str, str], account: str, now: datetime) -> MailQuery:
    """Parse a query. Unknown fields are searched as words; raises ValueError for too deep a nesting."""
    tokens = [match.group().rstrip() for match in TOKEN.finditer(query)]
    parser = Parser(_without_stray_brackets(tokens), labels, account, now)
    test = parser.every("")
    return MailQuery(test, parser.reaches_hidden)


def _without_stray_brackets(tokens: Sequence[str]) -> list[str]:
    """Drop closing brackets without an opening one."""
    kept: list[str] = []
    depth = 0
    for token in tokens:
        if token in {")", "}"}:
            if depth == 0:
                continue
            depth -= 1
        elif token in {"(", "{"}:
            depth += 1
        kept.append(token)
    return kept


def words(text: str) -> list[str]:
    """Split text into words as the index does: lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in plain if not unicodedata.combining(each))
    return re.findall(r"\w+", bare.replace("_", " "))


def word_test(fields: Sequence[str], phrase: str) -> Test:
    """Return a test for the words of a phrase, in sequence, in one of the fields.

    Whole words only; in scripts written without spaces any run of letters matches.
    """
    wanted = words(phrase)
    # Chinese, Japanese and Thai have no spaces, so a whole sentence is one word; Korean joins particles to words.
    unspaced = bool(re.search(r"[぀-ヿ一-鿿가-힯฀-๿]", phrase))

    def found_in(text: str) -> bool:
        if unspaced:
            return "".join(wanted) in "".join(words(text))
        return f" {' '.join(wanted)} " in f" {' '.join(words(text))} "

    return lambda entry: not wanted or any(found_in(str(entry[name])) for name in fields)


def _unquoted(token: str) -> str:
    return token.strip('"')


def _negated(test: Test) -> Test:
    return lambda entry: not test(entry)


def _address_test(name: str) -> Callable[[Parser, str], Test]:
    def build(parser: Parser, value: str) -> Test:
        return word_test((name,), parser.account if value.lower() == "me" else value)

    return build


def _text_test(*names: str) -> Callable[[Parser, str], Test]:
    return lambda _, value: word_test(names, value)


def _place(parser: Parser, value: str) -> Test:
    """Parse `in:`: a system label, a user label, or anywhere."""
    wanted = value.lower()
    if wanted in {"anywhere", "all"}:
        parser.reaches_hidden = parser.reaches_hidden or wanted == "anywhere"
        return lambda _: True
    if wanted in {"archive", "archived"}:
        away = {"INBOX", "SENT", "DRAFT", *HIDDEN}
        return lambda entry: not away & set(entry["labels"])
    return _label(parser, value)


def _label(parser: Parser, value: str) -> Test:
    """Parse `label:` and `in:` with a label's name; its blanks and slashes may be written as hyphens."""
    label_id = PLACES.get(value.lower()) or _label_id(parser.labels, value)
    if label_id in HIDDEN:
        parser.reaches_hidden = True
    return lambda entry: label_id in entry["labels"]


def _label_id(labels: Mapping[str, str], value: str) -> str:
    def plain(name: str) -> str:
        return re.sub(r"[\s/_]+", "-", name.casefold())

    found = (each for each, name in labels.items() if plain(value) in {plain(name), plain(each)})
    return next(found, "")


def _state(parser: Parser, value: str) -> Test:
    """Parse `is:`: a read state, or a system label."""
    if value.lower() == "read":
        return lambda entry: "UNREAD" not in entry["labels"]
    return _label(parser, value)


def _has(_: Parser, value: str) -> Test:
    """Parse `has:`: attachment, userlabels, nouserlabels."""
    tests: dict[str, Test] = {
        "attachment": lambda entry: bool(entry["filenames"]),
        "userlabels": lambda entry: any(each.startswith("Label_") for each in entry["labels"]),
        "nouserlabels": lambda entry: not any(each.startswith("Label_") for each in entry["labels"]),
    }
    return tests.get(value.lower(), lambda _: False)


def _moment(value: str) -> float | None:
    """Return a day (yyyy/mm/dd, UTC) or seconds since 1970, in milliseconds."""
    if match := DATE.match(value):
        try:
            year, month, day = (int(each) for each in match.groups())
            return datetime(year, month, day, tzinfo=UTC).timestamp() * 1000
        except ValueError:
            return None
    # Seconds since 1970, as https://developers.google.com/workspace/gmail/api/guides/filtering recommends.
    return float(value) * 1000 if value.isdecimal() and len(value) <= 12 else None


def _after(_: Parser, value: str) -> Test:
    moment = _moment(value)
    return lambda entry: moment is not None and entry["date_ms"] >= moment


def _before(_: Parser, value: str) -> Test:
    moment = _moment(value)
    return lambda entry: moment is not None and entry["date_ms"] < moment


def _span(parser: Parser, value: str) -> float | None:
    """Return the time a span such as 2d, 3m or 1y ago, in milliseconds."""
    match = SPAN.match(value.lower())
    if match is None:
        return None
    back = min(int(match.group(1)) * DAYS[match.group(2)], 36_500)
    return (parser.now - timedelta(days=back)).timestamp() * 1000


def _newer_than(parser: Parser, value: str) -> Test:
    moment = _span(parser, value)
    return lambda entry: moment is not None and entry["date_ms"] >= moment


def _older_than(parser: Parser, value: str) -> Test:
    moment = _span(parser, value)
    return lambda entry: moment is not None and entry["date_ms"] < moment


def _message_id(_: Parser, value: str) -> Test:
    wanted = value.strip("<>")
    return lambda entry: bool(wanted) and str(entry["message_id"]).strip("<>") == wanted


def _bytes(value: str) -> float:
    match = SIZE.match(value)
    return int(match.group(1)) * {"": 1, "k": 1024, "m": 1024**2}[match.group(2).lower()] if match else float("inf")


FIELDS: Mapping[str, Callable[[Parser, str], Test]] = {
    "from": _address_test("from"),
    "to": _address_test("to"),
    "cc": _address_test("cc"),
    "bcc": _address_test("bcc"),
    "deliveredto": _address_test("to"),
    "subject": _text_test("subject"),
    "filename": _text_test("filenames"),
    "list": _text_test("list_id"),
    "in": _place,
    "is": _state,
    "label": _label,
    "category": lambda parser, value: _label(parser, f"CATEGORY_{value.upper()}"),
    "has": _has,
    "after": _after,
    "newer": _after,
    "before": _before,
    "older": _before,
    "newer_than": _newer_than,
    "older_than": _older_than,
    "rfc822msgid": _message_id,
    "larger": lambda _, value: lambda entry: entry["size_bytes"] > _bytes(value),
    "size": lambda _, value: lambda entry: entry["size_bytes"] > _bytes(value),
    "smaller": lambda _, value: lambda entry: entry["size_bytes"] < _bytes(value),
}

# A field name, a phrase, a bracket, a minus before a bracket, or a word, including unknown field names.
TOKEN = re.compile(rf'-?\b(?:{"|".join(FIELDS)}):|-?"[^"]*"?|[(){{}}]|-(?=[({{])|[^\s(){{}}]+', re.IGNORECASE)
