"""Labels of versions on every face: given, renamed, used and removed, with the same files and trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
from tests.faces.conftest import Faces, Open, Outcome

OWNER = Principal("owner", "owner")
LABEL = "before the rewrite"
Act = Callable[[Faces], Outcome]


def command(*words: str) -> Act:
    return lambda faces: faces.command([_now(faces, word) for word in words])


def request(method: str, path: str, body: Mapping[str, str] | None = None) -> Act:
    def act(faces: Faces) -> Outcome:
        sent = None if body is None else {key: _now(faces, value) for key, value in body.items()}
        return faces.request(method, f"/api/{path}", sent)

    return act


def _now(faces: Faces, word: str) -> str:
    """Return the id of the oldest version for OLDEST, the etag of the file for ETAG, and any other word as it is."""
    if word == "OLDEST":
        return faces.orchestra.versions.list(OWNER, "small")[-1].id
    return faces.orchestra.workflows.get(OWNER, "small").etag if word == "ETAG" else word


def page(tab: str, press: Callable[[AppTest, str], AppTest]) -> Act:
    def act(faces: Faces) -> Outcome:
        oldest = faces.orchestra.versions.list(OWNER, "small")[-1].id

        def pressed(go: Open) -> AppTest:
            at = go("workflow", name="small")
            at.query_params["tab"] = tab
            return press(at.run(), oldest)

        return faces.page(pressed)

    return act


def _chosen(at: AppTest) -> AppTest:
    versions = at.radio(key="versions-small")
    return versions.set_value(versions.options[-1]).run()


def _labelled(at: AppTest, oldest: str) -> AppTest:
    _chosen(at).text_input(key=f"new-label-small-{oldest}").set_value(LABEL).run()
    return at.button(key=f"save-label-small-{oldest}").click().run()


def _renamed(at: AppTest, _oldest: str) -> AppTest:
    at.text_input(key="find-label-small").set_value("REWRITE").run()
    assert len(at.radio(key="versions-small").options) == 1
    at.text_input(key=f"text-label-small-{LABEL}").set_value("v2").run()
    return at.button(key=f"rename-label-small-{LABEL}").click().run()


def _branch(at: AppTest, _oldest: str) -> AppTest:
    at.text_input(key="branch-name-small").set_value("old").run()
    at.selectbox(key="branch-from-small").set_value("v2").run()
    return at.button(key="branch-new-small").click().run()


def _promoted(at: AppTest, _oldest: str) -> AppTest:
    at.selectbox(key="promote-from-small").set_value("version v2").run()
    at.selectbox(key="promote-to-small").set_value("prod").run()
    at.button(key="promote-check-small").click().run()
    return at.button(key="promote-small").click().run()


def _restored(at: AppTest, _oldest: str) -> AppTest:
    return _chosen(at).button(key="restore-small").click().run()


def _removed(at: AppTest, _oldest: str) -> AppTest:
    return _chosen(at).button(key="remove-label-small-v2").click().run()


STORY: Mapping[str, tuple[Act, Act, Act]] = {
    "label": (
        command("workflows", "label", "small", LABEL, "OLDEST"),
        request("PUT", f"workflows/small/labels/{LABEL}", {"version": "OLDEST"}),
        page("history", _labelled),
    ),
    "rename": (
        command("workflows", "label", "small", LABEL, "--rename", "v2"),
        request("POST", f"workflows/small/labels/{LABEL}/rename", {"new": "v2"}),
        page("history", _renamed),
    ),
    "branch": (
        command("workflows", "branch", "small", "old", "--from", "v2"),
        request("POST", "workflows/small/branches", {"branch": "old", "version": "v2"}),
        page("branches", _branch),
    ),
    "promote": (
        command("env", "promote", "small", "--version", "v2", "--to", "prod"),
        request("POST", "environments/prod/promote", {"workflow": "small", "version": "v2"}),
        page("environments", _promoted),
    ),
    "restore": (
        command("workflows", "restore", "small", "v2"),
        request("POST", "workflows/small/versions/v2/restore", {"etag": "ETAG"}),
        page("history", _restored),
    ),
    "remove": (
        command("workflows", "label", "small", "v2", "--remove"),
        request("DELETE", "workflows/small/labels/v2"),
        page("history", _removed),
    ),
}
"""The actions on each face, in order."""


def prepared(faces: Faces) -> Faces:
    """A workflow with two texts, and environments."""
    faces.orchestra.environments.init(OWNER)
    ops = [{"op": "set", "step": "one", "field": "with.values.x", "value": 7}]
    for op in (ops, [{**ops[0], "value": 8}]):
        faces.orchestra.editing.edit_file(OWNER, "small", op)
    return faces


def test_each_face_does_the_same_and_leaves_the_same_trail(make_faces: Callable[[], Faces]) -> None:
    stories = []
    for face in range(3):
        faces, told = prepared(make_faces()), []
        for name, acts in STORY.items():
            done = acts[face](faces)
            assert done.message == "", (face, name)
            told.append((name, faces.state()))
        stories.append(told)
    for other in stories[1:]:
        for (name, expected), (_, found) in zip(stories[0], other, strict=True):
            assert expected == found, name
    files = stories[0][-1][1]["files"]
    assert files["workflows/small.branches/old.base.json"] == files["workflows/small.versions/1.json"]
    restored, first = (json.loads(files[f"workflows/{one}.json"]) for one in ("small", "small.versions/1"))
    assert {**restored, "id": None} == {**first, "id": None}
    assert "workflows/small.versions/labels.json" not in files


def test_each_face_shows_the_same_and_refuses_in_the_same_words(make_faces: Callable[[], Faces]) -> None:
    faces = prepared(make_faces())
    oldest = faces.orchestra.versions.list(OWNER, "small")[-1].id
    faces.orchestra.versions.label(OWNER, "small", LABEL, oldest)
    listed = request("GET", "workflows/small/versions")(faces).value
    assert listed == command("workflows", "versions", "small")(faces).value
    assert [one["labels"] for one in listed["versions"]] == [[], [], [LABEL]]
    shown = request("GET", f"workflows/small/versions/{LABEL}")(faces).value["file"]
    assert shown["document"] == command("workflows", "show", "small", "--version", LABEL)(faces).value["document"]
    said = request("GET", f"workflows/small/differences?old={LABEL}")(faces).value
    assert said == command("workflows", "diff", "small", LABEL)(faces).value
    assert said["differences"] == ["one: values.x now takes 8"]
    found = command("workflows", "versions", "small", "--search", "Rewrite")(faces).value
    assert [one["id"] for one in found["versions"]] == [oldest]
    for words, method, path, body in (
        (("workflows", "label", "small", LABEL), "PUT", f"workflows/small/labels/{LABEL}", {}),
        (("workflows", "label", "small", "7"), "PUT", "workflows/small/labels/7", {}),
        (("workflows", "label", "small", "x", "y"), "PUT", "workflows/small/labels/x", {"version": "y"}),
        (("workflows", "label", "small", "x", "--remove"), "DELETE", "workflows/small/labels/x", None),
        (("workflows", "restore", "small", "x"), "POST", "workflows/small/versions/x/restore", {"etag": "ETAG"}),
        (
            ("workflows", "branch", "small", "b", "--from", "x"),
            "POST",
            "workflows/small/branches",
            {"branch": "b", "version": "x"},
        ),
        (
            ("env", "promote", "small", "--version", "x", "--to", "prod"),
            "POST",
            "environments/prod/promote",
            {"workflow": "small", "version": "x"},
        ),
    ):
        first, second = command(*words)(faces), request(method, path, body)(faces)
        assert first.message, words
        assert first == second
