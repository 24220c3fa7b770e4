from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from clients.wording import counted
from dashboard.base.plain import plain
from dashboard.parts.run_rows import by_whom
from dashboard.parts.tabs import tab_name
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


def words(at: AppTest) -> str:
    elements = [
        *at.title, *at.header, *at.subheader, *at.markdown, *at.caption, *at.error, *at.warning, *at.info,
        *at.success, *at.text, *at.code,
    ]  # fmt: skip
    heads = [part["head"] for part in parts(at) if part.get("head")]  # of runs at work
    return "\n".join([*(str(one.value) for one in elements), *(f"{one['sentence']}\n{one['facts']}" for one in heads)])


def parts(at: AppTest) -> list[dict[str, Any]]:
    """Return what the parts of a page are given that the browser draws."""
    return [json.loads(one.proto.json)[0] for one in at.get("bidi_component")]


def tables(at: AppTest) -> list[dict[str, list[Any]]]:
    """Return the tables of a run's page, each as its columns: titles, words of `status` and of steps, `link <kind>`."""
    return [_columns(one) for one in parts(at) if one.get("part") == "table"]


def _columns(table: dict[str, Any]) -> dict[str, list[Any]]:
    rows = [row for _, row in table["rows"]]
    found = {
        "title": [row[1] for row in rows],
        "status": [row[3][0] for row in rows],
        "became": [row[4] for row in rows],
    }
    found |= {f"link {kind}": [row[5][n] and row[5][n][0] for row in rows] for n, kind in enumerate(table["kinds"])}
    return found | {path: [row[6][n] and row[6][n][0] for row in rows] for n, (path, _) in enumerate(table["columns"])}


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def finished(orchestra: Orchestra, workflow: str = "inbox-triage", **inputs: Any) -> Any:
    run_id = orchestra.runs.start(replace(OWNER, confirmed=True), workflow, inputs)
    return orchestra.runs.wait(OWNER, run_id, 60)


def fault(orchestra: Orchestra, service: str, **given: Any) -> None:
    base = orchestra.demo.endpoints()[service]["base_url"].removesuffix("/v1")
    httpx.post(f"{base}/_demo/faults", json=given, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def asked(orchestra: Orchestra, service: str, request: str) -> bool:
    """Return whether a stand-in was asked this: `METHOD /path`."""
    origin = orchestra.demo.endpoints()[service]["base_url"].removesuffix("/v1")
    found = httpx.get(f"{origin}/_demo/requests", trust_env=False, timeout=PATIENCE_SECONDS).json()
    return request in found["requests"]


def workflow(orchestra: Orchestra, name: str, *steps: dict[str, Any]) -> None:
    document = {"schema_version": 1, "title": name.capitalize(), "steps": list(steps)}
    saved = orchestra.workflows.save(OWNER, name, json.dumps(document), None)
    assert [one for one in saved.problems if one.severity == "error"] == []


def test_a_run_says_what_happened_and_shows_a_row_for_each_mail(orchestra: Orchestra, open_page: Open) -> None:
    run = finished(orchestra, query="in:inbox crashes", limit=3)
    at = open_page("run", id=run["run_id"])
    assert not at.exception
    assert at.title[0].value == "Inbox triage"
    shown = words(at)
    assert run["sentence"].partition(":")[0] in shown
    assert "Gmail · Demo" in shown
    table = tables(at)[0]
    loop = next(step for step in run["steps"] if "items" in step)
    assert table["title"] == ["Read mail", *(title for _, title in loop["items"])]
    assert table["status"] == ["✓ Done"] * len(table["title"])
    became = Counter(filter(None, table["became"]))
    counts = [counted(count, one) if one in ("task", "issue") else f"{count} {one}" for one, count in became.items()]
    assert run["sentence"].startswith(f"{counted(sum(became.values()), 'mail')}: {', '.join(counts)}.")
    assert table["each_mail.classify"][1] == "✓ Done"
    assert "– Skipped" in [*table["each_mail.task"], *table["each_mail.issue"]]
    for tab, seen in (("Map", "Label the mail"), ("JSON", '"workflow_hash"')):
        at.query_params["tab"] = tab_name(tab)
        at.run()
        assert not at.exception
        assert seen in words(at)


def test_a_run_that_the_model_of_the_demo_answered_says_so_and_leads_to_the_connections(
    orchestra: Orchestra, open_page: Open
) -> None:
    line = "The demo's scripted model answered; your own model reads better."
    for name, is_told in (("inbox-triage", True), ("plain", False)):
        if not is_told:
            workflow(orchestra, name, {"id": "a", "uses": "flow.set", "with": {"values": {}}})
        run = finished(orchestra, name, **({"limit": 1} if is_told else {}))
        at = open_page("run", id=run["run_id"])
        [*links] = [one.proto for one in at.get("page_link") if one.proto.label == "Try it with a real model"]
        assert (line in words(at), [one.page for one in links]) == (is_told, ["connections"] if is_told else [])


def test_with_a_model_of_ones_own_the_same_question_is_tried_there(orchestra: Orchestra, open_page: Open) -> None:
    run, address = finished(orchestra, limit=1), orchestra.demo.endpoints()["openai"]["base_url"]
    orchestra.connections.add(OWNER, "real", "openai", {"base_url": f"{address}/", "model": "demo-extractive"})
    orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    at = open_page("run", id=run["run_id"])
    [link] = [one.proto for one in at.get("page_link") if one.proto.label == "Try it with a real model"]
    asked = dict(parse_qsl(link.query_string))
    at = open_page("prompt", **asked)
    assert not at.exception
    connection = next(one for one in at.selectbox if one.label == "Connection")
    assert (asked["name"], connection.value) == ("classify-mail", "real")


def test_no_two_columns_have_one_name(orchestra: Orchestra, open_page: Open) -> None:
    read = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 1}}
    loop = {"foreach": "{{ steps.mails.output.messages }}", "as": "mail", "key": "{{ mail.id }}"}
    seen = {"id": "seen", "uses": "flow.set", "with": {"values": {"subject": "{{ mail.subject }}"}}}
    workflow(orchestra, "look", read, {"id": "each", **loop, "steps": [seen]})
    [table] = [one for one in parts(open_page("run", id=finished(orchestra, "look")["run_id"])) if "kinds" in one]
    assert [table["noun"], *table["kinds"]] == ["Mail", "Open"]


