"""Releases of a repository, and the tags they create."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, invalid, login, not_found, now, page, text
from demo.github.commits import find_commit
from demo.github.objects import BRANCH, Record, node_id, user
from demo.github.records import REPOSITORY, repository_of
from demo.service import Refused


def release(base: str, record: Record) -> Record:
    """Return a release."""
    name, tag = record["repository"], record["tag_name"]
    url = f"{base}/repos/{name}/releases/{record['id']}"
    kept = ("id", "tag_name", "target_commitish", "name", "body", "draft", "prerelease", "created_at", "published_at")
    return {
        "url": url,
        "html_url": f"{base}/{name}/releases/tag/{tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": None if record["draft"] else f"{base}/repos/{name}/tarball/{tag}",
        "zipball_url": None if record["draft"] else f"{base}/repos/{name}/zipball/{tag}",
        "node_id": node_id("RE", record["id"]),
        "author": user(base, record["user"]),
        "assets": [],
        **{key: record[key] for key in kept},
    }


def _releases(call: StandInCall) -> list[Record]:
    name = repository_of(call)["full_name"]
    return [each for each in call.store.all("github/releases") if each["repository"] == name][::-1]


def list_releases(call: StandInCall) -> StandInReply:
    """GET the releases, newest first, drafts included."""
    return page(call, _releases(call), lambda each: release(call.base, each))


def create_release(call: StandInCall) -> StandInReply:
    """POST a release; unless it is a draft, a missing tag is created."""
    name = repository_of(call)["full_name"]
    tag = str(text(call, "Release", "tag_name", longest=250))
    target, is_draft = str(call.body.get("target_commitish") or BRANCH), bool(call.body.get("draft"))
    if not is_draft and any(each["tag_name"] == tag and not each["draft"] for each in _releases(call)):
        raise invalid("Release", "tag_name", "already_exists")
    head = find_commit(call.store, name, target)
    if head is None:
        raise invalid("Release", "target_commitish", "invalid")
    if not is_draft and call.store.get("github/tags", f"{name}@{tag}") is None:
        call.store.put("github/tags", f"{name}@{tag}", {"repository": name, "tag": tag, "sha": head["sha"]})
    record: Record = {
        "id": 180_000_000 + call.store.next_number("github/id"),
        "repository": name,
        "tag_name": tag,
        "target_commitish": target,
        "name": text(call, "Release", "name", longest=250, needed=False),
        "body": text(call, "Release", "body", longest=2 * BODY_LENGTH, needed=False),
        "draft": is_draft,
        "prerelease": bool(call.body.get("prerelease")),
        "user": login(call.store),
        "created_at": now(),
        "published_at": None if is_draft else now(),
    }
    call.store.put("github/releases", str(record["id"]), record)
    shown = release(call.base, record)
    return StandInReply(shown, 201, {"location": shown["url"]})


def _release(call: StandInCall) -> Record:
    found = next((each for each in _releases(call) if str(each["id"]) == call.part("id")), None)
    if found is None:
        raise not_found()
    return found


def get_release(call: StandInCall) -> StandInReply:
    """GET one release."""
    return StandInReply(release(call.base, _release(call)))


def update_release(call: StandInCall) -> StandInReply:
    """PATCH name, body, prerelease."""
    record = _release(call)
    for key in ("name", "body"):
        if key in call.body:
            record[key] = text(call, "Release", key, longest=2 * BODY_LENGTH, needed=False)
    record["prerelease"] = bool(call.body.get("prerelease", record["prerelease"]))
    call.store.put("github/releases", str(record["id"]), record)
    return StandInReply(release(call.base, record))


def delete_release(call: StandInCall) -> StandInReply:
    """DELETE a release; its tag is kept."""
    call.store.delete("github/releases", str(_release(call)["id"]))
    return StandInReply(None, 204)


def dispatch_workflow(call: StandInCall) -> StandInReply:
    """POST: start the GitHub Actions workflow of a file in the main branch."""
    name, file = repository_of(call)["full_name"], call.part("workflow")
    ref = str(text(call, "Workflow", "ref", longest=250))
    head = find_commit(call.store, name, ref)
    known = find_commit(call.store, name, "")
    if known is None or f".github/workflows/{file}" not in known["tree"]:
        raise not_found()
    if head is None:
        raise Refused(422, f"No ref found for: {ref}")
    number = 21_000_000_000 + call.store.next_number("github/id")
    record = {"id": number, "repository": name, "workflow": file, "ref": ref, "inputs": call.body.get("inputs") or {}}
    call.store.put("github/workflow_runs", str(number), record)
    # Without this, a dispatch answers 204, and the client does not learn which run it has started.
    if not call.body.get("return_run_details"):
        return StandInReply(None, 204)
    run_url = f"{call.base}/repos/{name}/actions/runs/{number}"
    html_url = f"{call.base}/{name}/actions/runs/{number}"
    return StandInReply({"workflow_run_id": number, "run_url": run_url, "html_url": html_url})


_RELEASES = f"{REPOSITORY}/releases"
TABLE: Table = (
    ("GET", _RELEASES, list_releases),
    ("POST", _RELEASES, create_release),
    ("GET", f"{_RELEASES}/{{id:int}}", get_release),
    ("PATCH", f"{_RELEASES}/{{id:int}}", update_release),
    ("DELETE", f"{_RELEASES}/{{id:int}}", delete_release),
    ("POST", f"{REPOSITORY}/actions/workflows/{{workflow}}/dispatches", dispatch_workflow),
)
