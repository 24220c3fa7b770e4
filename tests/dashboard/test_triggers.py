"""The page of triggers, the tab of a workflow, and the notices on the first page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from tests.dashboard.conftest import OWNER
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.usefixtures("signed_in")

WATCHER: dict[str, Any] = {
    "schema_version": 1,
    "title": "Read files",
    "inputs": {
        "type": "object",
        "properties": {"path": {"type": "string", "title": "File"}, "size": {"type": "integer", "title": "Size"}},
        "required": ["path"],
    },
    "triggers": [
        {
            "id": "dropped",
            "title": "A dropped file",
            "uses": "folder.new_file",
            "poll_seconds": 1,
            "with": {"path": "drop", "still_seconds": 0},
            "inputs": {"path": "{{ item.name }}"},
        }
    ],
    "steps": [
        {"id": "check", "uses": "flow.fail", "if": "{{ inputs.path.startsWith('bad') }}", "with": {"message": "Bad."}},
        {"id": "note", "uses": "flow.set", "with": {"values": {"path": "{{ inputs.path }}"}}},
    ],
    "outputs": {"path": "{{ steps.note.output.path }}"},
}


@pytest.fixture
def signed_in(sign_in: Callable[..., str], workspace: Path) -> None:
    """Somebody looks at a workspace with one trigger."""
    (workspace / "workflows" / "inbox-triage.json").unlink()  # it has one, too
    (workspace / "drop").mkdir()
    (workspace / "workflows" / "read-files.json").write_text(json.dumps(WATCHER))
    sign_in()


def _texts(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.info, *page.error, *page.warning, *page.success]
    return "\n".join(one.value for one in shown).replace(":color[]", "").replace("\\", "")


def _button(page: AppTest, label: str) -> Any:
    return next(one for one in page.button if label in one.label)


def _again(page: AppTest, label: str) -> AppTest:
    """Press what opens a dialog: in a browser it stays open between clicks inside it, here each run opens it anew."""
    _button(page, label).click()
    return page


def test_a_trigger_shows_what_turning_on_means_and_is_turned_on_and_off_by_its_buttons(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    for name in ("a.txt", "b.txt"):
        (workspace / "drop" / name).write_text("Hello")
    page = open_page("triggers")
    assert "Folder: drop" in _texts(page)
    _again(page, "Turn on …").run()
    assert [one.label for one in page.radio] == ["What counts as new?"]
    before = page.radio(key="start-from").value
    _again(page, "Turn on …").radio(key="start-from").set_value("Also the newest existing items").run()
    _again(page, "Turn on …").button(key="start-look").click().run()
    assert "2 runs would start" in _texts(page)
    assert "a.txt" in _texts(page)
    assert not orchestra.triggers.status(OWNER, "read-files", "dropped").is_on
    _again(page, "Turn on …").radio(key="start-from").set_value(before).run()
    _again(page, "Turn on …").button(key="start-on").click().run()
    assert orchestra.triggers.status(OWNER, "read-files", "dropped").is_on
    page = open_page("triggers")
    _button(page, "Turn off").click().run()
    assert not orchestra.triggers.status(OWNER, "read-files", "dropped").is_on
    assert orchestra.runs.list(OWNER).rows == []

    said = "No input receives the item: each new item starts the whole workflow"
    assert said not in _texts(page)
    blind = {**WATCHER, "triggers": [{**WATCHER["triggers"][0], "inputs": {"path": "always"}}]}
    (workspace / "workflows" / "read-files.json").write_text(json.dumps(blind))
    page = open_page("triggers")
    assert [said in str(one.value) for one in page.warning] == [True]
    _again(page, "Turn on …").run()
    assert [said in str(one.value) for one in page.warning] == [True, True], "on the card, and in the dialog"
    assert said in orchestra.triggers.status(OWNER, "read-files", "dropped").warning


def test_turning_on_says_when_it_polls_and_what_becomes_of_old_items(
    workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    page = _again(open_page("triggers"), "Turn on …").run()
    assert "It polls at once, then every" in _texts(page)
    assert "What is there already starts nothing." in _texts(page)
    at_eight = {"cron": "0 8 * * 1,4", "time_zone": "Asia/Tokyo"}
    trigger = {"id": "daily", "uses": "schedule", "with": at_eight, "inputs": {"path": "{{ item.at }}"}}
    find = {"id": "find", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
    steps = [*WATCHER["steps"], find]
    (workspace / "workflows" / "read-files.json").write_text(
        json.dumps({**WATCHER, "triggers": [trigger], "steps": steps})
    )
    page = _again(open_page("triggers"), "Turn on …").run()
    assert not page.exception
    assert "Its runs use" in _texts(page)
    assert "Gmail · Demo" in _texts(page)
    assert "Each Mon, Thu at 8:00, in the time zone Asia/Tokyo" in _texts(page)
    assert "Next at" in _texts(page)
    assert "23:00:00 UTC; its times are in Asia/Tokyo." in _texts(page).replace("\\", "")
    _again(page, "Turn on …").button(key="start-on").click().run()
    assert "It polls next at" in " ".join(one.value for one in page.toast)


def test_a_trigger_that_now_watches_something_else_is_turned_on_again(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    (workspace / "other").mkdir()
    changed = json.dumps(WATCHER).replace('"path": "drop"', '"path": "other"')
    (workspace / "workflows" / "read-files.json").write_text(changed)
    page = open_page("triggers")
    assert "Turn it on again." in _texts(page)
    _again(page, "Turn on again …").run()
    _again(page, "Turn on again …").button(key="start-on").click().run()
    status = orchestra.triggers.status(OWNER, "read-files", "dropped")
    assert (status.is_on, status.state, status.problem) == (True, "on", None)
    assert "Turn on again …" not in [one.label for one in open_page("triggers").button]


def test_what_failed_is_named_at_home_and_dismissed_or_tried_again(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    until(lambda: orchestra.triggers.status(OWNER, "read-files", "dropped").succeeded_at is not None)
    for name in ("bad1.txt", "bad2.txt", "bad3.txt", "good.txt"):
        (workspace / "drop" / name).write_text("Hello")
    until(lambda: [row.status for row in orchestra.runs.list(OWNER).rows].count(RunStatus.SUCCEEDED) == 1)
    until(lambda: len(orchestra.triggers.dead(OWNER)) == 3)
    home = _texts(open_page(""))
    assert "nothing needs you" not in home
    assert "3 runs failed." in home
    assert "bad1.txt" in home
    assert "Bad." in home
    page = open_page("triggers")
    page.query_params["tab"] = "needs-a-look"
    page.run()
    assert "bad1.txt" in _texts(page)
    assert ":material/report: Needs a look (3)" in [one.label for one in page.tabs]
    _button(page, "Dismiss").click().run()
    assert len(orchestra.triggers.dead(OWNER)) == 2
    _button(page, "Try all 2 again").click().run()
    assert not page.exception
    assert [one.value for one in page.toast] == ["2 of 2 are being tried again\\."]
    until(lambda: all(row.status in ("failed", "succeeded") for row in orchestra.runs.list(OWNER).rows))


def test_a_look_that_fails_is_no_success_and_home_does_not_say_that_all_is_well(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    until(lambda: orchestra.triggers.status(OWNER, "read-files", "dropped").succeeded_at is not None)
    (workspace / "drop" / "good.txt").write_text("Hello")
    until(lambda: [row.status for row in orchestra.runs.list(OWNER).rows] == ["succeeded"])
    assert "nothing needs you" in _texts(open_page(""))
    (workspace / "drop" / "good.txt").unlink()
    (workspace / "drop").rmdir()
    until(lambda: orchestra.triggers.status(OWNER, "read-files", "dropped").state == "trying again")
    page = open_page("triggers")
    _button(page, "Poll now").click().run()
    toasts = [(one.icon, one.value) for one in page.toast]
    assert [icon for icon, _ in toasts] == [":material/error:"]
    assert "The poll failed" in toasts[0][1]
    home = _texts(open_page(""))
    assert "nothing needs you" not in home
    assert "1 trigger is trying again." in home
    assert "Read files: A dropped file" in home


def test_a_trigger_whose_file_is_broken_says_so_once_with_the_way_out(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    until(lambda: orchestra.triggers.status(OWNER, "read-files", "dropped").succeeded_at is not None)
    (workspace / "workflows" / "read-files.json").write_text("{")
    orchestra.triggers.poll(OWNER)
    told = _texts(open_page("triggers"))
    assert ("Broken" in told, "Silent" in told) == (True, False)
    assert told.count("workflows/read-files.json has 1 problem") == 1
    assert told.count("the page of the workflow") == 1
    assert "orchestra validate" not in told
    assert "read-files" in "\n".join(one.value for one in open_page("").error).replace("\\", "")
    page = _triggers_tab(open_page)
    assert not page.exception
    assert ("Nothing starts this" in _texts(page), "read-files.json" in _texts(page)) == (False, True)


def _triggers_tab(open_page: Callable[..., AppTest]) -> AppTest:
    page = open_page("workflow", name="read-files")
    page.query_params["tab"] = "triggers"
    return page.run()


def test_the_fields_of_a_trigger_are_in_the_language_of_the_reader(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    orchestra.languages.set(OWNER, "owner", "de")
    page = _triggers_tab(open_page)
    _again(page, "Auslöser hinzufügen").run()
    labels = {one.label for one in [*page.text_input, *page.number_input, *page.selectbox]}
    assert "Suche, wie in Gmail" in labels


def test_a_trigger_is_added_by_a_form_and_the_rest_of_the_file_stays_as_its_author_wrote_it(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    file = workspace / "workflows" / "read-files.json"
    file.write_text(json.dumps(WATCHER, indent=4).replace('"schema_version": 1', '"schema_version":   1'))
    before = file.read_text()
    page = _triggers_tab(open_page)
    _again(page, "Add a trigger").run()
    offered = page.selectbox(key="trigger-uses").options
    assert offered[0] == "New mail in Gmail", "a type that this workspace can use"
    assert offered.index("A new issue on GitHub") < offered.index("A new file on a drive")
    assert "needs a connection" not in _texts(page)
    _again(page, "Add a trigger").selectbox(key="trigger-uses").set_value("schedule").run()
    _again(page, "Add a trigger").run()
    next(one for one in page.text_input if one.label.startswith("Cron")).set_value("0 9 * * 1-5")
    _again(page, "Add a trigger").run()
    assert "On weekdays at 9:00, in the time zone UTC" in _texts(page), "said while it is typed"
    _again(page, "Add a trigger").button(key="trigger-add").click().run()
    after = file.read_text()
    added = json.loads(after)["triggers"][1]
    assert (added["id"], added["uses"], added["inputs"]) == ("schedule", "schedule", {"path": "{{ item.at }}"})
    assert added["with"]["cron"] == "0 9 * * 1-5"
    assert [one.id for one in orchestra.triggers.list(OWNER, "read-files")] == ["dropped", "schedule"]
    assert [line for line in before.splitlines() if line.rstrip(",") not in after] == []

    config = (workspace / "config.yaml").read_text()
    (workspace / "config.yaml").write_text(config.replace("service: gmail", "service: slack"))
    page = _triggers_tab(open_page)
    _again(page, "Add a trigger").run()
    offered = page.selectbox(key="trigger-uses").options
    assert offered[0] == "At fixed times", "there is no mail any more"
    assert offered.index("A new issue on GitHub") < offered.index("A new file on a drive")
    assert "needs a connection" not in _texts(page)


def test_a_trigger_is_edited_with_the_fields_of_a_new_one(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    (workspace / "other").mkdir()
    file = workspace / "workflows" / "read-files.json"
    trigger = {**WATCHER["triggers"][0], "inputs": {"path": "{{ 'new-' + item.name }}"}}
    file.write_text(json.dumps({**WATCHER, "id": "read-files", "triggers": [trigger]}, indent=4) + "\n")
    before = file.read_text()
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    page = _triggers_tab(open_page)
    _again(page, "Edit …").run()
    assert page.button(key="trigger-save").disabled
    assert "waits until you turn it on again" in _texts(page)
    folder = next(one for one in page.text_input if one.value == "drop")
    _again(page, "Edit …")
    folder.set_value("other").run()
    _again(page, "Edit …").button(key="trigger-save").click().run()
    assert not page.exception
    assert file.read_text() == before.replace('"path": "drop"', '"path": "other"')
    assert orchestra.triggers.status(OWNER, "read-files", "dropped").state == "needs you"


def test_an_input_of_a_trigger_is_given_another_part_of_an_item_unless_the_file_has_changed(
    orchestra: Orchestra, workspace: Path, sign_in: Callable[..., str], open_page: Callable[..., AppTest]
) -> None:
    path = workspace / "workflows" / "read-files.json"
    page = _triggers_tab(open_page)
    _again(page, "Edit …").run()
    file, size = (next(one for one in page.selectbox if one.label == label) for label in ("File", "Size"))
    assert (file.value, size.value) == ("Its name", "its default")
    _again(page, "Edit …")
    size.set_value("Its size").run()
    _again(page, "Edit …").button(key="trigger-save").click().run()
    saved = json.loads(path.read_text())["triggers"][0]
    assert saved == {**WATCHER["triggers"][0], "inputs": {"path": "{{ item.name }}", "size": "{{ item.size_bytes }}"}}

    (workspace / "other").mkdir()
    path.write_text(json.dumps(WATCHER).replace('"path": "drop"', '"path": "other"'))
    _again(page, "Edit …").run()
    assert [one.value for one in page.text_input if one.value in ("drop", "other")] == ["other"]

    assert {"Edit …", "Remove …"} <= {one.label for one in page.button}
    orchestra.users.add(OWNER, "vera", "Vera", "viewer")
    sign_in("vera")
    assert {"Edit …", "Remove …"} & {one.label for one in page.run().button} == set()


def test_a_removed_trigger_is_turned_off_and_goes_on_where_it_stopped_if_it_comes_back(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    for name in ("good.txt", "bad.txt"):
        (workspace / "drop" / name).write_text("Hello")
    until(lambda: len(orchestra.runs.list(OWNER).rows) == 2 and bool(orchestra.triggers.dead(OWNER)))
    page = _triggers_tab(open_page)
    _again(page, "Remove …").run()
    said = _texts(page)
    parts = ("no longer starts this workflow", "It is turned off", "are kept", "the id `dropped`", "stays in the list")
    assert [part for part in parts if part not in said] == []
    assert json.loads((workspace / "workflows" / "read-files.json").read_text())["triggers"]
    _again(page, "Remove …").button(key="trigger-remove").click().run()
    assert not page.exception
    assert "triggers" not in json.loads((workspace / "workflows" / "read-files.json").read_text())
    assert "Nothing starts this" in _texts(page)
    assert orchestra.triggers.list(OWNER) == []
    assert orchestra.triggers.alarms(OWNER) == []
    assert [one.title for one in orchestra.triggers.dead(OWNER)] == ["bad.txt"]
    (workspace / "workflows" / "read-files.json").write_text(json.dumps(WATCHER))
    status = orchestra.triggers.turn_on(OWNER, "read-files", "dropped")
    assert (status.is_on, status.items) == (True, 2)
    orchestra.triggers.poll(OWNER)
    assert len(orchestra.runs.list(OWNER).rows) == 2


_PAGE = {"uses": "web.page_changed", "with": {"url": "https://a.example/"}, "inputs": {"path": "{{ item.url }}"}}
_DRIVE = {
    "uses": "drive.new_file",
    "connection": "box",
    "with": {"folder": "in"},
    "inputs": {"path": "{{ item.name }}"},
}
_TWO_OF_EACH = """connections:
  here: {service: http, token: "env:HERE"}
  there: {service: http, token: "env:THERE"}
  cloud: {service: webdav}
  other: {service: webdav}
  box: {service: dropbox}
