"""Files: read at any commit, and written by commits that name the content they replace."""

from __future__ import annotations

import base64
import binascii

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, login, not_found, now, text
from demo.github.commits import content_of, find_commit, git_commit, head_sha, new_commit
from demo.github.objects import BRANCH, Record, tree_sha
from demo.github.records import REPOSITORY, repository_of
from demo.service import Refused
from demo.store import Store


def _entry(base: str, name: str, path: str, sha: str, reference: str, *, size: int, kind: str) -> Record:
    """Return the fields that file and folder entries share; `kind` is file or dir."""
    url = f"{base}/repos/{name}/contents/{path}?ref={reference}"
    git_url = f"{base}/repos/{name}/git/{'blobs' if kind == 'file' else 'trees'}/{sha}"
    html_url = f"{base}/{name}/{'blob' if kind == 'file' else 'tree'}/{reference}/{path}"
    return {
        "type": kind,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": sha,
        "size": size,
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{base}/{name}/raw/{reference}/{path}" if kind == "file" else None,
        "_links": {"self": url, "git": git_url, "html": html_url},
    }


def file_entry(base: str, store: Store, name: str, path: str, sha: str, reference: str) -> Record:
    """Return a file without its content."""
    return _entry(base, name, path, sha, reference, size=len(content_of(store, sha)), kind="file")


def get_contents(call: StandInCall) -> StandInReply:
    """GET a file with its content in base64, or a folder's entries."""
    name, path = repository_of(call)["full_name"], call.part("path").strip("/")
    reference = call.query("ref") or BRANCH
    head = find_commit(call.store, name, reference)
    if head is None:
        raise Refused(404, f"No commit found for the ref {reference}")
    tree: dict[str, str] = head["tree"]
    if path in tree:
        content = content_of(call.store, tree[path])
        entry = file_entry(call.base, call.store, name, path, tree[path], reference)
        # With line ends, as GitHub sends it: strict decoders must remove them first.
        return StandInReply({**entry, "encoding": "base64", "content": base64.encodebytes(content).decode()})
    entries = _folder(call, name, path, tree, reference)
    if not entries:
        raise not_found()
    return StandInReply(entries)


def _folder(call: StandInCall, name: str, path: str, tree: dict[str, str], reference: str) -> list[Record]:
    prefix = f"{path}/" if path else ""
    inside = [each for each in sorted(tree) if each.startswith(prefix)]
    entries: dict[str, Record] = {}
    for each in inside:
        child, slash, _ = each[len(prefix) :].partition("/")
        whole = prefix + child
        if slash:
            below = {path: sha for path, sha in tree.items() if path.startswith(f"{whole}/")}
            entries[whole] = _entry(call.base, name, whole, tree_sha(below), reference, size=0, kind="dir")
        else:
            entries[whole] = file_entry(call.base, call.store, name, whole, tree[each], reference)
    return list(entries.values())


def _base64(call: StandInCall) -> bytes:
    """Return the new content of a file; raises Refused 422."""
    given = text(call, "Content", "content", longest=100_000_000, needed="content" not in call.body)
    try:
        return base64.b64decode("".join(str(given or "").split()), validate=True)
    except binascii.Error as error:
        raise Refused(422, "content is not valid Base64") from error


def _writable(call: StandInCall) -> tuple[str, str, str, dict[str, str]]:
    """Return repository, path, branch and current files; raises Refused 404 for an unknown branch."""
    name, path = repository_of(call)["full_name"], call.part("path").strip("/")
    branch = str(call.body.get("branch") or BRANCH)
    head = call.store.get("github/commits", f"{name}@{head_sha(call.store, name, branch)}")
    if head is None and branch != BRANCH:
        raise Refused(404, f"Branch {branch} not found")
    return name, path, branch, head["tree"] if head else {}


def _check_sha(call: StandInCall, path: str, current: str | None) -> None:
    """Require the sha of the content that is replaced (GitHub's guard against lost updates).

    https://docs.github.com/rest/repos/contents#create-or-update-file-contents
    """
    given = call.body.get("sha")
    if current is not None and not given:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if given and given != current:
        raise Refused(409, f"{path} does not match {given}")


def person(call: StandInCall) -> Record:
    """Return the author of a commit: {login, name, email}."""
    own = login(call.store)
    given = call.body.get("author") or call.body.get("committer") or {}
    return {"login": own, "name": given.get("name", own), "email": given.get("email", f"{own}@example.com")}


def put_contents(call: StandInCall) -> StandInReply:
    """PUT a file: one commit; 409 if `sha` is not the file's, 422 if it is missing for an existing file."""
    name, path, branch, tree = _writable(call)
    message = str(text(call, "Commit", "message", longest=BODY_LENGTH))
    content = _base64(call)
    _check_sha(call, path, tree.get(path))
    record = new_commit(call.store, name, {path: content}, message, person(call), now(), branch)
    entry = file_entry(call.base, call.store, name, path, record["tree"][path], branch)
    status = 200 if path in tree else 201
    return StandInReply({"content": entry, "commit": git_commit(call.base, record)}, status)


def delete_contents(call: StandInCall) -> StandInReply:
    """DELETE a file: one commit."""
    name, path, branch, tree = _writable(call)
    if path not in tree:
        raise not_found()
    message = str(text(call, "Commit", "message", longest=BODY_LENGTH))
    _check_sha(call, path, tree[path])
    record = new_commit(call.store, name, {path: None}, message, person(call), now(), branch)
    return StandInReply({"content": None, "commit": git_commit(call.base, record)})


TABLE: Table = (
    ("GET", f"{REPOSITORY}/contents", get_contents),
    ("GET", f"{REPOSITORY}/contents/{{path:path}}", get_contents),
    ("PUT", f"{REPOSITORY}/contents/{{path:path}}", put_contents),
    ("DELETE", f"{REPOSITORY}/contents/{{path:path}}", delete_contents),
)
