"""The files of the workspace on every face: added, read, used and deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.engine.sandbox.documents import pdf, written
from tests.faces.conftest import Faces, Open


def test_every_face_shows_a_file_and_deletes_it(make_faces: Callable[[], Faces], tmp_path: Path) -> None:
    faces = make_faces()
    (tmp_path / "offer.pdf").write_bytes(pdf(written("The first page"), written("The second page")))
    add = ["files", "add", str(tmp_path / "offer.pdf")]
    path = "files/offer.pdf"

    def delete(go: Open) -> AppTest:
        at = go("files", file=path)
        assert [one.value for one in at.text] == ["The first page"]
        at.number_input(key=f"files-page-{path}").set_value(2).run()
        assert [one.value for one in at.text] == ["The second page"]
        return at.button(key="files-delete-it").click().run()

    added = faces.command(add).value
    assert (added["path"], added["is_new"], faces.command(add).value["is_new"]) == (path, True, False)
    assert faces.command(["files", "show", path, "--page", "2"]).value["text"] == "The second page"
    assert faces.request("GET", f"/api/files/view?path={path}").value["pages"] == 2
    assert faces.page(delete).error == ""
    assert faces.command(["files", "list"]).value == {"files": [], "has_more": False, "notes": []}
    gone = faces.command(["files", "delete", path])
    assert (gone.error, gone.message) == ("UnknownName", "There is no file named 'files/offer.pdf'.")
    assert faces.request("DELETE", f"/api/files?path={path}").error == "UnknownName"
    assert "cannot be read" in faces.command(["files", "add", str(tmp_path / "none.pdf")]).message
    assert "belongs to AI-Orchestra" in faces.request("GET", "/api/files/view?path=config.yaml").message


def test_a_viewer_sees_the_list_and_is_offered_nothing_else(make_faces: Callable[[], Faces], tmp_path: Path) -> None:
    faces = make_faces()
    (tmp_path / "a.txt").write_text("Hello")
    faces.command(["files", "add", str(tmp_path / "a.txt")])

    def look(go: Open) -> AppTest:
        at = go("files", file="files/a.txt")
        assert not at.text
        assert "Operators and editors can open files." in [one.value for one in at.caption]
        assert not [one for one in at.button if (one.key or "").startswith("files-")]
        assert len(at.get("file_uploader")) == 0
        return at

    assert faces.page(look, "viewer").error == ""
    assert faces.request("DELETE", "/api/files?path=files/a.txt", None, "viewer").error == "NotAllowed"
    for part in ("view", "content"):
        assert faces.request("GET", f"/api/files/{part}?path=files/a.txt", None, "viewer").error == "NotAllowed"
    assert faces.request("GET", "/api/files", None, "viewer").value["files"][0]["path"] == "files/a.txt"