"""


def test_editing_a_trigger_gives_it_no_other_account(workspace: Path, open_page: Callable[..., AppTest]) -> None:
    config = workspace / "config.yaml"
    config.write_text(config.read_text().replace("connections:\n", _TWO_OF_EACH))
    file = workspace / "workflows" / "read-files.json"
    for trigger in (_PAGE, _DRIVE):  # one without an account, and one of another service
        file.write_text(json.dumps({**WATCHER, "triggers": [{"id": "dropped", **trigger}]}))
        page = _triggers_tab(open_page)
        _again(page, "Edit …").run()
        account = next(one for one in page.selectbox if one.label == "Account")
        assert account.value == trigger.get("connection")
        _again(page, "Edit …")
        given = next(one for one in page.selectbox if one.label == "File")
        given.set_value(next(one for one in given.options if one not in (given.value, "its default"))).run()
        _again(page, "Edit …").button(key="trigger-save").click().run()
        [saved] = json.loads(file.read_text())["triggers"]
        assert saved["inputs"] != trigger["inputs"]
        assert saved == {"id": "dropped", **trigger, "inputs": saved["inputs"]}


def test_a_form_that_starts_a_workflow_is_added_with_its_fields(
    workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    page = _triggers_tab(open_page)

    def typed(label: str, text: str) -> None:
        _again(page, "Add a trigger")
        next(one for one in page.text_input if one.label.startswith(label)).set_value(text).run()

    _again(page, "Add a trigger").run()
    _again(page, "Add a trigger").selectbox(key="trigger-uses").set_value("form.submitted").run()
    typed("Title of the form", "Orders")
    assert (list(page.error), "Fill in what is required" in _texts(page)) == ([], True)
    typed("Name, as in", "amount")
    typed("Label", "How many?")
    _again(page, "Add a trigger").selectbox(key="trigger-form.submitted-fields-0-type").set_value("number").run()
    _again(page, "Add a trigger").button(key="trigger-form.submitted-fields-add").click().run()
    _again(page, "Add a trigger").button(key="trigger-form.submitted-fields-remove-1").click().run()
    _again(page, "Add a trigger").button(key="trigger-add").click().run()
    assert not page.exception
    added = json.loads((workspace / "workflows" / "read-files.json").read_text())["triggers"][1]
    assert added["with"]["fields"] == [{"name": "amount", "label": "How many?", "type": "number"}]


def test_runs_that_wait_for_an_answer_are_told_with_a_link(
    orchestra: Orchestra, workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    asks = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}}
    path = workspace / "workflows" / "read-files.json"
    path.write_text(json.dumps({**WATCHER, "steps": [asks], "outputs": {}}))
    orchestra.triggers.turn_on(OWNER, "read-files", "dropped", Start())
    for name in ("a.txt", "b.txt"):
        (workspace / "drop" / name).write_text("Hello")
    until(lambda: orchestra.approvals.count_open(OWNER) == 2)
    page = open_page("triggers")
    assert "running" not in _texts(page)
    [link] = [one for one in page.get("page_link") if "2 wait for you" in one.proto.label]
    assert "approvals" in str(link.proto)
    [run_id, _] = [row.run_id for row in orchestra.runs.list(OWNER).rows]
    assert "by the trigger A dropped file" in _texts(open_page("runs"))
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert "by the trigger A dropped file" in _texts(open_page("run", id=run_id))
