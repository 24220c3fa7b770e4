"""Jobs that write to the steps' stores and services, killed at a write: what is there is counted afterwards."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count, pairwise, product
from pathlib import Path
from typing import Any

import httpx

from assurance.kill.storm import Storm, storm
from clients.mcp.service import OfferedTool
from engine.base.checkout import CHECKOUT

POINTS = ("before effect", "after effect", "after record")
_SECONDS = 1.0
"""About as long as a job takes."""
_numbers = count(1)
_NAME = "job {{ inputs.n }}"
_EVENT = {"title": _NAME, "starts": "2026-12-01T10:00", "attendees": ["{{ inputs.n }}@example.com"]}
_SHEET = {"spreadsheet": "demo-invoices-2026", "sheet": "Customers"}
_DOCUMENT = {"id": _NAME, "text": f"This is the text of {_NAME}. " * 20}
_LETTER = {"to": "ann@example.org", "text": "Hello"}
DRIVES = {"webdav": "files", "s3": "objects", "dropbox": "entries", "onedrive": "items", "google_drive": "files"}
"""What the stand-in of each drive calls its files."""
_UPLOAD = {"file": "{{ steps.source.output.file }}", "folder": "Attachments", "name": f"{_NAME}.txt"}
FAMILIES: Mapping[str, Sequence[tuple[str, str, dict[str, Any]]]] = {
    "files": [
        ("text", "file.write", {"path": "kill/{{ inputs.n }}.txt", "text": _NAME}),
        ("pack", "file.archive", {"files": ["{{ steps.text.output.path }}"], "name": "all.zip"}),
        ("zip", "file.write", {"path": "kill/{{ inputs.n }}.zip", "file": "{{ steps.pack.output.file }}"}),
    ],
    "rows": [
        ("row", "store.upsert", {"table": "kills", "key": _NAME, "value": {"n": "{{ inputs.n }}"}}),
        ("old", "store.upsert", {"table": "kills", "key": f"old {_NAME}", "value": {"n": 0}}),
        ("gone", "store.delete", {"table": "kills", "key": f"old {_NAME}"}),
    ],
    "documents": [
        ("document", "rag.index", {"collection": "kills", "documents": [_DOCUMENT]}),
        ("old", "rag.index", {"collection": "kills", "documents": [{**_DOCUMENT, "id": f"old {_NAME}"}]}),
        ("gone", "rag.delete", {"collection": "kills", "documents": [f"old {_NAME}"]}),
    ],
    "messages": [
        ("slack", "slack.send_message", {"channel": "C0GENERAL1", "text": _NAME}),
        ("discord", "discord.send_message", {"channel": "100000000000000012", "text": _NAME}),
        ("telegram", "telegram.send_message", {"chat": "4001", "text": _NAME}),
        ("webhook", "discord.send_message", {"text": f"hook {_NAME}"}),
    ],
    "events": [
        ("event", "google_calendar.create_event", {**_EVENT, "invitations": "all"}),
        (
            "moved",
            "google_calendar.update_event",
            {"event": "{{ steps.event.output.id }}", "location": "Room {{ inputs.n }}", "invitations": "all"},
        ),
        ("old", "google_calendar.create_event", {**_EVENT, "title": f"old {_NAME}"}),
        ("gone", "google_calendar.delete_event", {"event": "{{ steps.old.output.id }}", "invitations": "all"}),
    ],
    "sheets": [
        ("row", "google_sheets.append_row", {**_SHEET, "values": {"Name": _NAME, "Plan": "Free"}}),
        (
            "changed",
            "google_sheets.update_row",
            {**_SHEET, "key_column": "Name", "key": _NAME, "values": {"Plan": "Team"}},
        ),
    ],
    "mails": [
        ("draft", "outlook.create_draft", {**_LETTER, "subject": _NAME}),
        ("sent", "outlook.send", {**_LETTER, "subject": f"sent {_NAME}"}),
        ("label", "outlook.add_labels", {"message": "{{ steps.draft.output.id }}", "labels": [_NAME]}),
        ("moved", "outlook.move", {"message": "{{ steps.sent.output.id }}", "folder": "archive"}),
    ],
    "tools": [("note", "mcp.crm.add_note", {"customer": "C-1001", "text": _NAME})],
    "drives": [
        ("source", "drive.download", {"file": "Welcome.txt"}),
        *((drive, "drive.upload", _UPLOAD) for drive in DRIVES),
    ],
}
_READS = ("file.archive", "drive.download")
WRITES = {name: sum(uses not in _READS for _, uses, _ in steps) for name, steps in FAMILIES.items()}
_UNFINDABLE = ("telegram", "webhook", "note")
_CONNECTIONS = {"discord": "discord", "webhook": "hook", "source": "webdav", **{one: one for one in DRIVES}}
"""The connection of each step whose service has several here."""
_SERVICES = ("slack", "telegram", "discord", "google_calendar", "google_sheets", "outlook", *DRIVES)


@dataclass
class Killed:
    """A job that was killed, and what it took to end it well."""

    n: int
    asked: list[str] = field(default_factory=list)
    """The step about which a person was asked, each time."""
    status: str = ""


class Steps:
    """A workspace with a job for each family."""

    def __init__(self, place: Storm) -> None:
        self.place, self.root = place, place.place.root
        self._connect()
        for family, steps in FAMILIES.items():
            place.write(family, _workflow(steps))

    def kill(self, family: str, point: str, time_of_it: int, **more: Any) -> Killed:
        """Let a job kill itself when it comes to a point for the n-th time, and go on with it to its end."""
        return self._killed(family, {"signal_at": (point, time_of_it, "SIGKILL")}, None, more)

    def kill_after(self, family: str, seconds: float) -> Killed:
        """Kill a job some time after it was accepted, and go on with it to its end."""
        return self._killed(family, {}, seconds, {})

    def _killed(self, family: str, how: dict[str, Any], seconds: float | None, more: dict[str, Any]) -> Killed:
        killed = Killed(next(_numbers))
        job = self.place.fork("run", workflow=family, inputs=[{"n": killed.n}], **how, **more)
        assert job.said() == "go"
        run_id = job.said() or self._newest()  # killed before it could say it
        if seconds is not None:
            time.sleep(seconds)
            job.signal(signal.SIGKILL)
        while job.said():
            pass
        job.close()
        self.place.resume_all(**more)
        while (status := self.place.ended(run_id)) == "failed" and len(killed.asked) < 3:
            killed.asked.append(self.place.log(run_id)["error"]["step"])
            is_there = {**self.messages(killed.n), "note": self.notes(killed.n)}.get(killed.asked[-1], 0) > 0
            self.place.resume(run_id, answer="as_done" if is_there else "redo", **more)
        killed.status = status
        return killed

    def _newest(self) -> str:
        return str(self.place.query("SELECT run_id FROM runs ORDER BY rowid DESC LIMIT 1")[0][0])

    def wrong(self, family: str, killed: Killed) -> list[str]:
        """Return everything that is wrong after a kill."""
        found = [] if killed.status == "succeeded" else [f"it {killed.status}"]
        if len(killed.asked) > (1 if family in {"messages", "tools"} else 0):
            found.append(f"a person was asked about {killed.asked}")
        found += [f"a person was asked about {one}, which can be found" for one in set(killed.asked) - {*_UNFINDABLE}]
        return [f"{family} {killed.n}: {one}" for one in (*found, *getattr(self, f"_{family}")(killed.n))]

    def _files(self, n: int) -> Iterator[str]:
        places = [one for one in self.root.rglob(f"{n}.txt") if one.parent.name == "kill"]
        if [one.read_text() for one in places] != [f"job {n}"]:
            yield f"text files: {[one.read_text() for one in places]}"
        for archive in (one for one in self.root.rglob(f"{n}.zip") if one.parent.name == "kill"):
            with zipfile.ZipFile(archive) as opened:
                if [opened.read(one) for one in opened.namelist()] != [f"job {n}".encode()]:
                    yield f"archive: {opened.namelist()}"
        left = [str(one) for one in self.root.rglob("kill/*") if one.suffix not in (".txt", ".zip")]
        if left:
            yield f"left behind: {left}"

    def _rows(self, n: int) -> Iterator[str]:
        keys = self._keys("tables.db", "SELECT key FROM rows WHERE key LIKE ?", f"%job {n}")
        if keys != [f"job {n}"]:
            yield f"rows: {keys}"

    def _documents(self, n: int) -> Iterator[str]:
        keys = self._keys("collection-kills.db", "SELECT id FROM documents WHERE id LIKE ?", f"%job {n}")
        if keys != [f"job {n}"]:
            yield f"documents: {keys}"

    def _keys(self, name: str, statement: str, *values: Any) -> list[str]:
        (path,) = self.root.rglob(name)
        with closing(sqlite3.connect(path)) as connection:
            return [str(one) for (one,) in connection.execute(statement, values)]

    def messages(self, n: int) -> Mapping[str, int]:
        """Return how often each message of a job is there."""
        held = {one: self.place.place.held(one)["messages"] for one in ("slack", "discord", "telegram")}
        texts = {one: [str(each.get("text") or each.get("content")) for each in held[one]] for one in held}
        found = {one: texts[one].count(f"job {n}") for one in held}
        return {**found, "webhook": texts["discord"].count(f"hook job {n}")}

    def notes(self, n: int) -> int:
        """Return how often the note of a job was added by a tool of an MCP server."""
        return [one["text"] for one in self.place.place.held("mcp")["notes"]].count(f"job {n}")

    def _tools(self, n: int) -> Iterator[str]:
        if (times := self.notes(n)) != 1:
            yield f"{times} x note"

    def _messages(self, n: int) -> Iterator[str]:
        yield from (f"{times} x {name}" for name, times in self.messages(n).items() if times != 1)

    def _mails(self, n: int) -> Iterator[str]:
        held = self.place.place.held("outlook")
        drafts = [one["categories"] for one in held["drafts"] if one["subject"] == f"job {n}"]
        if drafts != [[f"job {n}"]]:
            yield f"{len(drafts)} x draft, with {drafts}"
        archive = next(one["id"] for one in held["folders"] if one["displayName"] == "Archive")
        every = [*held["sent"], *held["messages"], *held["drafts"]]
        sent = [one["parentFolderId"] for one in every if one["subject"] == f"sent job {n}"]
        if sent != [archive]:
            yield f"{len(sent)} x sent"

    def _events(self, n: int) -> Iterator[str]:
        held = self.place.place.held("google_calendar")
        events = [one.get("location") for one in held["events"] if one.get("summary", "").endswith(f"job {n}")]
        if events != [f"Room {n}"]:
            yield f"{len(events)} x event, at {events}"
        mails = Counter(one["status"] for one in held["mails"] if one["to"] == f"{n}@example.com")
        if mails != {"confirmed": 2, "cancelled": 1}:
            yield f"mails of one that was made, changed and deleted: {dict(mails)}"

    def _sheets(self, n: int) -> Iterator[str]:
        book, endpoint = _SHEET["spreadsheet"], self.place.place.endpoints["google_sheets"]
        rows = self.place.place.held("google_sheets")["spreadsheets"][book][_SHEET["sheet"]]
        mine = {number: row for number, row in enumerate(rows) if row[0] == f"job {n}"}
        if [row[2] for row in mine.values()] != ["Team"]:
            yield f"{len(mine)} x row: {mine}"
        answer = httpx.post(
            f"{endpoint['base_url']}/v4/spreadsheets/{book}/developerMetadata:search",
            headers={"Authorization": f"Bearer {endpoint['token']}"},
            json={"dataFilters": [{"developerMetadataLookup": {"metadataKey": "orchestraWrite"}}]},
            trust_env=False,
        )
        marks = [one["developerMetadata"] for one in answer.raise_for_status().json()["matchedDeveloperMetadata"]]
        writes = Counter(one["location"]["dimensionRange"]["startIndex"] for one in marks)
        if sum(writes[number] for number in mine) != WRITES["sheets"]:
            yield f"the row was written {sum(writes[number] for number in mine)} x"

    def _drives(self, n: int) -> Iterator[str]:
        for drive, kind in DRIVES.items():
            sizes = [  # Google Drive may have two of one name
                (str(one.get("path_display") or one.get("path") or one.get("key") or one["name"]), one.get("size"))
                for one in self.place.place.held(drive)[kind]
            ]
            mine = [(name, size) for name, size in sizes if name.endswith(f"job {n}.txt")]
            if [name.rpartition("/")[2] for name, _ in mine] != [f"job {n}.txt"]:
                yield f"{len(mine)} x {drive}: {mine}"
            welcome = next(size for name, size in sizes if name.endswith("Welcome.txt"))
            yield from (f"{drive}: {size} bytes" for _, size in mine if size != welcome)

    def _connect(self) -> None:
        config, points, variables = self.root / "config.yaml", self.place.place.endpoints, []
        lines = []
        for service in _SERVICES:
            name, key = f"{service.upper()}_TOKEN", "secret_access_key" if service == "s3" else "token"
            variables.append(f"{name}={points[service]['token']}\n")
            address = points[service]["base_url"]
            lines.append(f"  {service}: {{service: {service}, {key}: 'env:{name}', base_url: '{address}'}}\n")
        address = points["discord"]["base_url"]
        variables.append(f"HOOK={address}/webhooks/100000000000000031/demo-webhook\n")
        lines.append(f"  hook: {{service: discord, webhook: 'env:HOOK', base_url: '{address}'}}\n")
        variables.append(f"MCP_TOKEN={points['mcp']['token']}\n")
        lines.append(f"  crm: {{service: mcp, token: 'env:MCP_TOKEN', base_url: '{points['mcp']['base_url']}'}}\n")
        self._accept(points["mcp"]["base_url"])
        config.write_text(config.read_text().replace("connections:\n", "connections:\n" + "".join(lines)))
        with (self.root / ".env").open("a") as file:
            file.writelines(variables)

    def _accept(self, server: str) -> None:
        """Accept the tools of the stand-in as those of a server at its address."""
        document = json.loads((CHECKOUT / "gallery" / "mcp" / "crm.json").read_text())
        for record in document["tools"].values():
            record["server"], record["hash"] = server, OfferedTool(server, record["tool"]).hash
        (self.root / "mcp").mkdir()
        (self.root / "mcp" / "crm.json").write_text(json.dumps(document))


def _workflow(steps: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    made: list[dict[str, Any]] = [
        {
            "id": name,
            "uses": uses,
            "with": fields,
            **({"connection": _CONNECTIONS[name]} if name in _CONNECTIONS else {}),
        }
        for name, uses, fields in steps
    ]
    for before, step in pairwise(made):
        step["needs"] = [before["id"]]
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return {"schema_version": 1, "title": "Steps", "inputs": inputs, "steps": made}


@contextmanager
def steps(root: Path) -> Iterator[Steps]:
    """Make the workspace, with stand-ins that live on."""
    with storm(root) as place:
        yield Steps(place)


def many_kills(place: Steps, family: str, kills: int, chance: random.Random) -> list[str]:
    """Kill jobs of a family at each write and point, and then at any moment, so many in all; return what is wrong."""
    every = list(product(POINTS, range(1, WRITES[family] + 1)))
    killed = [place.kill(family, *one) for one in every]
    killed += [place.kill_after(family, chance.uniform(0, _SECONDS)) for _ in range(kills - len(every))]
    return [wrong for one in killed for wrong in place.wrong(family, one)]
