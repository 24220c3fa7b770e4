"""The tables of the workspace on every face: what a run remembered is seen, corrected and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.faces.conftest import Faces, Open


def test_every_face_shows_and_changes_the_rows(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()

    def edit(go: Open) -> AppTest:
        at = go("tables", row="ann/1")
        text = next(one for one in at.text_area if (one.key or "").startswith("tables-customers"))
        assert json.loads(text.value or "") == {"mails": 1}
        text.set_value('{"mails": 2}').run()
        return at.button(key="tables-save-ann/1").click().run()

    assert faces.command(["tables", "list"]).value == {"tables": []}
    assert faces.request("PUT", "/api/tables/customers/rows", {"key": "ann/1", "value": {"mails": 1}}).error == ""
    assert faces.page(edit).error == ""
    assert faces.command(["tables", "set", "customers", "ann/1", '{"city": "Bonn"}', "--merge"]).error == ""
    assert faces.command(["tables", "set", "customers", "bob", "plain words"]).error == ""
    rows = faces.request("GET", "/api/tables/customers?descending=true").value
    assert [(row["key"], row["value"]) for row in rows["rows"]] == [
        ("bob", "plain words"),
        ("ann/1", {"mails": 2, "city": "Bonn"}),
    ]
    assert faces.command(["tables", "show", "customers", "--words", "bonn"]).value["total"] == 1
    assert faces.request("GET", "/api/tables?accounts=demo").value == {"tables": []}, "the demo has its own"
    assert faces.request("DELETE", "/api/tables/customers/rows?key=ann/1").error == ""
    assert faces.command(["tables", "drop", "customers"]).value == {"rows": 1}


def test_every_face_refuses_what_cannot_be_and_says_what_can(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.command(["tables", "set", "customers", "ann", "1"])
    wish = {"key": "ann", "value": 2}
    assert "cannot be the name of a table" in faces.request("PUT", "/api/tables/A%20B/rows", wish).message
    assert "There is no table" in faces.command(["tables", "show", "custmers"]).message
    assert faces.request("DELETE", "/api/tables/customers/rows?key=bob").error == "UnknownName"
    assert "is not JSON" in faces.command(["tables", "set", "customers", "ann", "{mails: 1}"]).message
    for method, path, body in (
        ("PUT", "/api/tables/customers/rows", wish),
        ("DELETE", "/api/tables/customers/rows?key=ann", None),
        ("DELETE", "/api/tables/customers", None),
    ):
        assert faces.request(method, path, body, "viewer").error == "NotAllowed"
    assert faces.request("GET", "/api/tables/customers", user_id="viewer").value["total"] == 1
