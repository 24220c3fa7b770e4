"""Says what is wrong after the power went: the real engine opens what is left, goes on, and is asked what it knows."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assurance.faults.power.disk import put
from assurance.faults.power.recording import Recording, Sent, hash_of
from assurance.faults.power.scene import OWNER, WORKFLOW, WORKSPACE, hash_of_answer
from assurance.faults.power.states import State
from assurance.semantics.service import ScriptedService
from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from engine.connections.sign_ins import VaultSeal
from engine.orchestra import Orchestra

_SECONDS = 30.0
_NOT_WHOLE = re.compile(r"(^|/)(\.(?!orchestra/)|state\.db)|\.lock$|/owners/|/writes\.list$|(^|/)feed\.jsonl$")
"""Files that need not be whole: drafts, locks, SQLite's, of which SQLite makes something whole, the list of writes, of
which each whole line counts: it tells nothing that the state does not know as long as that is there; and the feed, to
which another program appends."""
Facts = Mapping[str, Mapping[str, Any]]


@dataclass
class Second:
    """The second life of a workspace: what is left of it, the engine on it, and what was promised in its first."""

    root: Path
    orchestra: Orchestra
    facts: Facts


def wrongs(recording: Recording, state: State, folder: Path, service: ScriptedService) -> list[str]:
    """Return everything that is wrong in a state, each as a line; `folder` must not be there yet."""
    place = f"{recording.name}, power gone at {state.at}, lost: {state.lost}"
    return [f"{place}: {one}" for one in _wrongs(recording, state, folder, service)]


def _wrongs(recording: Recording, state: State, folder: Path, service: ScriptedService) -> Iterator[str]:
    put(state.tree, folder)
    root, facts = folder / WORKSPACE, promised(recording, state.at)
    yield from _torn(recording, state)
    if not root.is_dir() or not (root / "config.yaml").exists():
        if facts:
            yield f"the workspace is gone, and with it {list(facts)}"
        return
    before = [one for one in recording.sent if one.at <= state.at]
    _remember(service, before)
    if any(fact["fact"] == "is damaged" for fact in facts.values()):
        Orchestra.set_aside_damaged_state(root)
    try:
        orchestra = Orchestra.open(root, serve=state.at % 4 == 0)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
        yield f"it does not open: {error!r}"
        return
    second = Second(root, orchestra, facts)
    try:
        yield from _ended(second, before)
        yield from _kept(second)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
        yield f"it breaks down: {error!r}"
    finally:
        orchestra.close()
    yield from _repeated(before, service)
    with closing(sqlite3.connect(root / ".orchestra" / "state.db")) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        if found != [("ok",)]:
            yield f"the state file is broken: {found}"


def promised(recording: Recording, at: int) -> Facts:
    """Return what holds at a moment, by key."""
    facts: dict[str, Mapping[str, Any]] = {}
    for told in recording.told:
        if told.at <= at and told.what["told"] == "holds":
            facts[told.what["key"]] = told.what
        elif told.at <= at and told.what["told"] == "void":
            facts.pop(told.what["key"], None)
    return facts


def _torn(recording: Recording, state: State) -> Iterator[str]:
    """A file that has its name is as it was at some time: never half, never empty."""
    for path, content in state.tree.items():
        place = path.partition("/")[2]
        if content is not None and not _NOT_WHOLE.search(place) and hash_of(content) not in recording.whole:
            yield f"{path} is torn: {len(content)} bytes, {content[:40]!r}"


# --- runs


def _ended(second: Second, before: list[Sent]) -> Iterator[str]:
    """Let every run go on to its end, and answer as a person would for writes of which nobody knows."""
    runs, sent = second.orchestra.runs, {one.path for one in before}
    runs.resume_all(OWNER)
    wanted = {fact["id"]: fact for fact in second.facts.values() if fact["fact"] == "run"}
    known = {row.run_id for row in runs.list(OWNER, limit=200).rows}
    for run_id in sorted(known | set(wanted)):
        if run_id not in known:
            yield f"run {run_id} is lost"
            continue
        run = runs.wait(OWNER, run_id, _SECONDS)
        for step in _in_doubt(run):
            is_there = urlsplit(step["arguments"]["url"]).path in sent
            runs.resume(OWNER, run_id, as_done=is_there, redo=not is_there, step=step["path"])
            run = runs.wait(OWNER, run_id, _SECONDS)
        ends = wanted.get(run_id, {}).get("ends", "succeeded")
        if run["status"] not in ends.split("|"):
            yield f"run {run_id} ended as {run['status']} instead of {ends}: {run['error']}"


def _in_doubt(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the steps of which only a person can say whether they were done."""
    return [step for step in run["steps"] if (step["error"] or {}).get("outcome") == "unknown" and not step["output"]]