def sent(at: AppTest) -> list[str]:
    """Return the messages that are shown with their parts marked."""
    bodies = [str(one.proto.body) for one in at.get("html") if 'class="marked"' in str(one.proto.body)]
    return [unescape(re.sub(r"<[^>]*>", "", body)) for body in bodies]


def test_an_opened_item_shows_prompt_input_output_and_receipt_and_links_to_what_was_made(
    orchestra: Orchestra, open_page: Open
) -> None:
    run = finished(orchestra, query="in:inbox subject:invoice", limit=1)
    by_path = {step["path"]: step for step in run["steps"]}
    at = open_page("run", id=run["run_id"], open="each_mail[0]")
    shown = words(at)
    assert not at.exception
    classify = by_path["each_mail[0].classify"]
    for message in classify["request"]["messages"]:
        assert message["content"] in sent(at)
    assert "Mail · text · mails · " in shown
    assert classify["output"]["kind"] in shown
    assert "Scripted, not a real model" in shown
    assert "tokens in" in shown
    assert plain("$0.00") in shown
    assert plain("$0.0000") not in shown
    given = classify["arguments"]["variables"]["subject"]
    assert {":gray[Prompt]  Classify a mail", f":gray[Subject]  {plain(given)}"} <= {one.value for one in at.markdown}
    assert f":gray[Which mails]  {plain('in:inbox subject:invoice')}" in shown
    table = tables(at)[0]
    links = [table["link Open"][1], table["link Page"][1]]
    assert [httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).status_code for url in links] == [200, 200]

    at = open_page("run", id=run["run_id"], open="each_mail[0]", step="each_mail.task")
    receipt = by_path["each_mail[0].task"]["effect"]["receipt"]
    assert receipt["url"] in words(at)


