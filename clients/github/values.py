"""GitHub's objects as workflows see them: plain dicts, without this program's hidden marker."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from clients.errors import InvalidRequest
from clients.listing import Json

_REPOSITORY = re.compile(r"(?:https?://[^/]+/)?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+?)(?:\.git)?/?")
_API_PATH = re.compile(r"(?:/[A-Za-z0-9_.~%:@!$&'()*+,;=-]+)+")
# The match must start at the first of the blanks: a body of blanks would otherwise take quadratic time.
_MARKER = re.compile(r"(?<!\s)\s*+<!-- orchestra:[0-9A-Za-z]+ -->\s*\Z")


def repository_name(text: str) -> str:
    """Parse `owner/name`, also from a repository's web address; raises InvalidRequest."""
    match = _REPOSITORY.fullmatch(text.strip())
    if not match or {".", ".."} & set(match.groups()):
        raise InvalidRequest(
            f"{text!r} is not a repository.", service="github", remedy="Write it as owner/name, e.g. acme/app."
        )
    return f"{match[1]}/{match[2]}"


def file_path(text: str) -> str:
    """Parse a path inside a repository; raises InvalidRequest if it leads outside."""
    path = text.strip().strip("/")
    if not path or {"", ".", ".."} & set(path.split("/")):
        raise InvalidRequest(
            f"{text!r} is not a path of a file.", service="github", remedy="Write it as docs/notes.md."
        )
    return path


def api_path(text: str) -> str:
    """Parse a path of the REST API, such as /repos/acme/app/topics; raises InvalidRequest if it leads elsewhere."""
    path = text.strip()
    if not _API_PATH.fullmatch(path) or {".", ".."} & set(unquote(path).split("/")):  # `%2e%2e`, too
        raise InvalidRequest(
            f"{text!r} is not a path of GitHub's REST API.",
            service="github",
            remedy="Write it as /repos/acme/app/topics, without a host; what comes after a ? goes into `query`.",
        )
    return path


def marked(text: str, marker: str) -> str:
    """Append the hidden marker that lets a step find its text again; without a marker, return the text unchanged."""
    return f"{text}\n\n{marker_of(marker)}" if marker else text


def marker_of(marker: str) -> str:
    """Return the hidden comment at the end of a marked body."""
    return f"<!-- orchestra:{marker} -->"


def unmarked(text: str) -> str:
    """Return the text without the hidden marker at its end, with normalized line ends."""
    return _MARKER.sub("", text).replace("\r\n", "\n")


def mark_in(text: str) -> str:
    """Return the hidden marker at the end of a text, with the blanks before it, or "".

    A marker means that this program wrote the text, here or elsewhere.
    """
    found = _MARKER.search(text)
    return found.group() if found else ""


def written(issue: Mapping[str, Any]) -> Json:
    """Return an issue as its creating step outputs it: {id, number, url, title, state}."""
    return {
        "id": int(issue["id"]),
        "number": int(issue["number"]),
        "url": str(issue["html_url"]),
        "title": str(issue["title"]),
        "state": str(issue["state"]),
    }


def issue(found: Mapping[str, Any]) -> Json:
    """Return an issue in full; the body without our marker, times as RFC 3339."""
    return {
        **written(found),
        "body": _MARKER.sub("", found.get("body") or ""),
        **_people(found),
        "comment_count": int(found.get("comments") or 0),
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "closed_at": found.get("closed_at"),
    }


def _people(found: Mapping[str, Any]) -> Json:
    """Return the fields that issues and pull requests share: {labels, assignees, author}."""
    return {
        "labels": [label["name"] if isinstance(label, dict) else str(label) for label in found.get("labels") or []],
        "assignees": [user["login"] for user in found.get("assignees") or []],
        "author": (found.get("user") or {}).get("login", ""),
    }


def is_pull(found: Mapping[str, Any]) -> bool:
    """Return whether an issue object is a pull request, which this key tells (REST API, Issues)."""
    return "pull_request" in found


def found_issue(found: Mapping[str, Any]) -> Json:
    """Return a search result: an issue with its repository, and whether it is a pull request."""
    name = "/".join(str(found["repository_url"]).rsplit("/", 2)[-2:])
    return {**issue(found), "repository": name, "is_pull": is_pull(found)}


def opened_pull(found: Mapping[str, Any]) -> Json:
    """Return a pull request as its creating step outputs it: {id, number, url, title, state, head, base, draft}."""
    return {
        **written(found),
        "head": str(found["head"]["ref"]),
        "base": str(found["base"]["ref"]),
        "draft": bool(found.get("draft")),
    }


def pull(found: Mapping[str, Any]) -> Json:
    """Return a pull request as it appears in lists."""
    return {
        **opened_pull(found),
        "body": _MARKER.sub("", found.get("body") or ""),
        **_people(found),
        "reviewers": [user["login"] for user in found.get("requested_reviewers") or []],
        "head_sha": str(found["head"]["sha"]),
        **{name: found.get(name) for name in ("created_at", "updated_at", "closed_at", "merged_at")},
    }


def whole_pull(found: Mapping[str, Any]) -> Json:
    """Return a pull request in full; `mergeable` is None while GitHub computes it."""
    counts = {
        "commit_count": "commits",
        "comment_count": "comments",
        "additions": "additions",
        "deletions": "deletions",
    }
    return {
        **pull(found),
        "merged": bool(found["merged"]),
        "mergeable": found.get("mergeable"),
        **{name: int(found[key]) for name, key in counts.items()},
    }