def _remember(service: ScriptedService, before: list[Sent]) -> None:
    """Let the service have received everything that was sent."""
    service.reset()
    service.remember({one.marker: one.path for one in before if one.marker})


def _repeated(before: list[Sent], service: ScriptedService) -> Iterator[str]:
    """No step is run again once a later one of its lane was asked; no write is made twice."""
    last: dict[str, str] = {}
    for one in before:
        lane, _, letter = one.path.rpartition("/")
        if not lane.endswith("/find"):
            last[lane] = max(last.get(lane, ""), letter)
    for path in sorted(service.asked):
        lane, _, letter = path.rpartition("/")
        if letter < last.get(lane, ""):
            yield f"{path} was asked again, although {last[lane]} had been"
    made = Counter(service.made)
    made.update({one.path for one in before if one.method == "POST"})
    yield from (f"{path} was made {count} times" for path, count in made.items() if count > 1)


# --- what else was promised


def _kept(second: Second) -> Iterator[str]:
    for key, fact in second.facts.items():
        try:
            wrong = _FACTS[fact["fact"]](second, fact)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
            wrong = repr(error)
        if wrong:
            yield f"{key}: {wrong}"


def _answer(second: Second, fact: Mapping[str, Any]) -> str:
    found = hash_of_answer(second.orchestra, fact["call"], fact["arguments"])
    return "" if found == fact["hash"] else "another answer"


def _file(second: Second, fact: Mapping[str, Any]) -> str:
    path = second.root / fact["path"]
    if not path.is_file():
        return "is gone"
    return "" if hashlib.sha256(path.read_bytes()).hexdigest() == fact["hash"] else "another text"


def _run(_second: Second, _fact: Mapping[str, Any]) -> str:
    """Checked with all other runs."""
    return ""


def _no_run(second: Second, fact: Mapping[str, Any]) -> str:
    rows = second.orchestra.runs.list(OWNER, limit=200).rows
    return "is in the list" if fact["id"] in {row.run_id for row in rows} else ""


def _same_run(second: Second, fact: Mapping[str, Any]) -> str:
    run_id = second.orchestra.runs.start(OWNER, WORKFLOW, {"lane": "a", "text": ""}, request_key=fact["request_key"])
    return "" if run_id == fact["id"] else f"another run: {run_id}"


def _undone(second: Second, fact: Mapping[str, Any]) -> str:
    report = second.orchestra.runs.undoable(OWNER, fact["id"])
    return "can be undone again" if report.undone else ""


def _gone(second: Second, fact: Mapping[str, Any]) -> str:
    return "is back" if (second.root / fact["path"]).exists() else ""


def _somewhere(second: Second, fact: Mapping[str, Any]) -> str:
    files = [path for path in second.root.rglob("*.json") if "versions" not in str(path)]
    return "" if any(path.read_text() == fact["text"] for path in files) else "is nowhere"