def test_a_failed_mail_says_why_and_alone_is_run_again_and_nothing_is_made_twice(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    fault(orchestra, "github", match="POST /repos", status=422, times=1)
    run = finished(orchestra, query="in:inbox crashes OR fails", limit=4)
    assert run["counts"]["failed_items"] == 1
    failed = next(step for step in run["steps"] if step["uses"] and step["error"])
    at = open_page("run", id=run["run_id"], open=failed["path"].rpartition(".")[0])
    assert any(failed["error"]["remedy"][:20] in str(one.value) for one in at.error)
    assert "HTTP 422" in words(at)
    orchestra.users.add(OWNER, "vera", "Vera", "viewer", "a long password 1")
    sign_in("vera")
    at = open_page("run", id=run["run_id"])
    assert not at.exception
    assert "Run the failed 1 again" not in labels(at), "a viewer can do nothing to it"
    sign_in()
    at = open_page("run", id=run["run_id"])
    assert "Run the failed 1 again" in labels(at)
    at.button(key="resume").click().run()
    assert not at.exception
    again = orchestra.runs.wait(OWNER, run["run_id"], 60)
    assert again["status"] == "succeeded"
    titles = [one["title"] for one in orchestra.demo.show(OWNER)["github"]["issues"]]
    assert len(titles) == len(set(titles))
    assert "Run the failed 1 again" not in labels(at.run())


def test_what_was_written_before_an_item_failed_is_said_once_for_all_and_in_its_pane(
    orchestra: Orchestra, open_page: Open
) -> None:
    save: dict[str, Any] = {"id": "save", "title": "Save it", "uses": "file.write"}
    save["with"] = {"path": "{{ item }}.txt", "text": "One."}
    check: dict[str, Any] = {"id": "check", "uses": "flow.assert"}
    check["with"] = {"condition": "{{ item == 'c' }}", "message": "It is not c."}
    each = {"foreach": "{{ ['a', 'b', 'c'] }}", "on_item_error": "continue", "steps": [save, check]}
    workflow(orchestra, "half-done", {"id": "each", **each})
    run = finished(orchestra, "half-done")
    at = open_page("run", id=run["run_id"])
    assert [str(one.value).replace("\\", "") for one in at.error] == ["**2 times:** It is not c."]
    assert "Already written before it failed: Save it (2)" in words(at).replace("\\", "")
    for path, is_told in (("each[0]", True), ("each[2]", False)):
        said = words(open_page("run", id=run["run_id"], open=path)).replace("\\", "")
        assert ("Already written before it failed: Save it\n" in f"{said}\n") is is_told


def test_text_from_outside_is_never_markdown(orchestra: Orchestra, open_page: Open) -> None:
    subject = "![x](http://192.0.2.1/pixel) **bold** :red[alarm]"
    orchestra.demo.deliver(OWNER, "a@example.org", subject, "It crashes with error 500.")
    run = finished(orchestra, query="in:inbox bold", limit=1)
    at = open_page("run", id=run["run_id"], open="each_mail[0]")
    assert not any(subject in str(one.value) for one in [*at.markdown, *at.subheader, *at.caption])
    assert any("\\!\\[x\\]" in str(one.value) for one in at.subheader)


def test_a_run_without_a_loop_has_a_row_for_each_step(orchestra: Orchestra, open_page: Open) -> None:
    workflow(
        orchestra,
        "plain",
        {"id": "first", "title": "First", "uses": "flow.set", "with": {"values": {"a": 1}}},
        {"id": "second", "title": "Second", "if": "{{ steps.first.output.a == 2 }}", "uses": "flow.set",
         "with": {"values": {"b": 2}}},
    )  # fmt: skip
    run = finished(orchestra, "plain")
    at = open_page("run", id=run["run_id"], open="first")
    table = tables(at)[0]
    assert table["title"] == ["First", "Second"]
    assert table["status"] == ["✓ Done", "– Skipped"]
    assert "Set values" in words(at)


def test_the_error_of_a_condition_stands_in_the_pane_though_nothing_was_called(
    orchestra: Orchestra, open_page: Open
) -> None:
    workflow(
        orchestra,
        "odd",
        {"id": "first", "uses": "flow.set", "with": {"values": {"list": [1]}}},
        {"id": "second", "if": "{{ steps.first.output.list[5] == 1 }}", "uses": "flow.set",
         "with": {"values": {"b": 2}}},
    )  # fmt: skip
    run = finished(orchestra, "odd")
    error = next(step["error"] for step in run["steps"] if step["path"] == "second")
    assert error is not None
    at = open_page("run", id=run["run_id"], open="second")
    assert tables(at)[0]["status"] == ["✓ Done", "✕ Failed"]
    told = [one for one in at.error if plain(error["message"]) in str(one.value)]
    assert len(told) == 2, "on top and in the pane"
    assert "None of its steps has run yet." not in words(at)


def test_a_waiting_run_can_be_cancelled(orchestra: Orchestra, open_page: Open) -> None:
    workflow(orchestra, "patient", {"id": "pause", "uses": "flow.wait", "with": {"seconds": 3600}})
    run = finished(orchestra, "patient")
    assert run["status"] == "waiting"
    at = open_page("run", id=run["run_id"])
    at.button(key="cancel").click().run()
    assert orchestra.runs.wait(OWNER, run["run_id"], PATIENCE_SECONDS)["status"] == "cancelled"


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A server that reads what it is sent and hangs up: nobody knows what it has done."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=PATIENCE_SECONDS)


def test_a_person_answers_for_a_write_whose_outcome_nobody_knows(
    orchestra: Orchestra, workspace: Path, open_page: Open, silent_server: int
) -> None:
    config = workspace / "config.yaml"
    config.write_text(
        config.read_text() + "  web:\n    service: http\n    allow_hosts: [127.0.0.1]\n", encoding="utf-8"
    )
    url = f"http://127.0.0.1:{silent_server}/order"
    workflow(
        orchestra,
        "order",
        {
            "id": "send",
            "uses": "http.request",
            "connection": "web",
            "approve": "never",
            "with": {"method": "POST", "url": url},
        },
    )
    run = finished(orchestra, "order")
    assert run["counts"]["unknown_effects"] == 1
    at = open_page("run", id=run["run_id"], open="send")
    assert "no clear answer" in words(at)
    assert tables(at)[0]["status"] == ["✕ Unclear"]
    assert {"It is done", "Send again"} <= set(labels(at))
    at.button(key="as-done-send").click().run()
    assert orchestra.runs.wait(OWNER, run["run_id"], PATIENCE_SECONDS)["status"] == "succeeded"


def test_a_run_that_is_not_there_is_told_in_words(open_page: Open) -> None:
    for run_id, said in (("20260101T000000Z-aaaaaaaa", "There is no run"), ("../../etc/passwd", "run")):
        at = open_page("run", id=run_id)
        assert not at.exception
        assert said in " ".join(str(one.value) for one in at.error)


def test_an_ended_run_starts_again_with_the_same_inputs_once_unless_it_needs_agreement(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    run = finished(orchestra, query="in:inbox subject:invoice", limit=1)
    at = open_page("run", id=run["run_id"])
    at.button(key="again").click().run()
    assert not at.exception
    second, first = orchestra.runs.list(OWNER).rows
    assert first.run_id == run["run_id"]
    assert orchestra.runs.wait(OWNER, second.run_id, 60)["inputs"] == run["inputs"]
    assert second.sentence.startswith("1 mail: 0 new") or "already done" in orchestra.runs.list(OWNER).rows[0].sentence

    public = finished(orchestra, query="in:inbox subject:invoice", limit=1, repository="acme/website")
    open_page("run", id=public["run_id"]).button(key="again").click().run()
    assert len(orchestra.runs.list(OWNER).rows) == 3, "a public repository needs its tick again"

    (workspace / ".env").write_text("GITHUB_TOKEN=wrong\n", encoding="utf-8")
    config = workspace / "config.yaml"
    closed = "    token: env:GITHUB_TOKEN\n    base_url: http://127.0.0.1:9\n"
    config.write_text(config.read_text().replace("    token: env:GITHUB_TOKEN\n", closed), encoding="utf-8")
    orchestra.connections.set_mode(OWNER, "github", AccountMode.MINE)
    at = open_page("run", id=run["run_id"])
    at.button(key="again").click().run()
    assert len(orchestra.runs.list(OWNER).rows) == 3, "it would now touch the owner's own account"
    assert run["run_id"] in at.query_params["inputs_of"]


def test_a_file_of_a_step_has_a_button_and_no_fields(orchestra: Orchestra, open_page: Open) -> None:
    text = "A long text. " * 30_000
    workflow(orchestra, "keeps", {"id": "kept", "uses": "flow.set", "with": {"values": {"text": text}}})
    run = finished(orchestra, "keeps")
    digest = run["steps"][0]["output"]["text"]["$file"].rpartition("/")[2]
    at = open_page("run", id=run["run_id"], open="kept")
    assert not at.exception
    assert "390,000 bytes of text/plain" in words(at)
    assert "$file" not in words(at)
    assert words(at).count("Succeeded") == 2, "once for the run, once for the step"
    [button] = [one for one in at.get("download_button") if digest in one.proto.id]
    assert button.proto.label == plain("value.txt") + " (390 KB)"


@pytest.mark.parametrize(
    ("started_by", "said"),
    [("trigger:new_mail", "by the trigger new_mail"), ("local:ada", "by ada in a terminal"), ("trigger", "by trigger")],
)
def test_who_started_a_run_is_said_in_words(started_by: str, said: str) -> None:
    assert by_whom(started_by) == said
