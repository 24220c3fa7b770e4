"""Web pages at the addresses that the GitHub stand-in returns."""

from __future__ import annotations

import re
from collections.abc import Callable

from demo import page
from demo.call import StandInCall
from demo.github.call import not_found
from demo.github.commits import content_of, find_commit, history, whole_commit
from demo.github.objects import Record, page_of
from demo.github.pull_objects import files_of
from demo.github.records import issues_of, repository_of
from demo.markdown import from_markdown

SERVICE = "GitHub"
# Markers that programs leave at the end of a text; GitHub does not show them either.
COMMENTS_AT_END = re.compile(r"(?:\s*<!--(?:(?!-->).)*-->)+\s*\Z", re.DOTALL)


def _when(time: str) -> str:
    return time.replace("T", " ").removesuffix("Z") + " UTC"


def _head(name: str, title: str) -> str:
    path = page.link(f"/{name}", name)
    issues = page.link(f"/{name}/issues", "Issues")
    return f"<nav>{path} · {issues}</nav><h1>{page.escaped(title)}</h1>"


def _box(head: str, text: str | None) -> str:
    blocks = from_markdown(COMMENTS_AT_END.sub("", text or ""))
    body = page.blocks_html(blocks) or '<p class="faint">No description provided.</p>'
    return f'<div class="box"><div class="head">{page.escaped(head)}</div><div class="body">{body}</div></div>'


def _tags(names: list[str]) -> str:
    return " ".join(f'<span class="tag">{page.escaped(each)}</span>' for each in names)


def home(call: StandInCall) -> str:
    """Show the repositories."""
    rows = [
        [page.link(f"/{each['full_name']}", each["full_name"]), _visibility(each), page.escaped(each["description"])]
        for each in call.store.all("github/repositories")
    ]
    return page.frame("Repositories", "<h1>Repositories</h1>" + page.table(["Name", "", "About"], rows), SERVICE)


def _visibility(record: Record) -> str:
    return f'<span class="tag">{"Private" if record["private"] else "Public"}</span>'


def repository(call: StandInCall) -> str:
    """Show a repository: description, files, latest commits."""
    record = repository_of(call)
    name = record["full_name"]
    commits = history(call.store, name)
    files = [[page.link(f"/{name}/blob/main/{path}", path)] for path in sorted(commits[0]["tree"] if commits else {})]
    rows = [
        [
            page.link(f"/{name}/commit/{each['sha']}", each["message"].splitlines()[0]),
            page.escaped(each["login"]),
            page.escaped(_when(each["author"]["date"])),
        ]
        for each in commits[:40]
    ]
    body = f"{_head(name, name)}<p>{_visibility(record)} {page.escaped(record['description'])}</p>"
    body += f"<h2>Files</h2>{page.table([], files)}<h2>Commits</h2>{page.table(['Commit', 'By', 'When'], rows)}"
    return page.frame(name, body, SERVICE)


def issues(call: StandInCall) -> str:
    """Show the issues of a repository, open ones first."""
    name = repository_of(call)["full_name"]
    found = sorted(issues_of(call.store, name), key=lambda each: (each["state"] != "open", -each["number"]))
    rows = [
        [
            f"#{each['number']}",
            page.link(page_of("", each), each["title"]) + " " + _tags(each["labels"]),
            each["state"],
            str(each["comments"]),
        ]
        for each in found
    ]
    body = _head(name, "Issues") + page.table(["", "Title", "State", "Comments"], rows)
    return page.frame(f"Issues · {name}", body, SERVICE)


def issue(call: StandInCall) -> str:
    """Show an issue with its comments."""
    name = repository_of(call)["full_name"]
    record = call.store.get("github/issues", f"{name}#{call.part('number')}")
    if record is None:
        raise not_found()
    title = f"{record['title']} #{record['number']}"
    body = _head(name, title) + f'<p><span class="tag">{record["state"]}</span> {_tags(record["labels"])}</p>'
    body += _box(f"{record['user']} opened this on {_when(record['created_at'])}", record["body"])
    for each in call.store.all("github/comments"):
        if (each["repository"], each["issue"]) == (name, record["number"]):
            body += f'<div id="issuecomment-{each["id"]}">'
            body += _box(f"{each['user']} on {_when(each['created_at'])}", each["body"]) + "</div>"
    return page.frame(title, body, SERVICE)


def pull(call: StandInCall) -> str:
    """Show a pull request: text, comments, changes."""
    name = repository_of(call)["full_name"]
    record = call.store.get("github/issues", f"{name}#{call.part('number')}")
    if record is None or "pull" not in record:
        raise not_found()
    sides = record["pull"]
    state = "merged" if sides["merged_at"] else record["state"]
    changes = "".join(
        f"<h3>{page.escaped(each['filename'])}</h3><pre>{page.escaped(each['patch'])}</pre>"
        for each in files_of("", call.store, record)
    )
    where = f"<p>{page.escaped(sides['head'])} into {page.escaped(sides['base'])}: {state}</p>"
    return issue(call).replace("</body>", f"<h2>Changes</h2>{where}{changes}</body>")


def release(call: StandInCall) -> str:
    """Show a release with its notes."""
    name, tag = repository_of(call)["full_name"], call.part("tag")
    wanted = (name, tag)
    found = [each for each in call.store.all("github/releases") if (each["repository"], each["tag_name"]) == wanted]
    if not found:
        raise not_found()
    body = _head(name, found[-1]["name"] or tag) + _box(f"Release {tag}", found[-1]["body"])
    return page.frame(tag, body, SERVICE)


def commit(call: StandInCall) -> str:
    """Show a commit with its changes."""
    name = repository_of(call)["full_name"]
    record = find_commit(call.store, name, call.part("sha"))
    if record is None:
        raise not_found()
    subject, _, rest = record["message"].partition("\n")
    body = _head(name, subject) + f"<p>{page.escaped(rest.strip())}</p>"
    body += (
        f'<p class="faint">{page.escaped(record["login"])} · {_when(record["author"]["date"])} · {record["sha"]}</p>'
    )
    for each in whole_commit("", call.store, record)["files"]:
        body += f"<h3>{page.escaped(each['filename'])}</h3><pre>{page.escaped(each['patch'])}</pre>"
    return page.frame(subject, body, SERVICE)


def blob(call: StandInCall) -> str:
    """Show a file at a commit or branch."""
    name, path = repository_of(call)["full_name"], call.part("path")
    record = find_commit(call.store, name, call.part("reference"))
    if record is None or path not in record["tree"]:
        raise not_found()
    text = content_of(call.store, record["tree"][path]).decode("utf-8", "replace")
    return page.frame(path, f"{_head(name, path)}<pre>{page.escaped(text)}</pre>", SERVICE)


TABLE: tuple[tuple[str, Callable[[StandInCall], str]], ...] = (
    ("/", home),
    ("/{owner}/{name}/issues/{number:int}", issue),
    ("/{owner}/{name}/issues", issues),
    ("/{owner}/{name}/pull/{number:int}", pull),
    ("/{owner}/{name}/releases/tag/{tag}", release),
    ("/{owner}/{name}/commit/{sha}", commit),
    ("/{owner}/{name}/blob/{reference}/{path:path}", blob),
    ("/{owner}/{name}", repository),
)
