"""The collections of the workspace on every face: a question finds by words and meaning, until the vectors are gone."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.engine.conftest import write_workflow
from tests.faces.conftest import Faces, Open

INVOICE = {"id": "invoice", "text": "Invoice NW-20418, due on 27 November."}
MEETING = {"id": "meeting", "text": "Kick-off on Thursday at 14:00."}
QUESTION = "Which bill comes next?"


def test_every_face_finds_by_meaning_and_forgets_the_vectors(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    fields = {"collection": "mail", "documents": [MEETING, INVOICE], "embedding_connection": "llm"}
    write_workflow(faces.orchestra.workspace.root, "keep", [{"id": "keep", "uses": "rag.index", "with": fields}])
    assert faces.command(["run", "keep", "--demo"]).error == ""
    search = ["collections", "search", "mail", QUESTION, "--demo"]
    path = f"/api/collections/mail/search?question={QUESTION}&accounts=demo"
    for found in (faces.command(search).value, faces.request("GET", path).value):
        assert (found["by_meaning"], found["results"][0]["document"]) == (True, "invoice")
    seen = faces.request("GET", path, user_id="viewer").value
    assert (seen["by_meaning"], seen["results"]) == (False, []), "only who may start runs asks models"

    def forget(go: Open) -> AppTest:
        at = go("collections")
        at.text_input(key="collections-question-mail").set_value(QUESTION).run()
        assert any("By its words and its meaning." in one.value for one in at.caption)
        return at.button(key="collections-forget-it").click().run()

    vectors = "/api/collections/mail/vectors?accounts=demo"
    assert faces.request("DELETE", vectors, user_id="viewer").error == "NotAllowed"
    assert faces.page(forget).error == ""
    shown = faces.request("GET", "/api/collections/mail?accounts=demo").value
    assert (shown["documents"], shown["vectors"], shown["model"], shown["connection"]) == (2, 0, "", "")
    assert faces.command(["collections", "forget-vectors", "mail", "--demo"]).value == {"vectors": 0}
    assert faces.command(search).value == {"results": [], "by_meaning": False, "note": ""}
