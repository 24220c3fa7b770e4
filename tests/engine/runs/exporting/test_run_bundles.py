"""A run leaves its workspace as one file without a secret, and ends in any other workspace as it did there."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput
from engine.orchestra import Orchestra
from engine.runs.exporting.run_bundle import unpacked
from engine.secrets.vault import StoredSecret
from tests.conftest import StandIns
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS, until

CANARIES = {
    "a header of a connection": "canary-header-71c2",
    "a kept secret": "canary-kept-9d01",
    "a sign-in": "canary-refresh-44ab",
    "the environment": "canary-environment-5e",
    "a line of .env": "canary-dotenv-30fa",
    "the address of a webhook": "canary-webhook-8812",
    "a password in an address": "canary-password-17",
    "a header in a text": "canary-bearer-2b6d",
    "a signed link": "canary-signature-c0",
    "a cookie": "canary-cookie-e5f8",
    "a private key": "canaryprivatekey0f",
    "a key of a service": "sk-canary0123456789",
    "a member with the name of a secret": "canary-member-66d0",
}
TEXT = """header {a header of a connection}, kept {a kept secret}, sign-in {a sign-in}, key {the environment}
.env {a line of .env}, hook https://hooks.example.org/{the address of a webhook}
postgresql://me:{a password in an address}@db/x
Authorization: Bearer {a header in a text}
https://files.example.org/a.pdf?X-Amz-Signature={a signed link}&part=1
Set-Cookie: session={a cookie}; HttpOnly
-----BEGIN PRIVATE KEY-----
{a private key}
-----END PRIVATE KEY-----
and {a key of a service}"""
LARGE = "a large text, " * 30_000
STEPS = [
    {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "invoice"}},
    {"id": "note", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}", "more": "{{ inputs.more }}"}}},
    {
        "id": "each",
        "foreach": "{{ steps.mails.output.messages }}",
        "as": "mail",
        "key": "{{ mail.id }}",
        "steps": [
            {
                "id": "issue",
                "uses": "github.create_issue",
                "with": {
                    "repository": "acme/app",
                    "title": "{{ mail.subject }}",
                    "body": "{{ steps.note.output.text }}",
                },
            }
        ],
    },
    {"id": "ask", "uses": "flow.set", "with": {"values": {"go": "{{ size(steps.each.output) }}"}}},
    {"id": "bad", "uses": "github.get_issue", "with": {"repository": "acme/none", "issue": 7}},
]
WORKFLOW = {
    "schema_version": 1,
    "title": "Fails",
    "inputs": {"type": "object", "properties": {"text": {"type": "string"}, "more": {"type": "object"}}},
    "steps": STEPS,
    "outputs": {
        "title": "{{ steps.bad.output.title }}",
        "note": "{{ steps.note.output }}",
        "n": "{{ steps.ask.output.go }}",
    },
}


@pytest.fixture
def here(own_accounts: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    """A workspace with accounts, and with a secret of each kind."""
    monkeypatch.setenv("HEADER", CANARIES["a header of a connection"])
    monkeypatch.setenv("SOME_SERVICE_KEY", CANARIES["the environment"])
    (own_accounts / ".env").write_text(f"ANYTHING={CANARIES['a line of .env']}\n")
    config = (own_accounts / "config.yaml").read_text().replace("approvals: {default: never}\n", "")
    config += "  web: {service: http, headers: {X-Own: env:HEADER}, allow_hosts: [example.org]}\n"
    config += "  db: {service: sql, url: secret:db.url}\n"
    hook = CANARIES["the address of a webhook"]
    config += f"approvals: {{default: never, notify: https://hooks.example.org/{hook}}}\n"
    (own_accounts / "config.yaml").write_text(config)
    (own_accounts / "workflows" / "fails.json").write_text(json.dumps(WORKFLOW))
    with closing(Orchestra.open(own_accounts)) as orchestra:
        vault = orchestra._families.opened.loaded().vault
        vault.keep("db.url", StoredSecret(CANARIES["a kept secret"]))
        vault.keep("mail.sign-in", StoredSecret(json.dumps({"refresh_token": CANARIES["a sign-in"]})))
        yield orchestra


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Orchestra]:
    """Another workspace, which has no connection at all."""
    folder = tmp_path / "there"
    for name in ("workflows", "prompts", "logs"):
        (folder / name).mkdir(parents=True)
    (folder / "config.yaml").write_text("connections: {}\n")
    with closing(Orchestra.open(folder)) as orchestra:
        yield orchestra


def failed_run(here: Orchestra) -> Any:
    """Return a run that has failed, and in which every secret occurs."""
    more = {"api_key": CANARIES["a member with the name of a secret"], "large": LARGE}
    more["coded"] = base64.b64encode(f"user:{CANARIES['a kept secret']}".encode()).decode()
    inputs = {
        "text": functools.reduce(lambda text, one: text.replace(f"{{{one[0]}}}", one[1]), CANARIES.items(), TEXT),
        "more": more,
    }
    run_id = here.runs.start(OWNER, "fails", inputs)
    run = here.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["error"] is not None
    assert (run["status"], run["error"]["step"]) == ("failed", "bad"), run["error"]
    assert all(one in json.dumps(run["inputs"]["text"]) for one in CANARIES.values() if "member" not in one)
    return run


def replayed(there: Orchestra, content: bytes) -> Any:
    """Return a replay that has ended."""
    return there.runs.wait(OWNER, there.run_bundles.imported(OWNER, content), PATIENCE_SECONDS)


def test_no_secret_leaves_and_the_run_fails_there_with_the_same_words(
    here: Orchestra, there: Orchestra, standins: StandIns
) -> None:
    run = failed_run(here)
    content = here.run_bundles.export(OWNER, run["run_id"])
    said = b"".join(zipfile.ZipFile(io.BytesIO(content)).read(one) for one in ("manifest.json", "run.json")).decode()
    coded = base64.b64encode(CANARIES["a kept secret"].encode()).decode()[4:-4]
    tokens = [standins["github"].token, standins["gmail"].token]
    assert [one for one in (*CANARIES.values(), coded, *tokens, OWNER.id) if f"{one}" in said and one != "owner"] == []
    assert LARGE in said
    issues = len(standins.show("github")["issues"])
    again = replayed(there, content)
    assert there.run_bundles.replayed(OWNER, again["run_id"]).is_same
    names = ("type", "message", "step", "remedy", "http_status")
    assert [again["error"][one] for one in names] == [run["error"][one] for one in names]
    assert [(one["path"], one["status"]) for one in again["steps"]] == [
        (one["path"], one["status"]) for one in run["steps"]
    ]
    assert [one for one in again["steps"] if one["effect"]] == []
    assert again["demo"]
    assert len(standins.show("github")["issues"]) == issues


def test_texts_are_redacted_on_request(here: Orchestra, there: Orchestra) -> None:
    run = failed_run(here)
    mails = next(one for one in run["steps"] if one["path"] == "mails")["output"]["messages"]
    content = here.run_bundles.export(OWNER, run["run_id"], without_texts=True)
    said = json.dumps(unpacked(content).run["steps"], ensure_ascii=False)
    assert [one["subject"] for one in mails if one["subject"] in said] == []
    assert mails[0]["id"] not in said
    again = replayed(there, content)
    assert there.run_bundles.replayed(OWNER, again["run_id"]).is_same


def test_a_replay_is_repeated_only_as_a_replay(here: Orchestra, there: Orchestra) -> None:
    again = replayed(there, here.run_bundles.export(OWNER, failed_run(here)["run_id"]))
    with pytest.raises(InvalidInput, match="replays a file"):
        there.runs.rerun(OWNER, again["run_id"])
    there.runs.resume(OWNER, again["run_id"])
    resumed = there.runs.wait(OWNER, again["run_id"], PATIENCE_SECONDS)
    assert resumed["error"] == again["error"]
    assert there.run_bundles.replayed(OWNER, again["run_id"]).is_same


def test_a_file_is_replayed_where_a_workflow_was_renamed_or_deleted(here: Orchestra, there: Orchestra) -> None:
    content = here.run_bundles.export(OWNER, failed_run(here)["run_id"])
    there.workflows.create(OWNER, "old", "")
    there.workflows.rename(OWNER, "old", "new")
    there.workflows.delete(OWNER, "new")
    again = replayed(there, content)
    assert there.run_bundles.replayed(OWNER, again["run_id"]).is_same


def test_what_a_run_has_waited_for_is_played(here: Orchestra, there: Orchestra) -> None:
    """The answer of a person, the end of a wait, and what a called workflow has returned."""
    word = {"id": "word", "uses": "flow.set", "with": {"values": {"text": "inner"}}}
    inner = {"steps": [word], "outputs": {"word": "{{ steps.word.output.text }}"}}
    steps = [
        {"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}},
        {"id": "pause", "uses": "flow.wait", "with": {"seconds": 0.1}},
        {
            "id": "inner",
            "uses": "workflow.run",
            "with": {"workflow": "inner"},
        },
        {
            "id": "said",
            "if": "{{ steps.ask.output.approved }}",
            "uses": "flow.set",
            "with": {"values": {"text": "{{ steps.pause.output.waited_until }} {{ steps.inner.output.word }}"}},
        },
    ]
    outer = {"steps": steps, "outputs": {"text": "{{ default(steps.said.output.text, '') }}"}}
    for name, one in {"inner": inner, "outer": outer}.items():
        whole = {"schema_version": 1, "title": name, **one}
        (here.workspace.root / "workflows" / f"{name}.json").write_text(json.dumps(whole))
    run_id = here.runs.start(OWNER, "outer", {})
    question = until(lambda: here.approvals.list(OWNER), "the question")[0]
    here.approvals.approve(OWNER, question.id, "Yes.")
    run: Any = here.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["outputs"]["text"].endswith(" inner"), run["error"]
    again = replayed(there, here.run_bundles.export(OWNER, run_id))
    assert (again["status"], again["outputs"]) == (run["status"], run["outputs"])
    assert [one["output"] for one in again["steps"]] == [one["output"] for one in run["steps"]]


def archive(files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _one: None) -> bytes:
    """Return an archive with these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            one = zipfile.ZipInfo(name)
            one.compress_type = zipfile.ZIP_DEFLATED
            change(one)
            target.writestr(one, content)
    return made.getvalue()


