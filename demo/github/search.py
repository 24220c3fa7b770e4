"""Issue search with an index that lags some seconds behind, as GitHub's does."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from typing import Any

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import invalid, page
from demo.github.objects import Record, issue
from demo.github.records import SEARCH_LAG_SECONDS


def search_issues(call: StandInCall) -> StandInReply:
    """GET /search/issues: words and the qualifiers repo, is, state, label, author, in; writes appear after 5 s."""
    query = call.query("q")
    if not query.strip():
        raise invalid("Search", "q", "missing")
    latest = time.time() - SEARCH_LAG_SECONDS
    seen = []
    for entry in call.store.all("github/search"):
        versions = [record for moment, record in entry["versions"] if moment <= latest]
        if versions and _fits(versions[-1], _terms(query)):
            seen.append(versions[-1])
    field = {"updated": "updated_at", "comments": "comments"}.get(call.query("sort"), "created_at")
    seen.sort(key=lambda each: (each[field], each["number"]), reverse=call.query("order", "desc") != "asc")

    def wrap(items: list[Any]) -> dict[str, Any]:
        return {
            "total_count": len(seen),
            "incomplete_results": False,
            "items": [{**each, "score": 1.0} for each in items],
            "search_type": "lexical",
        }

    return page(call, seen, lambda each: issue(call.base, call.store, each), wrap)


def _terms(query: str) -> list[str]:
    try:
        return shlex.split(query)
    except ValueError:
        # An open quotation mark; GitHub searches anyway.
        return query.replace('"', " ").split()


def _fits(record: Record, terms: list[str]) -> bool:
    haystack = f"{record['title']}\n{record['body'] or ''}".lower()
    pull = record.get("pull")
    kinds = {"pr", "pull-request"} if pull else {"issue"}
    states = {record["state"], *(["merged"] if pull and pull.get("merged_at") else ["unmerged"] if pull else [])}
    checks: dict[str, Callable[[str], bool]] = {
        "repo": lambda value: record["repository"].lower() == value,
        "is": lambda value: value in kinds | states,
        "type": lambda value: value in kinds,
        "state": lambda value: value == record["state"],
        "label": lambda value: value in {each.lower() for each in record["labels"]},
        "author": lambda value: value == record["user"].lower(),
        "in": lambda _: True,
    }
    for term in terms:
        name, colon, value = term.partition(":")
        if colon and name in checks:
            if not checks[name](value.lower()):
                return False
        elif term.lower() not in haystack:
            return False
    return True


TABLE: Table = (("GET", "/search/issues", search_issues),)