def changes(files: Sequence[Mapping[str, Any]], characters: int, count: int) -> Json:
    """Return the changed files: {files [{path, status, additions, deletions, patch}], file_count, is_cut}.

    `characters` limits the patches in total; `is_cut` tells that files or parts of patches are left out.
    """
    shown, left = [], characters
    for each in files:
        patch = str(each.get("patch") or "")
        shown.append(
            {
                "path": str(each["filename"]),
                "status": str(each["status"]),
                "additions": int(each["additions"]),
                "deletions": int(each["deletions"]),
                "patch": patch[:left],
            }
        )
        left -= min(left, len(patch))
    whole = sum(len(each.get("patch") or "") for each in files)
    is_cut = len(files) < count or whole > characters or any(map(_lacks_patch, files))
    return {"files": shown, "file_count": int(count), "is_cut": is_cut}


def _lacks_patch(file: Mapping[str, Any]) -> bool:
    """Return whether GitHub omitted the patch, as it does for large ones."""
    return not file.get("patch") and bool(file["additions"] or file["deletions"])


def review(found: Mapping[str, Any]) -> Json:
    """Return a review as its step outputs it: {id, url, state}."""
    return {"id": int(found["id"]), "url": str(found["html_url"]), "state": str(found["state"])}


def merged(found: Mapping[str, Any], sha: str, *, changed: bool) -> Json:
    """Return a merged pull request: {number, url, merged, sha, changed}."""
    url, number = str(found["html_url"]), int(found["number"])
    return {"number": number, "url": url, "merged": True, "sha": str(sha), "changed": changed}


def branch(found: Mapping[str, Any]) -> Json:
    """Return a branch as it appears in lists: {name, sha, protected}."""
    return {"name": str(found["name"]), "sha": str(found["commit"]["sha"]), "protected": bool(found["protected"])}


def new_branch(repository: Mapping[str, Any], name: str, sha: str) -> Json:
    """Return a branch as its creating step outputs it: {name, sha, url}."""
    return {"name": name, "sha": str(sha), "url": f"{repository['html_url']}/tree/{name}"}


def made_release(found: Mapping[str, Any]) -> Json:
    """Return a release as its creating step outputs it: {id, tag, url, draft}."""
    kept = {"tag": str(found["tag_name"]), "url": str(found["html_url"]), "draft": bool(found["draft"])}
    return {"id": int(found["id"]), **kept}


def release(found: Mapping[str, Any]) -> Json:
    """Return a release in full; the body without our marker."""
    return {
        **made_release(found),
        "title": str(found.get("name") or ""),
        "body": _MARKER.sub("", found.get("body") or ""),
        "prerelease": bool(found["prerelease"]),
        "author": (found.get("author") or {}).get("login", ""),
        "created_at": str(found["created_at"]),
        "published_at": found.get("published_at"),
    }


def comment(found: Mapping[str, Any]) -> Json:
    """Return a comment as its creating step outputs it: {id, url}."""
    return {"id": int(found["id"]), "url": str(found["html_url"])}


def placed_comment(found: Mapping[str, Any]) -> Json:
    """Return a comment on a line as its creating step outputs it: {id, url, path, line, commit}."""
    place = {"path": str(found["path"]), "line": found.get("line"), "commit": str(found["commit_id"])}
    return {**comment(found), **place}


def review_requests(found: Mapping[str, Any]) -> Json:
    """Return a pull request and whose review is requested: {id, number, url, title, reviewers, teams}."""
    return {
        **{name: value for name, value in written(found).items() if name != "state"},
        "reviewers": [user["login"] for user in found.get("requested_reviewers") or []],
        "teams": [team["slug"] for team in found.get("requested_teams") or []],
    }


def whole_comment(found: Mapping[str, Any]) -> Json:
    """Return a comment in full: {id, url, body, author, created_at, updated_at}; the body without our marker."""
    return {
        **comment(found),
        "body": _MARKER.sub("", found.get("body") or ""),
        "author": (found.get("user") or {}).get("login", ""),
        "created_at": str(found["created_at"]),
        "updated_at": str(found["updated_at"]),
    }


def review_comment(found: Mapping[str, Any]) -> Json:
    """Return a comment on a line of a pull request; `line` is None where the change no longer has that line."""
    return {
        **whole_comment(found),
        "path": str(found["path"]),
        "line": found.get("line"),
        "side": str(found.get("side") or ""),
        "commit": str(found["commit_id"]),
        "patch": str(found.get("diff_hunk") or ""),
        "in_reply_to": found.get("in_reply_to_id"),
    }


def commit(found: Mapping[str, Any]) -> Json:
    """Return a commit: {sha, message, author, date, url}; author is the login, or git's author name."""
    inner = found["commit"]
    author = inner.get("author") or {}
    return {
        "sha": str(found["sha"]),
        "message": str(inner["message"]),
        "author": (found.get("author") or {}).get("login") or author.get("name", ""),
        "date": author.get("date", ""),
        "url": str(found["html_url"]),
    }


def repository(found: Mapping[str, Any]) -> Json:
    """Return a repository: {full_name, private, url, can_write}."""
    permissions = found.get("permissions") or {}
    return {
        "full_name": str(found["full_name"]),
        "private": bool(found["private"]),
        "url": str(found["html_url"]),
        "can_write": bool(permissions.get("push")),
    }


def text_of(content: str, path: str) -> str:
    """Decode a file's base64 to text; raises InvalidRequest if it is not UTF-8."""
    try:
        return base64.b64decode(content).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} is not a text file (UTF-8).", service="github") from error


def given(**values: Any) -> Json:
    """Drop None values: PyGithub distinguishes "not set" from None."""
    return {name: value for name, value in values.items() if value is not None}


def utc(moment: datetime | None) -> Any:
    """Convert a time to UTC: PyGithub writes the wall-clock time as UTC, regardless of its zone."""
    return moment.astimezone(UTC) if moment else None