def a_link(one: zipfile.ZipInfo) -> None:
    """Make an entry of an archive a symbolic link."""
    one.external_attr = (stat.S_IFLNK | 0o777) << 16


def damaged_lzma(files: dict[str, bytes]) -> bytes:
    """Return an archive whose first file is compressed in a way that no export uses, and damaged."""
    content = bytearray(archive(files, lambda one: setattr(one, "compress_type", zipfile.ZIP_LZMA)))
    start = 30 + len("manifest.json") + 9  # behind the header of the entry and that of LZMA
    content[start : start + 40] = bytes(reversed(range(200, 240)))
    return bytes(content)


HOSTILE: dict[str, tuple[str, Callable[[dict[str, bytes]], bytes]]] = {
    "a file outside": ("other files", lambda files: archive({**files, "../../config.yaml": b"x"})),
    "an absolute path": ("other files", lambda files: archive({**files, "/tmp/x": b"x"})),
    "another name for the run": ("other files", lambda files: archive({f"../{name}": files[name] for name in files})),
    "a link": ("as a link", lambda files: archive({**files, "run.json": b"/etc/passwd"}, a_link)),
    "a bomb": ("of more than", lambda files: archive({**files, "run.json": bytes(70_000_000)})),
    "another run than it says": ("another run", lambda files: archive({**files, "run.json": b"{ }"})),
    "no archive": ("no zip archive", lambda _files: b"PK\x03\x04 nothing"),
    "damaged LZMA": ("or is damaged", damaged_lzma),
    "too large": ("at most", lambda _files: bytes(16_000_001)),
    "deep JSON": ("cannot be read", lambda files: archive({**files, "manifest.json": b"[" * 90_000})),
    "no run": ("not the document of a run", archive),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_is_written(there: Orchestra, kind: str) -> None:
    files = {"manifest.json": json.dumps(MANIFEST).encode(), "run.json": b"{}"}
    before = sorted(there.workspace.root.rglob("*"))
    words, made = HOSTILE[kind]
    with pytest.raises(InvalidFile, match=words):
        there.run_bundles.imported(OWNER, made(files))
    assert sorted(there.workspace.root.rglob("*")) == before
    assert there.runs.list(OWNER).rows == []


MANIFEST = {
    "format": "ai-orchestra-run",
    "format_version": 1,
    "run_id": "x",
    "workflow": "x",
    "status": "failed",
    "sentence": "",
    "versions": {},
    "texts": "kept",
    "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
}


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a bundle with a changed run, and a manifest that fits."""
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        manifest, run = (json.loads(found.read(one)) for one in ("manifest.json", "run.json"))
    change(run)
    text = json.dumps(run).encode()
    manifest["sha256"] = hashlib.sha256(text).hexdigest()
    return archive({"manifest.json": json.dumps(manifest).encode(), "run.json": text})


def test_a_changed_run_calls_nothing_and_reads_no_file_of_another_run(here: Orchestra, there: Orchestra) -> None:
    """A step that the file has no answer for fails, whatever accounts there are; no plan is taken for another."""
    run = failed_run(here)
    content = here.run_bundles.export(OWNER, run["run_id"])

    def without_answer(run: Any) -> None:
        run["steps"] = [one for one in run["steps"] if one["path"] != "bad"]

    for target in (there, here):
        again = replayed(target, changed(content, without_answer))
        assert (again["error"]["type"], again["error"]["step"]) == ("AnswerNotRecorded", "bad")
        assert not target.run_bundles.replayed(OWNER, again["run_id"]).is_same

    place = f"{run['run_id']}.files/{'0' * 64}"

    def with_file(run: Any) -> None:
        run["inputs"]["more"] = {"$file": place, "name": "x", "bytes": 1, "media_type": "text/plain"}
        run["workflow_hash"] = here.runs.get(OWNER, run["run_id"])["workflow_hash"]
        run["definition"]["workflow"]["title"] = "Other"

    again = replayed(here, changed(content, with_file))
    assert place not in json.dumps(again)
    assert again["workflow_hash"] != run["workflow_hash"]


@pytest.mark.parametrize("message", [{}, {"role": "user"}, {"role": "user", "content": [1]}, "text", {"content": "{{"}])
def test_what_a_model_saw_is_shown_with_a_prompt_that_somebody_has_changed(
    own_accounts: Path, there: Orchestra, message: Any
) -> None:
    ask = {"id": "ask", "uses": "llm.chat", "with": {"prompt": "hello", "variables": {}}}
    asks = {"schema_version": 1, "title": "asks", "steps": [ask], "outputs": {"text": "{{ steps.ask.output.text }}"}}
    prompt = {"schema_version": 1, "title": "Hello", "variables": {}, "messages": [{"role": "user", "content": "Hi"}]}
    (own_accounts / "prompts" / "hello.versions").mkdir()
    (own_accounts / "prompts" / "hello.versions" / "1.json").write_text(json.dumps(prompt))
    (own_accounts / "prompts" / "hello.json").write_text(json.dumps({**prompt, "labels": {"production": 1}}))
    (own_accounts / "workflows" / "asks.json").write_text(json.dumps(asks))
    with closing(Orchestra.open(own_accounts)) as here:
        run_id = here.runs.start(OWNER, "asks", {})
        assert here.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
        content = here.run_bundles.export(OWNER, run_id)

    def with_message(run: Any) -> None:
        for prompt in run["definition"]["prompts"].values():
            prompt["messages"] = [message]

    again = replayed(there, changed(content, with_message))
    assert there.runs.seen(OWNER, again["run_id"], "ask").messages


def test_a_name_that_no_workflow_has_is_refused(here: Orchestra, there: Orchestra) -> None:
    content = here.run_bundles.export(OWNER, failed_run(here)["run_id"])

    def named(name: str) -> bytes:
        return changed(content, lambda run: run.update(workflow=name))

    for name in ("../../x", "", "![](//a.example/x)", "a\nb", "agent:"):
        with pytest.raises(InvalidFile, match="a name that no workflow has"):
            there.run_bundles.imported(OWNER, named(name))
    found = [replayed(there, named(name))["workflow"] for name in ("agent:research:7", "fails")]
    assert found == ["agent:research:7", "fails"]
