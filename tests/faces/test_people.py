"""Users and the audit trail: what becomes of whom is removed, and that only owners read who did what."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.people.access import Principal
from tests.faces.conftest import LOCAL, PASSWORD, Faces
from tests.patience import PATIENCE_SECONDS

Make = Callable[[], Faces]
ASKING: dict[str, Any] = {
    "schema_version": 1,
    "steps": [{"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}],
}


def test_who_is_removed_is_out_at_once_and_what_they_did_stays(make_faces: Make) -> None:
    faces = make_faces()
    orchestra, users = faces.orchestra, faces.orchestra.users
    (orchestra.workspace.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    ann = Principal("editor", "editor")
    session = users.redeem(users.login_link(LOCAL, "editor"), "192.0.2.7", "Browser/1.0")
    token = users.token("editor", PASSWORD)
    link = users.login_link(LOCAL, "editor")
    assert session is not None
    assert token is not None
    for name in ("editor", "editor.workflow"):  # whose keys begin alike
        if name != "editor":
            users.add(LOCAL, name, name, "editor")
        orchestra.drafts.keep(Principal(name, "editor"), "workflow", "small", "typed", "e")
    run_id = orchestra.runs.start(ann, "asking", {})
    assert orchestra.runs.wait(ann, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    [answered] = orchestra.approvals.list(ann)

    assert faces.request("DELETE", "/api/users/editor").error == ""

    assert users.session(session.id) is None
    assert users.principal_of_token(token) is None
    assert users.redeem(link) is None
    assert orchestra.approvals.approve(LOCAL, answered.id).state == "approved"
    document = orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)
    assert (document["status"], document["started_by"]) == ("succeeded", "editor")
    users.add(LOCAL, "editor", "Somebody else", "editor", PASSWORD)
    assert users.principal_of_token(token) is None
    assert orchestra.drafts.get(ann, "workflow", "small") is None
    assert orchestra.drafts.get(Principal("editor.workflow", "editor"), "workflow", "small") is not None
    [again] = [one for one in users.list(LOCAL) if one.id == "editor"]
    assert (again.last_sign_in_at, again.sessions) == (None, 0)


def test_a_login_link_of_the_page_lets_in_whom_it_is_for(make_faces: Make) -> None:
    faces = make_faces()
    made = faces.page(lambda go: go("users").button(key="link-editor").click().run()).value
    [link] = [one.value for one in made.code if "/login?token=" in one.value]
    session = faces.orchestra.users.redeem(link.partition("token=")[2])
    assert session is not None
    assert session.user_id == "editor"


def test_an_answer_keeps_the_name_of_who_is_removed(make_faces: Make) -> None:
    faces = make_faces()
    orchestra = faces.orchestra
    (orchestra.workspace.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    ann = Principal("operator", "operator")
    run_id = orchestra.runs.start(ann, "asking", {})
    orchestra.runs.wait(ann, run_id, PATIENCE_SECONDS)
    [question] = orchestra.approvals.list(ann)
    orchestra.approvals.approve(ann, question.id)
    orchestra.users.remove(LOCAL, "operator")
    assert orchestra.approvals.get(LOCAL, question.id).answered_by == "operator"
    assert ("approvals.approved", question.id) in faces.trail()


def test_another_role_counts_from_the_next_click_and_the_last_owner_stays(make_faces: Make) -> None:
    faces = make_faces()
    assert faces.request("POST", "/api/workflows", {"name": "one"}, "editor").error == ""
    faces.orchestra.users.set_role(LOCAL, "editor", "viewer")
    assert faces.request("POST", "/api/workflows", {"name": "two"}, "editor").error == "NotAllowed"
    faces.orchestra.users.set_role(LOCAL, "viewer", "owner")
    assert faces.request("PUT", "/api/users/owner/role", {"role": "viewer"}).error == ""
    assert faces.request("GET", "/api/users").error == "NotAllowed"
    assert faces.request("DELETE", "/api/users/viewer", user_id="viewer").error == "InvalidInput"


def test_sessions_say_where_they_are_and_end_one_by_one(make_faces: Make) -> None:
    faces = make_faces()
    users = faces.orchestra.users
    agent = "Browser/1.0\x1b[31m (" + "x" * 500
    kept, ended = (users.redeem(users.login_link(LOCAL, "editor"), "192.0.2.7", agent) for _ in range(2))
    assert kept is not None
    assert ended is not None
    shown = faces.request("GET", "/api/users/editor/sessions").value["sessions"]
    assert faces.command(["users", "sessions", "editor"]).value["sessions"][0]["address"] == "192.0.2.7"
    assert {len(one["agent"]) for one in shown} == {200}
    assert "\x1b" not in str(shown)
    assert not any(kept.id in str(one) or ended.id in str(one) for one in shown)
    assert users.session(shown[0]["id"]) is None
    from engine.people.sessions import shown_id

    path = f"/api/users/editor/sessions/{shown_id(ended.id)}"
    assert faces.request("DELETE", path).error == ""
    assert faces.request("DELETE", path).error == "UnknownName"
    assert faces.request("DELETE", path[:-8]).error == "UnknownName"
    assert (users.session(kept.id), users.session(ended.id)) == (Principal("editor", "editor"), None)
    assert [one.id for one in users.sessions(Principal("editor", "editor"), "editor")] == [shown_id(kept.id)]


def test_each_face_finds_the_same_lines_of_the_trail(make_faces: Make) -> None:
    faces = make_faces()
    trail = faces.orchestra.trail
    for number in range(7):
        faces.orchestra.workflows.create(Principal("editor", "editor"), f"made-{number}")
    faces.orchestra.workflows.delete(LOCAL, "made-0")
    everything = trail.lines(LOCAL)
    middle = everything[3].at + timedelta(milliseconds=1)
    for query, options, fits in (
        ({}, [], lambda _line: True),
        ({"who": "editor"}, ["--who", "editor"], lambda line: line.principal == "editor"),
        ({"action": "workflows"}, ["--action", "workflows"], lambda line: line.action.startswith("workflows.")),
        ({"action": "users.add"}, ["--action", "users.add"], lambda line: line.action == "users.add"),
        ({"action": "user"}, ["--action", "user"], lambda _line: False),
        ({"action": "%"}, ["--action", "%"], lambda _line: False),
        ({"since": middle.isoformat()}, [], lambda line: line.at >= middle),
        ({"until": middle.isoformat()}, [], lambda line: line.at < middle),
    ):
        answer = faces.client("owner").get("/api/audit", params={**query, "limit": 1000})
        now = [line for line in trail.lines(LOCAL) if line.action not in ("users.login", "users.login_link")]
        found = [one["number"] for one in answer.json()["lines"] if not one["action"].startswith("users.login")]
        assert found == [line.number for line in now if fits(line)], query
        if options or not query:
            command = faces.command(["audit", "list", *options, "--limit", "1000"]).value["lines"]
            assert [one["number"] for one in command if not one["action"].startswith("users.login")] == found


def test_pages_of_the_trail_have_every_line_once(make_faces: Make) -> None:
    faces = make_faces()
    seen: list[int] = []
    before: dict[str, Any] = {}
    while True:
        page = faces.client("owner").get("/api/audit", params={"limit": 2, "action": "users.add", **before}).json()
        seen += [one["number"] for one in page["lines"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert len(seen) == len(set(seen)) == 3
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("name", ['=HYPERLINK("http://evil")', "+1", "-1+1", "@SUM(A1)", "a=b"])
def test_no_cell_of_the_export_is_a_formula(make_faces: Make, name: str) -> None:
    faces = make_faces()
    faces.orchestra._families.opened.audit.record(LOCAL, "workflows.save", name, name)
    exported = faces.request("GET", "/api/audit/csv?action=workflows").value
    [head, row] = list(csv.reader(io.StringIO(exported)))
    assert head == ["number", "at", "who", "action", "target", "detail"]
    expected = name if name == "a=b" else f"'{name}"
    assert row[2:] == ["local:grace", "workflows.save", expected, expected]


def test_the_page_of_the_trail_filters_and_turns(make_faces: Make) -> None:
    faces = make_faces()
    for number in range(60):
        faces.orchestra._families.opened.audit.record("ann", "workflows.save", f"w{number}")
    at = faces.page(lambda go: go("audit")).value
    assert len(at.dataframe[0].value) == 50
    at.selectbox(key="audit-who").set_value("ann").run()
    assert list(at.dataframe[0].value["Target"])[:2] == ["w59", "w58"]
    at.button(key="audit-older").click().run()
    assert list(at.dataframe[0].value["Target"]) == [f"w{number}" for number in range(9, -1, -1)]
    at.button(key="audit-newer").click().run()
    assert len(at.dataframe[0].value) == 50
    at = faces.page(lambda go: go("audit"), "editor").value
    assert not at.dataframe
    assert "may not see the audit trail" in str(at.error[0].value)


def test_the_menu_names_only_pages_that_a_person_may_see(make_faces: Make) -> None:
    faces = make_faces()
    from dashboard.pages import all_views
    from engine.people.access import may

    hidden = {view.page.path for view in all_views() if view.page.right == "admin"}
    assert hidden == {"users", "audit"}
    assert not may(Principal("e", "editor"), "admin")
    at = faces.page(lambda go: go("users"), "editor").value
    assert "may not see the users" in str(at.error[0].value)
