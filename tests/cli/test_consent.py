"""At the command line nothing is written to a real account unless somebody agreed: at a terminal, or by --yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Orchestra
from tests.engine.conftest import Service, get_step, post_step, service, write_workflow

__all__ = ["service"]


@pytest.fixture
def account(workspace: Path, service: Service) -> Service:
    """The one real account of the workspace, which counts what is sent to it, and workflows that write to it."""
    _connect(workspace, service)
    trigger = {"id": "drop", "uses": "folder.new_file", "with": {"path": "drop", "still_seconds": 0}}
    steps = [get_step("look", service.url("/look")), post_step("post", service.url("/write"))]
    write_workflow(workspace, "work", steps, triggers=[trigger])
    (workspace / "drop").mkdir()
    return service


def _connect(workspace: Path, service: Service, *more: str) -> None:
    hosts = [f"127.0.0.1:{service.port}", *more]
    (workspace / "config.yaml").write_text(
        json.dumps(
            {
                "connections": {"web": {"service": "http", "allow_hosts": hosts}},
                "approvals": {"http.request": "never"},
            }
        )
    )


def _ran(orchestra: Orchestra) -> str:
    return str(orchestra("run", "work", "--yes", "--json").json["run_id"])


def _failed(orchestra: Orchestra, service: Service) -> str:
    service.answers["/look"] = [404]
    return _ran(orchestra)


Before = Callable[[Orchestra, Service], list[str]]
DOORS: dict[str, Before] = {
    "run": lambda _o, _s: ["run", "work"],
    "run one step": lambda o, _s: ["run", "work", "--only", "post", "--from-run", _ran(o)],
    "rerun": lambda o, _s: ["runs", "rerun", _ran(o), "--force"],
    "resume": lambda o, s: ["runs", "resume", _failed(o, s)],
    "resume newest": lambda o, s: ["runs", "resume", _failed(o, s), "--newest"],
    "triggers on": lambda _o, _s: ["triggers", "on", "work", "--from", "now"],
}


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_script_is_refused_with_the_names_until_it_agrees(
    orchestra: Orchestra, workspace: Path, account: Service, door: Before, as_json: bool
) -> None:
    arguments = door(orchestra, account)
    _connect(workspace, account, "tickets.example")  # another account than anybody has agreed to
    before, flags = account.seen["/write"], ["--json"] if as_json else []
    refused = orchestra(*arguments, *flags)
    assert (refused.code, account.seen["/write"]) == (2, before)
    name = f"web:127.0.0.1:{account.port},tickets.example:write"
    if as_json:
        error = refused.json["error"]
        assert (error["type"], error["needs_confirmation"]) == ("ConfirmationNeeded", [name])
    else:
        assert "--yes" in refused.err
        assert name in refused.err
    assert orchestra(*arguments, *flags, "--confirm", "web:another:write").code == 2
    agreed = orchestra(*arguments, *flags, "--confirm", name)
    assert agreed.code == 0, agreed


def test_yes_says_what_it_agrees_to_and_it_is_kept(orchestra: Orchestra, account: Service) -> None:
    name = f"web:127.0.0.1:{account.port}:write"
    first = orchestra("run", "work", "--yes", "--json")
    assert (first.code, first.json["confirmed"]) == (0, [name])
    assert name in first.err
    second = orchestra("run", "work", "--json")
    assert (second.code, second.json["confirmed"], second.err) == (0, [], "")
    assert account.seen["/write"] == 2


def test_a_trigger_whose_account_has_changed_starts_nothing(
    orchestra: Orchestra, workspace: Path, account: Service
) -> None:
    assert orchestra("triggers", "on", "work", "--from", "now", "--yes").code == 0
    (workspace / "drop" / "a.txt").write_text("a")
    _connect(workspace, account, "tickets.example")
    polled = orchestra("triggers", "poll", "--json")
    assert (polled.code, polled.json["polls"][0]["error"]["type"]) == (1, "NotWatched")
    assert account.seen["/write"] == 0
    assert orchestra("triggers", "on", "work", "--yes").code == 0
    assert orchestra("triggers", "poll").code == 0
    assert account.seen["/write"] == 1


def test_who_turns_a_trigger_on_is_told_where_it_rests(orchestra: Orchestra, workspace: Path) -> None:
    """The demo of a command is not the server's, and a command's own accounts are not those of a server at Demo."""
    trigger = {"id": "it", "uses": "schedule", "with": {"cron": "0 9 * * *"}}
    step = {"id": "get", "uses": "github.list_issues", "with": {"repository": "acme/app"}}
    web = {"id": "web", "uses": "http.request", "with": {"method": "GET", "url": "https://192.0.2.1/"}}
    note = {"id": "note", "uses": "flow.set", "with": {"values": {"a": 1}}}
    for name, one in (("nothing", note), ("open", web), ("demo", step)):
        write_workflow(workspace, name, [one], triggers=[trigger])
    told = {name: orchestra("triggers", "on", name, "--from", "now", "--demo") for name in ("nothing", "open", "demo")}
    assert [one.code for one in told.values()] == [0, 0, 0]
    assert "`orchestra serve` watches it" in told["nothing"].out
    assert "`orchestra serve` watches it" in told["demo"].out
    assert "the trigger rests there" in told["open"].out


def test_the_list_of_connections_says_what_the_dashboard_uses(orchestra: Orchestra) -> None:
    listed = orchestra("connections", "list", "--json").json["connections"]
    github = next(one for one in listed if one["service"] == "github")
    assert (github["mode"], github["served_mode"]) == ("mine", "demo")
    assert "DASHBOARD" in orchestra("connections", "list").out
    refused = orchestra("run", "inbox-triage", "--json")
    assert refused.code == 2
    assert "--demo" in refused.json["error"]["remedy"]
