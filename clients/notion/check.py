"""`connections check` for Notion, beyond the sign-in: data sources, and the property that holds keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients.check_line import CheckLine
from clients.notion.databases import KEY_PROPERTY

if TYPE_CHECKING:
    from clients.notion.service import NotionSettings

_VERSION = "2025-09-03"
"""The first API version with data sources."""
_SHOWN = 5


def look(settings: NotionSettings, http: httpx.Client, _now: object) -> Iterator[CheckLine]:
    """Yield (what, ok, sentence) for each finding; nothing if Notion does not answer, which other checks report."""
    answer = http.post(
        f"{settings.base_url.rstrip('/')}/v1/search",
        headers={"authorization": f"Bearer {settings.token.get_secret_value()}", "notion-version": _VERSION},
        json={"filter": {"property": "object", "value": "data_source"}, "page_size": 100},
    )
    try:
        found = [one for one in answer.json()["results"] if not one.get("in_trash")]
        sources = [(_title(one), str(one["parent"]["database_id"]), dict(one["properties"])) for one in found]
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    yield from _several(sources)
    yield from _keys(sources)


def _several(sources: list[tuple[str, str, dict[str, Any]]]) -> Iterator[CheckLine]:
    """Report databases with several data sources: a database id does not say which one is meant."""
    databases = [database for _, database, _ in sources]
    for database in sorted({one for one in databases if databases.count(one) > 1}):
        names = ", ".join(name for name, parent, _ in sources if parent == database)
        said = f"The database {database} has several data sources: {names}. Workflows must name the one to use."
        yield CheckLine("data sources", ok=True, text=said, is_note=True)


def _keys(sources: list[tuple[str, str, dict[str, Any]]]) -> Iterator[CheckLine]:
    kinds = {name: properties.get(KEY_PROPERTY, {}).get("type", "") for name, _, properties in sources}
    wrong = [name for name, kind in kinds.items() if kind not in ("", "rich_text")]
    lacking = [name for name, kind in kinds.items() if not kind]
    for name in wrong:
        said = f"The property {KEY_PROPERTY!r} of {name} is of type {kinds[name]}, and a text property is needed."
        yield CheckLine(
            "key property", ok=False, text=f"{said} Rename it in Notion; the right one is then added automatically."
        )
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        said = f"Not in {', '.join(lacking[:_SHOWN])}{more} yet: it is added when something is written there."
        yield CheckLine("key property", ok=True, text=said, is_note=True)
    elif sources and not wrong:
        yield CheckLine("key property", ok=True, text=f"Every database has the text property {KEY_PROPERTY!r}.")


def _title(source: dict[str, Any]) -> str:
    return "".join(str(part.get("plain_text", "")) for part in source.get("title") or []) or str(source["id"])
