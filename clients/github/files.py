"""Files of a GitHub repository: read as text, and committed after a check of the version they replace."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.github.transport import SERVICE, raw
from clients.github.values import given, text_of, utc
from clients.listing import Json

if TYPE_CHECKING:
    from github.Repository import Repository

TRAILER = "Orchestra-Key"
"""The trailer of a commit message that identifies the write that made the commit."""


def read_file(repository: Repository, path: str, ref: str) -> Json:
    """Read a text file: {path, text, sha, url}; raises InvalidRequest for a folder or a binary file."""
    data = file_entry(repository, path, ref)
    content = data["content"]
    if data.get("encoding") == "none":  # over 1 MB, only the blob has the content
        content = raw(repository.get_git_blob(data["sha"]).complete())["content"]
    return {
        "path": path,
        "text": text_of(content, path),
        "sha": str(data["sha"]),
        "url": str(data["html_url"]),
    }


def write_file(
    repository: Repository, path: str, content: bytes, message: str, branch: str, sha: str | None, marker: str
) -> Json:
    """Commit a file (see `GitHubClient.put_file`)."""
    if sha is None:
        present = present_file(repository, path, branch)
        sha = str(present["sha"]) if present else ""
        if present and sha == blob_sha(content):
            return {"path": path, "sha": sha, "commit": "", "url": str(present["html_url"]), "changed": False}
    if marker:
        message = f"{message}\n\n{TRAILER}: {marker}"
    asked = given(branch=branch or None)
    whole: Any = content  # GitHub accepts bytes, although the SDK's types allow only text
    with sha_is_conflict(path):
        made: Mapping[str, Any] = (
            repository.update_file(path, message, whole, sha, **asked)
            if sha
            else repository.create_file(path, message, whole, **asked)
        )
    return _committed(path, raw(made["content"]), raw(made["commit"]))


def find_commit(repository: Repository, path: str, branch: str, marker: str, since: datetime) -> Json | None:
    """Find the commit that carries the marker, and return what `write_file` returned for it."""
    for commit in repository.get_commits(path=path, since=utc(since), **given(sha=branch or None)):
        data = raw(commit)
        if f"{TRAILER}: {marker}" in data["commit"]["message"]:
            return _committed(path, file_entry(repository, path, data["sha"]), data)
    return None


def remove_file(repository: Repository, path: str, message: str, branch: str, sha: str, marker: str) -> Json:
    """Delete a file by a commit (see `GitHubClient.delete_file`)."""
    sha = sha or str(file_entry(repository, path, branch)["sha"])
    if marker:
        message = f"{message}\n\n{TRAILER}: {marker}"
    with sha_is_conflict(path):
        made: Mapping[str, Any] = repository.delete_file(path, message, sha, **given(branch=branch or None))
    return _removed(path, raw(made["commit"]))


def find_removal(repository: Repository, path: str, branch: str, marker: str, since: datetime) -> Json | None:
    """Find the commit with this marker that deleted a file."""
    for commit in repository.get_commits(path=path, since=utc(since), **given(sha=branch or None)):
        if f"{TRAILER}: {marker}" in raw(commit)["commit"]["message"]:
            return _removed(path, raw(commit))
    return None


def read_content(repository: Repository, path: str, ref: str) -> Json:
    """Return the file or folder at a path: {path, kind: file|folder, sha, url, content: bytes|None, entries}."""
    found = repository.get_contents(path, **given(ref=ref or None))
    if isinstance(found, list):
        entries = [raw(each) for each in found]
        shown = [
            {"path": each["path"], "kind": _kind(each), "sha": each["sha"], "size": each["size"]} for each in entries
        ]
        return {"path": path, "kind": "folder", "sha": "", "url": "", "content": None, "entries": shown}
    data = raw(found)
    if data.get("type", "file") != "file":
        raise InvalidRequest(f"{path} is a link or a submodule, not a file.", service=SERVICE)
    about = {"path": path, "kind": "file", "sha": str(data["sha"]), "url": str(data["html_url"])}
    return {**about, "content": bytes_of(repository, data), "entries": []}


def _kind(entry: Mapping[str, Any]) -> str:
    return "folder" if entry["type"] == "dir" else str(entry["type"])


def bytes_of(repository: Repository, entry: Mapping[str, Any]) -> bytes:
    """Return the content of a file entry; over 1 MB it is fetched from the blob."""
    content = entry["content"]
    if entry.get("encoding") == "none":
        content = raw(repository.get_git_blob(entry["sha"]).complete())["content"]
    return base64.b64decode(content)


def _removed(path: str, commit: Mapping[str, Any]) -> Json:
    kept = {"commit": str(commit["sha"]), "url": str(commit["html_url"]), "changed": True}
    return {"path": path, "sha": "", **kept}


def blob_sha(content: bytes) -> str:
    """Return git's blob id of a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def file_entry(repository: Repository, path: str, ref: str) -> Json:
    """Return GitHub's description of a file; `ref` is a branch or commit. Raises NotFound, InvalidRequest."""
    found = repository.get_contents(path, **given(ref=ref or None))
    if isinstance(found, list) or raw(found).get("type", "file") != "file":
        raise InvalidRequest(f"{path} is a folder or a link, not a file.", service=SERVICE)
    return raw(found)


def present_file(repository: Repository, path: str, branch: str) -> Json | None:
    """Return GitHub's description of a file, or None if it does not exist."""
    try:
        return file_entry(repository, path, branch)
    except NotFound:
        return None


def _committed(path: str, file: Mapping[str, Any], commit: Mapping[str, Any]) -> Json:
    return {
        "path": path,
        "sha": str(file["sha"]),
        "commit": str(commit["sha"]),
        "url": str(commit["html_url"]),
        "changed": True,
    }


@contextlib.contextmanager
def sha_is_conflict(path: str) -> Iterator[None]:
    """Raise Conflict for a 422 `"sha" wasn't supplied`: somebody has created the file in the meantime."""
    try:
        yield
    except InvalidRequest as error:
        if error.http_status == 422 and '"sha"' in error.message:
            raise Conflict(
                f"{path} was changed in the meantime: {error.message}", service=SERVICE, http_status=422
            ) from error
        raise
