"""The workspace: the token's user, and the search over everything shared with it."""

from __future__ import annotations

from demo import rich_text
from demo.call import StandInCall, StandInReply, Table
from demo.notion.call import Record, as_id, invalid, not_found, own_id, page_of
from demo.notion.databases import shown_source
from demo.notion.objects import shown_page, title_of
from demo.notion.people import shown_people
from demo.store import Store


def bot(store: Store) -> Record:
    """Return the integration's own user, with its workspace."""
    return {
        "object": "user",
        "id": own_id(store, "bot"),
        "name": "Demo",
        "avatar_url": None,
        "type": "bot",
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_id": own_id(store, "workspace"),
            "workspace_name": f"demo-{store.generation}",
            # 5 MiB, as in free workspaces.
            "workspace_limits": {"max_file_upload_size_in_bytes": 5_242_880},
        },
    }


def get_own_user(call: StandInCall) -> StandInReply:
    """GET /v1/users/me."""
    return StandInReply(bot(call.store))


def get_user(call: StandInCall) -> StandInReply:
    """GET /v1/users/{id}."""
    some_id = as_id(call.part("id"), "path.user_id")
    found = next((each for each in _users(call.store) if each["id"] == some_id), None)
    if found is None:
        raise not_found("user", some_id)
    return StandInReply(found)


def _users(store: Store) -> list[Record]:
    return [*shown_people(store), bot(store)]


def list_users(call: StandInCall) -> StandInReply:
    """GET /v1/users."""
    return page_of(_users(call.store), dict(call.request.query_params), "user", dict)


def search(call: StandInCall) -> StandInReply:
    """POST /v1/search: pages and data sources whose title contains the query, last edited first."""
    query = str(call.body.get("query") or "").lower()
    condition = call.body.get("filter") or {}
    kind = condition.get("value")
    if condition and (condition.get("property") != "object" or kind not in {"page", "data_source"}):
        raise invalid("body failed validation: body.filter.value should be `page` or `data_source`.")
    pages = [(each, title_of(each)) for each in call.store.all("notion/pages") if kind != "data_source"]
    sources = call.store.all("notion/data_sources") if kind != "page" else []
    titled = [*pages, *((each, rich_text.text_of(each["title"])) for each in sources)]
    found = [each for each, title in titled if query in title.lower() and not each["in_trash"]]
    newest_first = (call.body.get("sort") or {}).get("direction") != "ascending"
    found.sort(key=lambda each: str(each["last_edited_time"]), reverse=newest_first)

    def render(each: Record) -> Record:
        shown = shown_source if "properties" in each else shown_page
        return shown(call.store, call.base, each)

    return page_of(found, call.body, "page_or_data_source", render)


TABLE: Table = (
    ("GET", "/v1/users/me", get_own_user),
    ("GET", "/v1/users", list_users),
    ("GET", "/v1/users/{id}", get_user),
    ("POST", "/v1/search", search),
)
