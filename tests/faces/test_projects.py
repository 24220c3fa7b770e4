"""A project on every face: made, edited, run, shown and deleted; what cannot be is refused in the same words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from engine.sandbox.walls import walls
from tests.faces.conftest import LOCAL, Faces, Open
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
ODD_NAMES = ["..", "a..b", "Upper", "a b", "%2e%2e", "x" * 65]
ODD_PATHS = [
    "../x",
    "../../../login",
    "a/../",
    "/etc/passwd",
    "a/../../b",
    ".git/config",
    "a\\b",
    "nul",
    "a//b",
    "a\u202eb",
]


def _tab_of(project: str, tab: str, go: Open) -> AppTest:
    return go("projects", project=project, tab=tab)


def said(page: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*page.success, *page.error, *page.markdown, *page.caption])


def test_every_face_makes_edits_runs_and_deletes_a_project(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    assert faces.command(["projects", "new", "sums", "--title", "Sums"]).error == ""
    known = faces.request("GET", "/api/projects").value["projects"]
    assert known == faces.command(["projects", "list"]).value["projects"]
    text = "print(1 + 1)\n"
    made = faces.request("PUT", "/api/projects/sums/file?path=main.py", {"text": text}).value
    assert faces.command(["projects", "show", "sums", "--file", "main.py"]).value == made
    assert (
        faces.request("PUT", "/api/projects/sums/file?path=main.py", {"text": "", "etag": "old"}).error == "StaleEdit"
    )

    def edit(go: Open) -> AppTest:
        page = go("projects", project="sums")
        page.text_area[0].set_value("print(2 + 2)").run()
        return page.button(key="save-project-sums/main.py").click().run()

    assert faces.page(edit).message == ""
    log = faces.request("GET", "/api/projects/sums/commits").value["commits"]
    assert [one["author"] for one in log][:2] == ["owner", "owner"]
    differences = faces.command(["projects", "diff", "sums", made["commit"][:8]]).value["differences"]
    assert [one["path"] for one in differences] == ["main.py"]
    assert "+print(2 + 2)" in differences[0]["lines"]
    ran = faces.command(["projects", "run", "sums", "python3 main.py"]).value
    assert (ran["run"]["state"], ran["parts"]) == ("succeeded", [{"stream": "stdout", "text": "4\n"}])
    started = faces.request("POST", "/api/projects/sums/runs", {"command": "python3 main.py; exit 3"}).value
    run = faces.orchestra.project_runs.wait(LOCAL, "sums", started["id"])
    assert (run.state, run.exit_code) == ("failed", 3)
    shown = faces.request("GET", f"/api/projects/sums/runs/{run.id}").value
    assert shown["parts"] == [{"stream": "stdout", "text": "4\n"}]
    assert "Exit code 3" in said(faces.page(lambda go: go("projects", project="sums", tab="run")).value)
    assert "print(2 + 2)" in "".join(
        one.value for one in faces.page(lambda go: go("projects", project="sums", tab="history")).value.code
    )
    (faces.orchestra.workspace.root / "new.txt").write_text("new\n")
    new = str(faces.orchestra.workspace.root / "new.txt")
    saved = faces.command(["projects", "save", "sums", "notes/a.txt", new, "-m", "By hand\nRun: 1"]).value
    assert faces.request("GET", "/api/projects/sums/file?path=notes/a.txt").value == saved
    assert faces.request("GET", "/api/projects/sums/commits").value["commits"][0]["run_id"] == ""
    listed = {one["path"]: one["etag"] for one in faces.request("GET", "/api/projects/sums/files").value["files"]}
    assert listed["notes/a.txt"] == saved["etag"]
    assert faces.command(["projects", "remove", "sums", "notes/a.txt"]).value == {
        "project": "sums",
        "removed": "notes/a.txt",
    }
    gone = faces.command(["projects", "remove", "sums", "notes/a.txt"])
    assert gone.error == "UnknownName"
    packed = faces.client("viewer").get("/api/projects/sums/zip")
    assert zipfile.ZipFile(io.BytesIO(packed.content)).read("main.py") == b"print(2 + 2)\n"
    assert packed.headers["content-disposition"].startswith("attachment")
    assert faces.request("DELETE", "/api/projects/sums").value["trash"].endswith("-project-sums.git")
    assert faces.command(["projects", "list"]).value == {"projects": []}
    trail = [action for action, _ in faces.trail() if action.startswith("projects.")]
    assert trail == [
        "projects.create",
        *["projects.commit"] * 2,
        *["projects.run"] * 2,
        *["projects.commit"] * 2,
        "projects.delete",
    ]


def test_a_repository_that_cannot_be_used_hides_no_other(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.projects.create(LOCAL, "sums")
    (faces.orchestra.workspace.root / "projects" / "broken.git").mkdir()
    broken, good = faces.request("GET", "/api/projects").value["projects"]
    assert (broken["name"], good["name"], good["problem"]) == ("broken", "sums", "")
    assert "cannot be used" in broken["problem"]
    page = faces.page(lambda go: go("projects", project="broken"))
    assert "cannot be used" in said(page.value)
    assert faces.request("GET", "/api/projects/broken").error == "StorageError"
    assert faces.command(["projects", "delete", "broken"]).error == ""


def test_half_characters_and_files_that_are_no_text_have_errors_of_their_own(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.projects.create(LOCAL, "sums")
    asked = faces.client("owner").put(
        "/api/projects/sums/file?path=a", content='{"text": "a\\ud800"}', headers={"content-type": "application/json"}
    )
    assert asked.status_code == 422, asked.text
    faces.orchestra.projects.save(LOCAL, "sums", "a.png", "\udcff\udcfe", None)
    assert faces.request("GET", "/api/projects/sums/file?path=a.png").error == "InvalidInput"
    page = faces.page(lambda go: go("projects", project="sums", file="a.png"))
    assert page.message == ""
    assert "Binary files" in faces.command(["projects", "diff", "sums", ""]).value["differences"][0]["lines"]
    assert faces.command(["projects", "remove", "sums", "a.png"]).error == ""


def test_a_viewer_sees_everything_and_changes_nothing(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.projects.create(LOCAL, "sums")
    faces.orchestra.projects.save(LOCAL, "sums", "main.py", "print(1)\n", None)
    command = faces.orchestra.project_runs.start(LOCAL, "sums", "sleep 60").id
    before = faces.orchestra.projects.log(LOCAL, "sums")
    for method, path, body in (
        ("POST", "/api/projects", {"name": "other"}),
        ("DELETE", "/api/projects/sums", None),
        ("PUT", "/api/projects/sums/file?path=a", {"text": "x"}),
        ("DELETE", "/api/projects/sums/file?path=main.py&etag=x", None),
        ("POST", "/api/projects/sums/runs", {"command": "true"}),
        ("POST", f"/api/projects/sums/runs/{command}/stop", None),
    ):
        assert faces.request(method, path, body, "viewer").error == "NotAllowed", (method, path)
    for tab in ("files", "history", "run", "preview", "build", "share"):
        page = faces.page(partial(_tab_of, "sums", tab), "viewer")
        assert page.message == ""
        keys = {one.key for one in page.value.button}
        assert not {"new-project", "delete-project-sums", "project-run-sums", "save-project-sums/main.py"} & keys
    assert faces.orchestra.projects.log(LOCAL, "sums") == before
    assert not faces.orchestra.project_runs.ended_within(LOCAL, "sums", command, 0)
    assert (
        faces.request("POST", f"/api/projects/sums/runs/{command}/stop", user_id="operator").value["state"] == "stopped"
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_refused_in_the_same_words(make_faces: Callable[[], Faces], name: str) -> None:
    faces = make_faces()
    made = faces.command(["projects", "new", name])
    assert made.error == "InvalidInput"
    assert made == faces.request("POST", "/api/projects", {"name": name})
    with pytest.raises(Exception, match="cannot be the name of a project"):
        faces.orchestra.project_previews.token(LOCAL, name)
    for path in ("", "/files", "/zip", "/runs"):
        quoted = name.replace("%", "%25").replace(" ", "%20").replace("..", "%2e%2e")
        assert faces.client("owner").get(f"/api/projects/{quoted}{path}").status_code in {404, 422}
    assert not (faces.orchestra.workspace.root / "projects").exists()


def test_paths_that_lead_out_are_refused_everywhere(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.projects.create(LOCAL, "sums")
    faces.orchestra.projects.save(LOCAL, "sums", "index.html", "<h1>x</h1>", None)
    link = faces.orchestra.project_previews.address(LOCAL, "sums", "")
    for path in ODD_PATHS:
        asked = faces.client("owner").put("/api/projects/sums/file", params={"path": path}, json={"text": "x"})
        assert asked.json()["error"]["type"] == "InvalidInput", path
        assert faces.command(["projects", "show", "sums", "--file", path]).error == "UnknownName", path
        linked = faces.client("owner").get("/api/projects/sums/preview", params={"path": path})
        assert (linked.status_code, linked.json()["error"]["type"]) == (422, "InvalidInput"), path
        quoted = path.replace("/", "%2f").replace("\\", "%5c").replace("..", "%2e%2e")
        assert faces.client("owner").get(f"{link}{quoted}").status_code == 404, path
    for encoded in ("sums%2f..%2f..", "..%2fsums", "%2e%2e/users"):
        answer = faces.client("owner").get(f"/api/projects/{encoded}/files")
        assert answer.status_code in {404, 422}
        assert answer.json()["error"]["message"]
    assert [one.path for one in faces.orchestra.projects.files(LOCAL, "sums")] == ["index.html"]


def test_a_preview_is_its_link_and_nothing_else(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    faces.orchestra.projects.create(LOCAL, "sums")
    faces.orchestra.projects.save(LOCAL, "sums", "index.html", "<!doctype html><h1>x</h1>", None)
    faces.orchestra.projects.save(LOCAL, "sums", "picture.svg", "<svg><script>1</script></svg>", None)
    address = faces.request("GET", "/api/projects/sums/preview", user_id="viewer").value["path"]
    client = faces.client("owner")
    client.cookies.clear()
    page = client.get(address)
    assert page.status_code == 200
    assert page.text.startswith("<!doctype html><script>")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "'self'" not in policy.replace("frame-ancestors 'self'", "")
    picture = client.get(address.replace("index.html", "picture.svg"))
    assert "script-src 'none'" in picture.headers["content-security-policy"]
    top = client.get(address, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    assert (top.status_code, "sandbox" in top.headers["content-security-policy"]) == (403, True)
    assert client.get(address, headers={"Service-Worker": "script"}).status_code == 403
    head, token, path = address.split("/", 2)[0], address.split("/")[2], address.split("/", 3)[3]
    body, _, signature = token.partition(".")
    other = "B" if signature[0] == "A" else "A"
    for forged in (f"{body}.{other}{signature[1:]}", f"{body}.", body, f"X{body}.{signature}", "x"):
        assert client.get(f"{head}/preview/{forged}/{path}").status_code == 403, forged
    faces.orchestra.users.remove(LOCAL, "viewer")
    assert client.get(address).status_code == 403


def test_what_a_workflow_has_built_shows_its_run_its_tests_and_their_command(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    orchestra = faces.orchestra
    orchestra.workflows.create_from_sample(LOCAL, "build-software", "build-software")
    run_id = orchestra.runs.start(LOCAL, "build-software", {})
    run = orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)
    assert run["status"] == "waiting"
    [question] = orchestra.approvals.list(LOCAL)
    orchestra.approvals.approve(LOCAL, question.id)
    assert orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    last = faces.request("GET", "/api/projects/word-counter/commits").value["commits"][0]
    assert (last["run_id"], last["is_green"]) == (run_id, True)
    shown = faces.command(["projects", "show", "word-counter"]).value
    assert shown["commands"][0] == "python3 -m unittest"
    assert [one["path"] for one in shown["paths"] if one["is_protected"]] == [".orchestra/protected", "test_words.py"]
    history = faces.page(partial(_tab_of, "word-counter", "history")).value
    assert "passed" in said(history)
    assert any(f"id={run_id}" in str(one.proto) for one in history.get("page_link"))
    orchestra.projects.save(LOCAL, "word-counter", "main.py", "print(1)\n", None)  # a person's commit has no run
    assert faces.request("GET", "/api/projects/word-counter").value["commands"] == [
        "python3 -m unittest",
        "python3 main.py",
    ]
