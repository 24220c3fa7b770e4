"""OData's options as far as Outlook takes them: `$filter`, `$search`, `$orderby`, `$select`.

https://learn.microsoft.com/graph/query-parameters
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from demo.microsoft import graph_refused
from demo.outlook.mailbox import Record
from demo.service import Refused

Test = Callable[[Record], bool]
_TEXT = r"'((?:[^']|'')*)'"
_EQUALS = re.compile(rf"^(internetMessageId|conversationId|subject|parentFolderId) eq {_TEXT}$")
_TIME = re.compile(r"^receivedDateTime (ge|gt|le|lt) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$")
_FLAG = re.compile(r"^flag/flagStatus eq '(flagged|notFlagged|complete)'$")
_TRUTH = re.compile(r"^(isRead|isDraft|hasAttachments) eq (true|false)$")
_CATEGORY = re.compile(rf"^categories/any\((\w+):\s*\1 eq {_TEXT}\)$")
_PROPERTY = re.compile(
    rf"^singleValueExtendedProperties/any\((\w+):\s*\1/id eq {_TEXT} and \1/value eq {_TEXT}\)$", re.IGNORECASE
)
_NAMES = {"internetMessageId": "name", "conversationId": "threadId", "parentFolderId": "folder"}
_WORD = re.compile(r'(?:(\w+):)?(?:"([^"]*)"|(\S+))')


def found(records: list[Record], options: Mapping[str, str]) -> list[Record]:
    """Return the records that a list with these options has, newest first unless it is sorted."""
    filtered, searched, order = (options.get(f"${name}", "") for name in ("filter", "search", "orderby"))
    if searched:
        if filtered or order:
            what = "SearchWithFilter" if filtered else "SearchWithOrderBy"
            raise graph_refused(400, what, "The query parameter cannot be used together with '$search'.")
        return [one for one in records if _fits_words(one, searched)]
    terms = terms_of(filtered)
    name, _, direction = order.partition(" ")
    if name and name != "receivedDateTime":
        raise graph_refused(400, "ErrorInvalidProperty", f"The stand-in does not sort by {name}.")
    if name and terms and not terms[0].startswith(name):
        raise graph_refused(
            400, "InefficientFilter", "The restriction or sort order is too complex for this operation."
        )
    tests = [_test(term) for term in terms]
    chosen = [one for one in records if all(test(one) for test in tests)]
    return sorted(chosen, key=lambda one: one["received"], reverse=direction != "asc") if name else chosen


def terms_of(text: str) -> list[str]:
    """Split a filter at its outermost `and`."""
    terms, depth, is_text, start, place = [], 0, False, 0, 0
    while place < len(text):
        sign = text[place]
        is_text ^= sign == "'"
        depth += (sign == "(") - (sign == ")") if not is_text else 0
        if not is_text and depth == 0 and text[place : place + 5] == " and ":
            terms.append(text[start:place])
            start = place = place + 5
            continue
        place += 1
    return [one.strip() for one in [*terms, text[start:]] if one.strip()]


def selected(shown: dict[str, Any], select: str) -> dict[str, Any]:
    """Return the chosen properties; the id and what begins with `@` always stay."""
    wanted = {"id", *(one.strip() for one in select.split(","))} if select else set(shown)
    if unknown := wanted - set(shown):
        raise graph_refused(400, "BadRequest", f"Could not find a property named '{min(unknown)}' on type 'Message'.")
    return {name: value for name, value in shown.items() if name in wanted or name.startswith("@")}


def _test(term: str) -> Test:
    """Return how to evaluate one term; raises Refused 400."""
    if match := _EQUALS.match(term):
        name, value = _NAMES.get(match[1], match[1]), _text(match[2])
        return lambda one: (one["fields"]["subject"] if name == "subject" else one[name]) == value
    if match := _TIME.match(term):
        return _time_test(match[1], match[2])
    if match := _FLAG.match(term):
        return lambda one, wanted=match[1]: one["flag"] == wanted  # type: ignore[misc]
    if match := _TRUTH.match(term):
        name, is_true = match[1], match[2] == "true"
        return lambda one: bool(one["fields"]["filenames"] if name == "hasAttachments" else one[name]) is is_true
    if match := _CATEGORY.match(term):
        wanted = _text(match[2]).casefold()
        return lambda one: wanted in {each.casefold() for each in one["categories"]}
    if match := _PROPERTY.match(term):
        # The name is case-sensitive, the value is not.
        key, value = _text(match[2]), _text(match[3]).casefold()
        return lambda one: str(one["properties"].get(key, "")).casefold() == value
    raise _bad(f"Invalid filter clause: {term}")


def _time_test(operator: str, wanted: str) -> Test:
    tests: dict[str, Test] = {
        "ge": lambda one: one["received"] >= wanted,
        "gt": lambda one: one["received"] > wanted,
        "le": lambda one: one["received"] <= wanted,
        "lt": lambda one: one["received"] < wanted,
    }
    return tests[operator]


def _fits_words(record: Record, searched: str) -> bool:
    """Return whether a message fits words of Outlook's search: all of them, in any place or in the one they name."""
    if len(searched) < 2 or searched[0] != '"' or searched[-1] != '"':
        raise _bad("Syntax error: a search is written in quotation marks.")
    words = _WORD.findall(searched[1:-1].replace('\\"', '"'))
    return all(_fits_word(record, place.lower(), (phrase or word).lower()) for place, phrase, word in words)


def _fits_word(record: Record, place: str, word: str) -> bool:
    fields = record["fields"]
    if place == "hasattachments":
        return bool(fields["filenames"]) is (word == "true")
    if place == "category":
        return word in {one.lower() for one in record["categories"]}
    places = {
        "from": ("from",),
        "to": ("to",),
        "subject": ("subject",),
        "body": ("text",),
        "attachment": ("filenames",),
        "": ("from", "to", "subject", "text", "filenames"),
    }
    if place not in places:
        raise _bad(f"Syntax error: character ':' is not valid in {place}:{word}.")
    return any(word in str(fields[name]).lower() for name in places[place])


def _text(quoted: str) -> str:
    return quoted.replace("''", "'")


def _bad(said: str) -> Refused:
    return graph_refused(400, "BadRequest", said)