def _renamed_whole(second: Second, fact: Mapping[str, Any]) -> str:
    """Once the rename was repeated, if it was cut short, the caller calls the new name and no saved version is lost."""
    workflows = second.orchestra.workflows
    if fact["old"] in workflows.names(OWNER):
        workflows.rename(OWNER, fact["old"], fact["new"])
    if f'"workflow": "{fact["new"]}"' not in workflows.get(OWNER, fact["caller"]).text:
        return "is still called by its old name"
    return "" if len(second.orchestra.versions.list(OWNER, fact["new"])) >= fact["versions"] else "lost saved versions"


def _written_once(second: Second, fact: Mapping[str, Any]) -> str:
    """The workflow is there under one of its names; another run of it finds what was written."""
    found = [name for name in fact["workflows"] if (second.root / "workflows" / f"{name}.json").exists()]
    if len(found) != 1:
        return f"there is {found}"
    run_id = second.orchestra.runs.start(OWNER, found[0], {"lane": "a"})
    run: Any = second.orchestra.runs.wait(OWNER, run_id, _SECONDS)
    if run["status"] != "succeeded":
        return f"another run ended as {run['status']}"
    return "" if run["steps"][0]["effect"]["reused"] else "was written once more"


def _opens(_second: Second, _fact: Mapping[str, Any]) -> str:
    """It has been opened already."""
    return ""


def _password(second: Second, fact: Mapping[str, Any]) -> str:
    return "" if second.orchestra.users.login(fact["user"], fact["password"]) else "is not good"


def _used_link(second: Second, fact: Mapping[str, Any]) -> str:
    return "is good once more" if second.orchestra.users.redeem(fact["link"]) else ""


def _secret(second: Second, fact: Mapping[str, Any]) -> str:
    return "" if second.orchestra.connections._vault.kept(fact["name"]).value == fact["value"] else "another value"


def _sign_in(second: Second, fact: Mapping[str, Any]) -> str:
    vault = second.orchestra.connections._vault
    info = SignInFile(vault.folder / "gmail.sign-in.json", GMAIL_APP, VaultSeal(lambda: vault)).read()
    return "" if info["refresh_token"] == fact["token"] else f"is {info['refresh_token']}"


def _audit(second: Second, fact: Mapping[str, Any]) -> str:
    lines = [line for line in second.orchestra.audit(OWNER) if line.action == fact["action"]]
    return "" if len(lines) >= fact["least"] else f"{len(lines)} lines"


def _is_on(second: Second, fact: Mapping[str, Any]) -> str:
    status = second.orchestra.triggers.status(OWNER, fact["workflow"], fact["trigger"])
    return "" if status.is_on == fact["is_on"] else f"is {status.is_on}"


def _mode(second: Second, fact: Mapping[str, Any]) -> str:
    """Only a server goes by it."""
    mode = second.orchestra._families.opened.settings.get(f"mode.{fact['service']}")
    return "" if mode == fact["mode"] else f"is {mode}"


def _things(second: Second, fact: Mapping[str, Any]) -> str:
    """After one more look, each thing has started one run."""
    second.orchestra.triggers.poll(OWNER, WORKFLOW)
    started: Counter[str] = Counter()
    for row in second.orchestra.runs.list(OWNER, limit=200).rows:
        run: Any = second.orchestra.runs.wait(OWNER, row.run_id, _SECONDS)
        started[run["trigger"]["item"]] += 1
    is_right = set(fact["ids"]) <= set(started) and set(started.values()) <= {1}
    return "" if is_right else f"runs: {dict(started)}"


_FACTS: dict[str, Callable[[Second, Mapping[str, Any]], str]] = {
    "answer": _answer,
    "audit": _audit,
    "file": _file,
    "gone": _gone,
    "is damaged": _opens,
    "is on": _is_on,
    "mode": _mode,
    "no run": _no_run,
    "opens": _opens,
    "password": _password,
    "run": _run,
    "same run": _same_run,
    "secret": _secret,
    "sign-in": _sign_in,
    "somewhere": _somewhere,
    "things": _things,
    "undone": _undone,
    "used link": _used_link,
    "renamed whole": _renamed_whole,
    "written once": _written_once,
}
