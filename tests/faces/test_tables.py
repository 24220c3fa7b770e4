"""The tables of the workspace on every face: what a run remembered is seen, corrected and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.people.access import Principal
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
    assert "is not valid JSON" in faces.command(["tables", "set", "customers", "ann", "{mails: 1}"]).message


DEEP = "[" * 500 + "]" * 500


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"a": 1, "a": 2}', "twice"), (DEEP, "nested deeper than 64 levels"), ("99999999999999999999", "64 bits")],
    ids=["a key twice", "deep", "a long number"],
)
def test_what_a_person_types_is_refused_where_json_could_not_keep_it(
    make_faces: Callable[[], Faces], text: str, said: str
) -> None:
    faces = make_faces()
    faces.orchestra.environments.init(Principal("owner", "owner"))
    before = faces.state()

    def save(go: Open) -> AppTest:
        at = go("tables", row="ann/1")
        next(one for one in at.text_area if (one.key or "").startswith("tables-customers")).set_value(text).run()
        return at.button(key="tables-save-ann/1").click().run()

    for refused in (
        faces.command(["tables", "set", "customers", "ann", text]),
        faces.command(["env", "set", "dev", f"WORDS={text}"]),
    ):
        assert said in refused.message
    assert faces.state() == before
    faces.command(["tables", "set", "customers", "ann/1", "NaN is a word"])
    assert said in faces.page(save).message
    assert faces.request("GET", "/api/tables/customers").value["rows"][0]["value"] == "NaN is a word"
    assert faces.command(["env", "set", "dev", f"WORDS={text}", "--text"]).error == ""


def test_only_objects_are_merged_on_every_face(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.command(["tables", "set", "customers", "ann", '{"mails": 1}'])
    by_command = faces.command(["tables", "set", "customers", "ann", "5", "--merge"])
    wish = {"key": "ann", "value": 5, "merge": True}
    assert by_command == faces.request("PUT", "/api/tables/customers/rows", wish)
    assert "the row 'ann' is 5, which has no members to merge" in by_command.message
    deep = faces.request("PUT", "/api/tables/customers/rows", {"key": "ann", "value": json.loads(DEEP)})
    assert "The value of the row 'ann' is nested deeper than 64 levels" in deep.message
    assert faces.request("GET", "/api/tables/customers").value["rows"][0]["value"] == {"mails": 1}
