"""Environments on every face: made, changed, promoted, rolled back and run in, with the same files and trail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
from tests.faces.conftest import Faces, Open, Outcome
from tests.patience import until

OWNER = Principal("owner", "owner")
GREET = {
    "schema_version": 1,
    "title": "Greet",
    "triggers": [{"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}}],
    "steps": [{"id": "say", "uses": "flow.set", "with": {"values": {"text": "{{ env.GREETING }}"}}}],
    "outputs": {"text": "{{ steps.say.output.text }}"},
}
Act = Callable[[Faces], Outcome]


def command(*words: str) -> Act:
    return lambda faces: faces.command(["env", *words])


def request(method: str, path: str, body: Any = None) -> Act:
    return lambda faces: faces.request(method, f"/api/environments{path}", body)


def page(press: Callable[[AppTest], AppTest]) -> Act:
    return lambda faces: faces.page(lambda go: press(go("environments")))


def tab(press: Callable[[AppTest], AppTest]) -> Act:
    def pressed(go: Open) -> AppTest:
        at = go("workflow", name="greet")
        at.query_params["tab"] = "environments"
        return press(at.run())

    return lambda faces: faces.page(pressed)


def click(key: str) -> Callable[[AppTest], AppTest]:
    return lambda at: at.button(key=key).click().run()


def _new(at: AppTest) -> AppTest:
    at.text_input(key="env-new-name").set_value("staging")
    return click("env-new")(at)


def _set(environment: str) -> Callable[[AppTest], AppTest]:
    def act(at: AppTest) -> AppTest:
        at.text_input(key=f"env-variable-{environment}").set_value("GREETING")
        at.text_input(key=f"env-value-{environment}").set_value("hi")
        return click(f"env-set-{environment}")(at)

    return act


def _connect(at: AppTest) -> AppTest:
    at.selectbox(key="env-connection-dev-notion").set_value("demo")
    return click("env-connect-dev")(at)


def _promote(at: AppTest) -> AppTest:
    return click("promote-greet")(click("promote-check-greet")(at))


def _move(at: AppTest) -> AppTest:
    at.selectbox(key="triggers-in-greet").set_value("prod")
    return click("move-triggers-greet")(at.run())


def _change_the_file(faces: Faces) -> Outcome:
    text = json.dumps({**GREET, "title": "Greetings"}, indent=1)
    (faces.orchestra.workspace.workflows.folder / "greet.json").write_text(text)
    return Outcome()


STORY: Mapping[str, tuple[Act, Act, Act]] = {
    "init": (command("init"), request("POST", "/init"), page(click("env-init"))),
    "new": (command("new", "staging"), request("POST", "", {"name": "staging"}), page(_new)),
    "set in dev": (
        command("set", "dev", "GREETING=hi"),
        request("PUT", "/dev/variables", {"variables": {"GREETING": "hi"}}),
        page(_set("dev")),
    ),
    "set in prod": (
        command("set", "prod", "GREETING=hi"),
        request("PUT", "/prod/variables", {"variables": {"GREETING": "hi"}}),
        page(_set("prod")),
    ),
    "connect": (
        command("connect", "dev", "notion=demo"),
        request("PUT", "/dev/connections", {"connections": {"notion": "demo"}}),
        page(_connect),
    ),
    "promote": (
        command("promote", "greet", "--from", "dev", "--to", "prod"),
        request("POST", "/prod/promote", {"workflow": "greet", "source": "dev"}),
        tab(_promote),
    ),
    "change": (_change_the_file, _change_the_file, _change_the_file),
    "promote again": (
        command("promote", "greet", "--to", "prod"),
        request("POST", "/prod/promote", {"workflow": "greet", "source": "dev"}),
        tab(_promote),
    ),
    "roll back": (
        command("rollback", "greet", "--in", "prod"),
        request("POST", "/prod/rollback", {"workflow": "greet"}),
        tab(click("env-rollback-prod")),
    ),
    "move triggers": (
        command("triggers", "greet", "prod"),
        request("PUT", "/prod/triggers", {"workflow": "greet"}),
        tab(_move),
    ),
    "take it out": (
        command("remove", "greet", "--from", "prod", "--triggers-to", "dev"),
        request("DELETE", "/prod/workflows/greet?triggers_to=dev"),
        tab(click("env-remove-prod-greet")),
    ),
    "default": (command("default", "prod"), request("PUT", "/prod/default"), page(click("env-default-prod"))),
    "delete": (command("delete", "staging"), request("DELETE", "/staging"), page(click("env-delete-staging"))),
    "unset": (
        command("unset", "dev", "GREETING"),
        request("PUT", "/dev/variables", {"variables": {"GREETING": None}}),
        page(click("env-unset-dev-GREETING")),
    ),
}
"""What is done on each face, one after the other."""
_DIFFERS = re.compile(r'"(made_at|promoted_at|promoted_by)": "[^"]+"')


def _runs_in(environment: str, go: Open) -> AppTest:
    return go("runs", environment=environment)


def files_of(faces: Faces) -> dict[str, str]:
    root = faces.orchestra.workspace.root
    found = [
        root / "config.yaml",
        *root.glob("environments/*"),
        *root.glob("workflows/**/greet*"),
        *root.glob("workflows/greet.versions/*"),
    ]
    return {str(one.relative_to(root)): _DIFFERS.sub("", one.read_text()) for one in sorted(found) if one.is_file()}


def test_each_face_does_the_same_and_leaves_the_same_trail(make_faces: Callable[[], Faces]) -> None:
    stories = []
    for face in range(3):
        faces = make_faces()
        (faces.orchestra.workspace.workflows.folder / "greet.json").write_text(json.dumps(GREET, indent=1))
        told = []
        for name, acts in STORY.items():
            if name == "unset":  # what runs there needs it, until the file is gone
                assert "would no longer run in 'dev'" in acts[face](faces).message
                (faces.orchestra.workspace.workflows.folder / "greet.json").write_text("{}")
            done = acts[face](faces)
            assert done.message == "", (face, name)
            if name == "move triggers":
                assert command("show", "prod")(faces) == request("GET", "/prod")(faces)
            told.append((name, files_of(faces)))
        stories.append((told, [line for line in faces.trail() if line[0].startswith("environments.")]))
    assert stories[0] == stories[1] == stories[2]
    assert [action for action, _ in stories[0][1]] == [
        *(["environments.create"] * 3), "environments.set", "environments.set", "environments.connect",
        "environments.promote", "environments.promote", "environments.roll_back", "environments.move_triggers",
        "environments.remove", "environments.set_default", "environments.delete", "environments.set",
    ]  # fmt: skip


def test_each_face_shows_the_same_check_and_refuses_in_the_same_words(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    (faces.orchestra.workspace.workflows.folder / "greet.json").write_text(json.dumps(GREET, indent=1))
    faces.orchestra.environments.init(OWNER)
    faces.orchestra.environments.set_variables(OWNER, "dev", {"GREETING": "hi"})
    asked = faces.client("owner").get("/api/environments/prod/promotion?workflow=greet&source=dev").json()
    [problem] = asked["problems"]
    faces.orchestra.environments.create(OWNER, "bare")
    [unfit] = faces.request("GET", "/api/environments/bare/problems").value["problems"]
    assert unfit["message"] == "The environment 'bare' has no variable 'GREETING'."
    assert unfit["message"] in page(click("env-check-bare"))(faces).message
    faces.orchestra.environments.delete(OWNER, "bare")
    assert faces.request("GET", "/api/environments/dev/problems").value == {"problems": []}
    assert faces.command(["env", "check", "dev"]).value == {"problems": []}
    assert problem["message"] == "The environment 'prod' has no variable 'GREETING'."
    shown = tab(click("promote-check-greet"))(faces)
    assert problem["message"] in shown.message
    assert shown.value.button(key="promote-greet").disabled
    by_command, by_request = STORY["promote"][0](faces), STORY["promote"][1](faces)
    assert by_command == by_request
    assert by_command.error == "InvalidFile"
    for wrong in (
        (command("set", "dev", "A-B=1"), request("PUT", "/dev/variables", {"variables": {"A-B": 1}})),
        (command("show", "prdo"), request("GET", "/prdo")),
        (
            command("connect", "dev", "notion=nowhere"),
            request("PUT", "/dev/connections", {"connections": {"notion": "nowhere"}}),
        ),
        (command("rollback", "greet", "--in", "prod"), request("POST", "/prod/rollback", {"workflow": "greet"})),
        (command("new", "dev"), request("POST", "", {"name": "dev"})),
        (command("remove", "greet", "--from", "prod"), request("DELETE", "/prod/workflows/greet")),
        (command("init"), request("POST", "/init")),
        (
            command("promote", "greet", "--from", "dev", "--to", "dev"),
            request("POST", "/dev/promote", {"workflow": "greet", "source": "dev"}),
        ),
    ):
        first, second = wrong[0](faces), wrong[1](faces)
        assert first.message, wrong
        assert first == second


def test_a_run_names_its_environment_on_each_face(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    (faces.orchestra.workspace.workflows.folder / "greet.json").write_text(json.dumps(GREET, indent=1))
    without = faces.page(lambda go: go("workflow", name="small")).value
    assert "environment-small" not in {one.key for one in without.button_group}, "as without environments"
    environments = faces.orchestra.environments
    environments.init(OWNER)
    for name, text in (("dev", "hi"), ("prod", "Dear all")):
        environments.set_variables(OWNER, name, {"GREETING": text})
    environments.promote(OWNER, "greet", "dev", "prod")
    wanted = {"name": "prod", "version": 1, "connections": {}}

    def press(go: Open) -> AppTest:
        at = go("workflow", name="greet")
        at.button_group(key="environment-greet").set_value("prod").run()
        return at.button(key="run-greet").click().run()

    faces.page(press)
    until(lambda: len(faces.orchestra.runs.list(OWNER, workflow="greet", status="succeeded").rows) == 1)
    [row] = faces.orchestra.runs.list(OWNER, workflow="greet").rows
    by_page = faces.orchestra.runs.get(OWNER, row.run_id)
    by_command = faces.command(["run", "greet", "--env", "prod"]).value
    body = {"workflow": "greet", "environment": "prod", "wait_seconds": 60}
    by_request = faces.request("POST", "/workflows/execute", body).value
    for run in (by_page, by_command, by_request):
        assert (run["environment"], run["outputs"]) == (wanted, {"text": "Dear all"})
    in_dev = faces.command(["run", "greet"]).value["run_id"]
    for name, wanted_ids in (("dev", [in_dev]), ("prod", [by_request["run_id"], by_command["run_id"], row.run_id])):
        of_command = faces.command(["runs", "list", "--env", name]).value
        assert of_command == faces.request("GET", f"/api/runs?environment={name}").value
        assert [one["run_id"] for one in of_command["runs"]] == wanted_ids
        assert {one["environment"] for one in of_command["runs"]} == {name}
        listed = faces.page(partial(_runs_in, name)).value
        links = [link.proto.query_string for link in listed.get("page_link") if link.proto.page == "run"]
        assert links == [f"id={one}" for one in wanted_ids]
    at = faces.page(lambda go: go("run", id=row.run_id)).value
    assert any("prod · version 1" in one.value for one in at.markdown)
    unknown = (
        faces.command(["run", "greet", "--env", "prdo"]),
        faces.request("POST", "/workflows/execute", {**body, "environment": "prdo"}),
    )
    assert unknown[0] == unknown[1]
    assert unknown[0].error == "UnknownName"
