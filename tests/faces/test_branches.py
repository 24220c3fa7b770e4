"""Branches on every face: made, compared, merged with a conflict decided, deleted, with the same files and trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from commands.base.inputs import by_name
from commands.workflows.branches import _show
from engine.people.access import Principal
from tests.faces.conftest import Faces, Open, Outcome

OWNER = Principal("owner", "owner")
ADDRESS = "/api/workflows/small/branches"
PLACE = "steps.one.with.values.x"
Act = Callable[[Faces], Outcome]


def command(*words: str) -> Act:
    return lambda faces: faces.command(["workflows", *words])


def request(method: str, path: str, body: Any = None) -> Act:
    return lambda faces: faces.request(method, f"{ADDRESS}{path}", body)


def decided(path: str, **body: Any) -> Act:
    """Merge with choices, about the text as it is now."""

    def act(faces: Faces) -> Outcome:
        etag = faces.orchestra.workflows.get(OWNER, "small").etag
        return faces.request("POST", f"{ADDRESS}{path}", {**body, "etag": etag})

    return act


def page(press: Callable[[AppTest], AppTest]) -> Act:
    def pressed(go: Open) -> AppTest:
        at = go("workflow", name="small")
        at.query_params["tab"] = "branches"
        return press(at.run())

    return lambda faces: faces.page(pressed)


def click(key: str) -> Callable[[AppTest], AppTest]:
    return lambda at: at.button(key=key).click().run()


def _new(name: str) -> Callable[[AppTest], AppTest]:
    def act(at: AppTest) -> AppTest:
        at.text_input(key="branch-name-small").set_value(name).run()
        return click("branch-new-small")(at)

    return act


def _merge(at: AppTest) -> AppTest:
    at = click("compare-labels")(at)
    assert at.button(key="merge-labels").disabled, "as long as the conflict is not decided"
    at.radio(key=f"conflict-small@labels-{PLACE}").set_value("branch").run()
    at.checkbox(key="merge-keep-labels").set_value(True).run()
    return click("merge-labels")(at)


def _edited(name: str, value: int) -> Act:
    def act(faces: Faces) -> Outcome:
        ops = [{"op": "set", "step": "one", "field": "with.values.x", "value": value}]
        if "@" in name:
            ops.append({"op": "notes", "step": "two", "text": "from the branch"})
        faces.orchestra.editing.edit_file(OWNER, name, ops)
        return Outcome()

    return act


def _same(act: Act) -> tuple[Act, Act, Act]:
    return act, act, act


STORY: Mapping[str, tuple[Act, Act, Act]] = {
    "make": (command("branch", "small", "labels"), request("POST", "", {"branch": "labels"}), page(_new("labels"))),
    "make another": (command("branch", "small", "idea"), request("POST", "", {"branch": "idea"}), page(_new("idea"))),
    "change the branch": _same(_edited("small@labels", 7)),
    "change the workflow": _same(_edited("small", 8)),
    "merge": (
        command("merge", "small", "labels", "--take", f"{PLACE}=branch", "--keep"),
        decided("/labels/merge", choices={PLACE: "branch"}, keep=True),
        page(_merge),
    ),
    "delete": (
        command("delete-branch", "small", "idea"),
        request("DELETE", "/idea"),
        page(click("branch-delete-idea")),
    ),
}
"""The actions on each face, in order."""


def test_each_face_does_the_same_and_leaves_the_same_trail(make_faces: Callable[[], Faces]) -> None:
    stories = []
    for face in range(3):
        faces, told = make_faces(), []
        for name, acts in STORY.items():
            done = acts[face](faces)
            assert done.message == "", (face, name)
            told.append((name, faces.state()))
        stories.append(told)
    assert stories[0] == stories[1] == stories[2]
    files = stories[0][-1][1]["files"]
    small = json.loads(files["workflows/small.json"])
    assert (small["steps"][0]["with"], small["steps"][1]["note"]) == ({"values": {"x": 7}}, "from the branch")
    assert files["workflows/small.branches/labels.json"] == files["workflows/small.json"]
    assert not any("idea" in name for name in files)


def test_each_face_shows_the_same_and_refuses_in_the_same_words(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.branches.create(OWNER, "small", "labels")
    for act in (_edited("small@labels", 7), _edited("small", 8)):
        act(faces)
    by_command, by_request = command("branches", "small")(faces), request("GET", "")(faces)
    assert by_command.value == by_request.value
    assert by_request.value["branches"][0]["behind"] == ["one: values.x now takes 8"]
    asked = request("POST", "/labels/check", {"choices": {}})(faces).value
    [conflict] = asked["conflicts"]
    assert (conflict["place"], conflict["base"], conflict["main"], conflict["branch"]) == (PLACE, 1, 8, 7)
    shown = page(click("compare-labels"))(faces).value
    options = shown.radio(key=f"conflict-small@labels-{PLACE}").options
    assert [one.replace("\\", "") for one in options] == [
        "In small: one: values.x now takes 8",
        "In the branch: one: values.x now takes 7",
        "Another value",
    ]
    typed = request("POST", "/labels/check", {"choices": {PLACE: {"value": 9}}})(faces).value
    assert typed["conflicts"][0]["taken"] == "value"
    refused = request("POST", "/labels/merge", {})(faces)
    assert (refused.error, f"Both have changed {PLACE}." in refused.message) == ("InvalidFile", True)
    for words, method, path, body in (
        (("branch", "small", "labels"), "POST", "", {"branch": "labels"}),
        (("branch", "small", "No"), "POST", "", {"branch": "No"}),
        (("merge", "small", "lable"), "POST", "/lable/merge", {}),
        (("delete-branch", "small", "lable"), "DELETE", "/lable", None),
    ):
        first, second = command(*words)(faces), request(method, path, body)(faces)
        assert first.message, words
        assert first == second
    unknown = command("merge", "small", "labels", "--take", "x=main")(faces)
    assert unknown.message
    assert unknown == decided("/labels/merge", choices={"x": "main"})(faces)
    blind = faces.client("owner").post(f"{ADDRESS}/labels/merge", json={"choices": {PLACE: "branch"}})
    assert (blind.status_code, "If-Match" in blind.json()["error"]["remedy"]) == (428, True)
    stale = {"choices": {PLACE: "branch"}, "etag": "0123456789abcdef"}
    assert faces.client("owner").post(f"{ADDRESS}/labels/merge", json=stale).status_code == 409
    own = faces.page(lambda go: go("workflow", name="small@labels")).value
    assert any("Branch labels" in one.value for one in own.markdown)


def test_each_face_says_what_became_of_the_branch(
    make_faces: Callable[[], Faces], capsys: pytest.CaptureFixture[str]
) -> None:
    faces = make_faces()
    faces.orchestra.branches.create(OWNER, "small", "labels")
    _edited("small@labels", 7)(faces)
    file = faces.orchestra.workflows.get(OWNER, "small@labels")
    draft = file.text.replace("7", "9")
    faces.orchestra.drafts.keep(Principal("ana", "editor"), "workflow", "small@labels", draft, file.etag)
    for act in (command("merge", "small", "labels"), request("POST", "/labels/merge", {})):
        done = act(faces).value
        assert (done["branch_is"], done["unsaved_by"]) == ("kept", ["ana"])
    _show(replace(faces.orchestra.branches.check(OWNER, "small", "labels"), is_done=True, branch_is="kept"))
    assert "The branch is kept, because ana did not save all changes of it." in capsys.readouterr().out
    at = page(lambda at: click("merge-labels")(click("compare-labels")(at)))(faces).value
    assert any("kept for the unsaved changes of ana" in one.value for one in at.toast)
    deleted = request("DELETE", "/labels")(faces).value
    assert deleted["unsaved_by"] == ["ana"]


def test_a_place_may_have_keys_with_signs_of_their_own() -> None:
    places = by_name(['steps.a.with["x=\\"]="].b=main', "n=a=b"], "a conflict")
    assert places == {'steps.a.with["x=\\"]="].b': "main", "n": "a=b"}


def test_who_may_not_edit_sees_branches_and_changes_none(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.branches.create(OWNER, "small", "labels")
    before = faces.state()
    for method, path, body in (
        ("POST", "", {"branch": "more"}),
        ("POST", "/labels/merge", {}),
        ("DELETE", "/labels", None),
    ):
        assert faces.request(method, f"{ADDRESS}{path}", body, "operator").error == "NotAllowed"
    for method, path, body in (("GET", "", None), ("POST", "/labels/check", {})):
        assert faces.request(method, f"{ADDRESS}{path}", body, "viewer").error == ""
    at = faces.page(lambda go: go("workflow", name="small@labels", tab="branches"), "viewer").value
    assert not {"merge-labels", "branch-delete-labels"} & {one.key for one in at.button}
    assert {**faces.state(), "sessions": {}} == {**before, "sessions": {}}
