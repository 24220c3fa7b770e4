"""Filters and sorts of `POST /v1/data_sources/{id}/query`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.notion import schema as notion_schema
from demo.notion import values as notion_values
from demo.notion.call import Record, invalid
from demo.store import Store

TEXT_TYPES = {"title", "rich_text", "url", "email", "phone_number"}
TIMES = {"created_time", "last_edited_time"}
# https://developers.notion.com/reference/filter-data-source-entries (compound filters)
DEEPEST = 2
Test = Callable[[Any, Any], bool]
TEXT_TESTS: dict[str, Test] = {
    "equals": lambda text, wanted: text == wanted,
    "does_not_equal": lambda text, wanted: text != wanted,
    "contains": lambda text, wanted: wanted.lower() in text.lower(),
    "does_not_contain": lambda text, wanted: wanted.lower() not in text.lower(),
    "starts_with": lambda text, wanted: text.lower().startswith(wanted.lower()),
    "ends_with": lambda text, wanted: text.lower().endswith(wanted.lower()),
}
NUMBER_TESTS: dict[str, Test] = {
    "equals": lambda number, wanted: number == wanted,
    "does_not_equal": lambda number, wanted: number != wanted,
    "greater_than": lambda number, wanted: number is not None and number > wanted,
    "less_than": lambda number, wanted: number is not None and number < wanted,
    "greater_than_or_equal_to": lambda number, wanted: number is not None and number >= wanted,
    "less_than_or_equal_to": lambda number, wanted: number is not None and number <= wanted,
}
OPTION_TESTS: dict[str, Test] = {
    "equals": lambda name, wanted: name == wanted,
    "does_not_equal": lambda name, wanted: name != wanted,
}
LIST_TESTS: dict[str, Test] = {
    "contains": lambda names, wanted: wanted in names,
    "does_not_contain": lambda names, wanted: wanted not in names,
}
DATE_TESTS: dict[str, Test] = {
    "equals": lambda day, wanted: day is not None and day[: len(wanted)] == wanted,
    # A time on the wanted day is longer than the day and so counts as later, never as before it.
    "before": lambda day, wanted: day is not None and day < wanted,
    "after": lambda day, wanted: day is not None and day[: len(wanted)] > wanted,
    "on_or_before": lambda day, wanted: day is not None and day[: len(wanted)] <= wanted,
    "on_or_after": lambda day, wanted: day is not None and day >= wanted,
}
# Days from today to the other end of the span.
SPANS = {"past_week": -7, "past_month": -30, "past_year": -365, "next_week": 7, "next_month": 30, "next_year": 365}


def fits(store: Store, properties: list[Record], page: Record, condition: Record, depth: int = 0) -> bool:
    """Return whether a page matches a filter; raises Refused 400 for a filter that Notion would reject."""
    if not isinstance(condition, dict):
        raise invalid("body failed validation: body.filter should be an object.")
    for word, decide in (("and", all), ("or", any)):
        if word in condition:
            if depth >= DEEPEST:
                raise invalid("body failed validation: body.filter is nested more than two levels deep.")
            # Every part is evaluated, so that an invalid one is always reported.
            return decide([fits(store, properties, page, each, depth + 1) for each in condition[word]])
    if "timestamp" in condition:
        kind = condition["timestamp"]
        if kind not in TIMES or kind not in condition:
            raise invalid(
                "body failed validation: body.filter.timestamp should be `created_time` or `last_edited_time`."
            )
        return _time_fits(page[kind], condition[kind])
    here = _property(properties, condition.get("property"))
    if here["type"] not in condition:
        given = next((key for key in condition if key not in {"property", "type"}), "nothing")
        raise invalid(f"database property {here['type']} does not match filter {given}")
    return _property_fits(here["type"], notion_values.raw(store, here, page), condition[here["type"]])


def _property(properties: list[Record], name: Any) -> Record:
    here = notion_schema.find(properties, str(name))
    if here is None:
        raise invalid(f"Could not find property with name or id: {name}")
    return here


def _property_fits(kind: str, value: Any, condition: Any) -> bool:
    if kind in TEXT_TYPES:
        return _test(TEXT_TESTS, notion_values.as_text(kind, value), condition)
    if kind in {"select", "status"}:
        return _test(OPTION_TESTS, value["name"] if value else None, condition)
    if kind == "multi_select":
        return _test(LIST_TESTS, [each["name"] for each in value], condition)
    if kind in {"people", "relation", "files"}:
        return _test(LIST_TESTS, [each.get("id") for each in value], condition)
    if kind == "date":
        return _test(DATE_TESTS, value["start"] if value else None, condition)
    if kind in TIMES:
        return _time_fits(value, condition)
    return _test(OPTION_TESTS if kind == "checkbox" else NUMBER_TESTS, value, condition)


def _time_fits(moment: str, condition: Any) -> bool:
    """Return whether a page's time meets a condition, whose times may have any offset."""
    if isinstance(condition, dict):
        condition = {name: _in_utc(wanted) for name, wanted in condition.items()}
    return _test(DATE_TESTS, moment[:19], condition)


def _in_utc(wanted: Any) -> Any:
    """Return a time as pages store it; a day, or an invalid value, is returned unchanged."""
    if not isinstance(wanted, str) or "T" not in wanted:
        return wanted
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        raise invalid(f"body failed validation: body.filter has {wanted!r}, which is not an ISO 8601 date.") from None
    at = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def _test(tests: dict[str, Test], value: Any, condition: Any) -> bool:
    if not isinstance(condition, dict) or not condition:
        raise invalid("body failed validation: a filter's condition should be an object.")
    return all(_one(tests, value, name, wanted) for name, wanted in condition.items())


def _one(tests: dict[str, Test], value: Any, name: str, wanted: Any) -> bool:
    if name == "is_empty":
        return value in (None, "", [])
    if name == "is_not_empty":
        return value not in (None, "", [])
    if tests is DATE_TESTS and name in SPANS:
        today = datetime.now(UTC)
        ends = sorted(each.strftime("%Y-%m-%d") for each in (today, today + timedelta(days=SPANS[name])))
        return value is not None and ends[0] <= value[:10] <= ends[1]
    if name not in tests:
        raise invalid(f"body failed validation: body.filter has the unknown condition `{name}`.")
    return tests[name](value, wanted)


def ordered(store: Store, properties: list[Record], pages: list[Record], sorts: Any) -> list[Record]:
    """Return pages in the order of `sorts`, the first being the primary; by default newest first."""
    result = sorted(pages, key=lambda page: page["created_time"], reverse=True)
    for sort in reversed(sorts or []):
        result.sort(key=_key(store, properties, sort), reverse=sort.get("direction") == "descending")
    return result


def _key(store: Store, properties: list[Record], sort: Record) -> Callable[[Record], Any]:
    if sort.get("timestamp") in TIMES:
        kind = sort["timestamp"]
        return lambda page: page[kind]
    here = _property(properties, sort.get("property"))
    kind = here["type"]
    if kind in {"select", "status"}:
        places = [each["name"] for each in here["config"]["options"]]
        return lambda page: _place(places, notion_values.raw(store, here, page))
    if kind in {"number", "checkbox"}:
        return lambda page: notion_values.raw(store, here, page) or 0
    return lambda page: notion_values.as_text(kind, notion_values.raw(store, here, page)).lower()


def _place(names: list[str], value: Record | None) -> int:
    # Notion sorts options by their place in the schema, and empty values last.
    return names.index(value["name"]) if value else len(names)
