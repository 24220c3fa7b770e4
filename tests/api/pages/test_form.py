"""A form on a page: nothing twice, nothing lost, nothing told to strangers, and what was typed stays."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.asgi import Site
from api.base.rate_limit import RateLimit
from api.network.connection_limit import ConnectionLimit, guarded
from api.pages.form import FormPages
from api.server import create_api
from dashboard.form.page import rendered
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD
from tests.patience import PATIENCE_SECONDS, until

MB = 1024 * 1024
PART = b'--cut\r\nContent-Disposition: form-data; name="field-photo"; filename="a.png"\r\n\r\n'
FIELDS: list[dict[str, Any]] = [
    {"name": "name", "label": "Name", "required": True, "longest": 40},
    {"name": "mail", "label": "E-mail", "type": "email", "required": True},
    {"name": "kind", "label": "What is it about", "type": "choice", "choices": ["Bug", "Praise"]},
    {"name": "count", "label": "How many", "type": "number"},
    {"name": "day", "label": "Day", "type": "date"},
    {"name": "agree", "label": "I agree", "type": "checkbox", "required": True},
    {"name": "message", "label": "Message", "type": "long_text", "longest": 2000},
    {"name": "photo", "label": "Photo", "type": "file", "largest_mb": 1},
]
GOOD = {"name": "Ann", "mail": "ann@example.org", "agree": "yes", "kind": "Bug", "message": "Hello\r\nthere"}


@dataclass
class Page:
    """The form as a browser of a stranger has it."""

    orchestra: Orchestra
    client: TestClient

    def set_up(self, **fields: Any) -> None:
        """Write the workflow, and turn its trigger on."""
        shown = {"title": "Contact <us>", "text": "Write to us.", "fields": FIELDS, **fields}
        values = {"name": "{{ inputs.name }}", "all": "{{ inputs.all }}", "photo": "{{ inputs.photo != null }}"}
        document = {
            "schema_version": 1,
            "title": "Contact",
            "inputs": {
                "type": "object",
                "required": ["name", "all"],
                "properties": {
                    "name": {"type": "string"},
                    "all": {"type": "string"},
                    "photo": {"type": ["object", "null"], "default": None},
                },
            },
            "triggers": [
                {
                    "id": "form",
                    "uses": "form.submitted",
                    "with": shown,
                    "inputs": {
                        "name": "{{ item.values.name }}",
                        "all": "{{ item.text }}",
                        "photo": "{{ item.values.photo }}",
                    },
                }
            ],
            "steps": [{"id": "note", "uses": "flow.set", "with": {"values": values}}],
            "outputs": {"name": "{{ steps.note.output.name }}"},
        }
        (self.orchestra.workspace.root / "workflows" / "contact.json").write_text(json.dumps(document))
        self.orchestra.triggers.turn_on(LOCAL, "contact", "form")

    @property
    def path(self) -> str:
        """The path of the form."""
        return self.orchestra.forms.get(LOCAL, "contact", "form").url

    def page_id(self) -> str:
        """Open the page."""
        return page_id(self.client.get(self.path).text)

    def send(self, page: str | None = None, files: Any = None, path: str = "", **typed: str) -> Any:
        """Send the form as a browser does."""
        data = {f"field-{name}": text for name, text in {**GOOD, **typed}.items()}
        parts = files or {"field-photo": ("", b"", "application/octet-stream")}
        return self.client.post(path or self.path, data={"page": page or self.page_id(), **data}, files=parts)

    def runs(self) -> list[Any]:
        """The runs of the form, once no submission waits for one."""
        until(lambda: self.orchestra.forms.get(LOCAL, "contact", "form").waiting == 0)
        return [self.orchestra.runs.get(LOCAL, row.run_id) for row in self.orchestra.runs.list(LOCAL).rows]


def page_id(html: str) -> str:
    found = re.search(r'name="page" value="([^"]+)"', html)
    assert found is not None
    return found[1]


@pytest.fixture
def page(orchestra: Orchestra) -> Iterator[Page]:
    site = Site(lambda: orchestra, create_api(lambda: orchestra))
    forms = FormPages(lambda: orchestra, rendered, RateLimit(1000, 60))
    app = Starlette(routes=[*forms.routes(), *site.routes()], middleware=site.middleware())
    with TestClient(app, base_url="http://127.0.0.1:8501", follow_redirects=False) as client:
        found = Page(orchestra, client)
        found.set_up()
        yield found


def test_a_submission_is_one_run_however_often_it_is_sent(page: Page) -> None:
    id_ = page.page_id()
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(page.send(id_))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status_code for one in answers] == [200] * 6
    [run] = page.runs()
    page.orchestra.forms.tidy()
    assert page.send(id_).status_code == 200, "after its run has begun, too"
    assert len(page.runs()) == 1
    assert run["inputs"]["name"] == "Ann"
    assert "Message: Hello\nthere" in run["inputs"]["all"]
    other = page.send(id_, name="Bob")
    assert other.status_code == 409, "something else from the same page is not lost in silence"
    assert 'value="Bob"' in other.text
    assert page.send(page_id(other.text), name="Bob").status_code == 200
    assert sorted(run["inputs"]["name"] for run in page.runs()) == ["Ann", "Bob"]


def test_a_file_is_a_file_of_the_run(page: Page) -> None:
    content = bytes(range(256)) * 1000
    sent = page.send(files={"field-photo": ("../../a\u202e<b>.png", content, "image/png")})
    assert sent.status_code == 200
    [run] = page.runs()
    photo = run["inputs"]["photo"]
    assert (photo["name"], photo["bytes"], photo["media_type"]) == ("a<b>.png", len(content), "image/png")
    stored = page.orchestra.runs.file(LOCAL, run["run_id"], photo["$file"].rpartition("/")[2])
    assert stored.content == content


@pytest.mark.parametrize(
    ("typed", "name", "said"),
    [
        pytest.param({"name": ""}, "name", "Fill in this field.", id="required"),
        pytest.param({"name": "x" * 41}, "name", "40 characters fit", id="too long"),
        pytest.param({"mail": "ann@"}, "mail", "not an e-mail address", id="address"),
        pytest.param({"mail": "ann@example.org\r\nBcc: all@example.org"}, "mail", "not an e-mail address", id="header"),
        pytest.param({"kind": "Other"}, "kind", "Choose one of the list.", id="choice"),
        pytest.param({"count": "NaN"}, "count", "not a number", id="number"),
        pytest.param({"count": "9007199254740993"}, "count", "too many digits: 15 fit", id="long number"),
        pytest.param({"day": "2026-02-30"}, "day", "not a date", id="date"),
        pytest.param({"agree": ""}, "agree", "Tick this box.", id="box"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    page: Page, typed: dict[str, str], name: str, said: str
) -> None:
    id_ = page.page_id()
    answer = page.send(id_, **{"message": "<script>alert(1)</script> & \"'", **typed})
    assert answer.status_code == 422
    assert re.search(rf'id="error-{name}">[^<]*{re.escape(said)}', answer.text)
    assert "<script>" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert page_id(answer.text) == id_, "the corrected one is the same submission"
    assert page.runs() == []


def test_odd_characters_become_text_that_reads_as_it_is(page: Page) -> None:
    id_ = page.page_id()
    name = b"A\x00n\xed\xa0\x80\xe2\x80\xaen\x1b[31m"
    parts: dict[str, str | bytes] = {"page": id_, "field-name": name, "field-mail": GOOD["mail"], "field-agree": "yes"}
    files: Any = {name: (None, value) for name, value in parts.items()}
    assert page.client.post(page.path, files=files).status_code == 200
    [run] = page.runs()
    assert run["inputs"]["name"] == "An\ufffd\ufffd\ufffdn[31m"


@pytest.mark.parametrize("state", ["off", "rotated", "unknown", "broken"])
def test_a_form_that_is_not_open_looks_like_one_that_never_was(page: Page, state: str) -> None:
    path, id_ = page.path, page.page_id()
    if state == "off":
        page.orchestra.triggers.turn_off(LOCAL, "contact", "form")
    elif state == "rotated":
        page.orchestra.forms.rotate(LOCAL, "contact", "form")
        assert page.client.get(page.path).status_code == 200
    elif state == "broken":
        (page.orchestra.workspace.root / "workflows" / "contact.json").write_text("{")
    else:
        path = "/forms/" + "x" * 32
    for answer in (page.client.get(path), page.send(id_, path=path)):
        assert answer.status_code == 404
        assert bare(answer.text) == bare(page.client.get("/forms/never").text)
        assert "contact" not in answer.text.lower()


def bare(html: str) -> str:
    return re.sub(r'nonce="[^"]+"', "", html)


def test_the_page_allows_nothing_but_itself(page: Page) -> None:
    for answer in (page.client.get(page.path), page.send()):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'nonce-")
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text
        assert "http" not in answer.text
    assert "Contact &lt;us&gt;" in page.client.get(page.path).text
    assert page.client.get(page.path + "/more").status_code == 303, "what follows is for people who are signed in"


def test_the_page_speaks_the_language_of_the_browser(page: Page) -> None:
    for asked, button in (("de-AT,de;q=0.9,en;q=0.1", "Senden"), ("fr, en;q=0.5, de;q=0.2", "Send"), ("", "Send")):
        html = page.client.get(page.path, headers={"Accept-Language": asked}).text
        assert f">{button}</button>" in html


def test_limits(page: Page) -> None:
    large = page.send(files={"field-photo": ("a.png", b"x" * (MB + 1), "image/png")})
    assert large.status_code == 422
    assert "1 MB fit" in large.text
    assert 'value="Ann"' in large.text
    for size, told in ((2 * MB, "it has 2.1 MB, and 1.1 MB fit"), (12 * MB, "it has 12.6 MB, and 1.1 MB fit")):
        huge = page.send(files={"field-photo": ("a.png", b"x" * size, "image/png")})
        assert huge.status_code == 413
        assert told in huge.text
    kind = "multipart/form-data; boundary=cut"
    for language, told in (("en", "it is larger than 1.1 MB"), ("de", "Es ist größer als 1,1 MB")):
        headers = {"content-type": kind, "Accept-Language": language}
        in_chunks = page.client.post(page.path, content=iter([PART, bytes(12 * MB)]), headers=headers)
        assert in_chunks.status_code == 413
        assert told in in_chunks.text
    many = {f"other-{number}": (None, "x") for number in range(40)}
    assert page.client.post(page.path, files=many).status_code == 400
    assert page.client.post(page.path, content=b"--x", headers={"content-type": "text/plain"}).status_code == 400
    assert [*(page.orchestra.workspace.state_dir / "forms" / ".drafts").iterdir()] == []
    assert page.runs() == []


def test_too_many_are_told_to_wait_and_keep_what_they_typed(page: Page) -> None:
    page.set_up(per_address=2)
    assert [page.send(name=str(number)).status_code for number in range(3)] == [200, 200, 429]
    refused = page.send(name="Carl")
    assert int(refused.headers["retry-after"]) > 3000
    assert "minutes" in refused.text
    assert 'value="Carl"' in refused.text
    page.set_up(per_day=2)
    assert page.send().status_code == 429
    assert len(page.runs()) == 2


def test_a_full_queue_says_so(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.triggering.forms.MOST_QUEUED", 0)
    answer = page.send()
    assert answer.status_code == 503
    assert "too much waits" in answer.text
    assert page.runs() == []


def test_programs_that_fill_in_everything_start_nothing(page: Page) -> None:
    data = {"page": page.page_id(), "website": "https://spam.example", **{f"field-{k}": v for k, v in GOOD.items()}}
    assert page.client.post(page.path, files={name: (None, text) for name, text in data.items()}).status_code == 200
    assert page.runs() == []
    assert page.send("A" * 22 + ".1790000000." + "A" * 22).status_code == 409, "ids are made by this server only"
    assert page.runs() == []


def test_an_address_of_one_form_takes_no_page_of_another(page: Page) -> None:
    id_ = page.page_id()
    page.orchestra.forms.rotate(LOCAL, "contact", "form")
    assert page.send(id_).status_code == 409


@pytest.fixture
def port(page: Page) -> Iterator[int]:
    """The port of a server of the page, as `orchestra serve` runs it."""
    app: Any = page.client.app
    config = uvicorn.Config(app, http=guarded(ConnectionLimit(100)), lifespan="off", log_config=None)
    server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)


def test_who_sends_far_too_much_reads_why_it_is_refused(page: Page, port: int) -> None:
    page.orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
    known = [f"Authorization: Bearer {page.orchestra.users.token('ada', PASSWORD)}"]
    for address, sent in product(("form", "/api/files?name=a", "/api/workflows", "/auth/login"), (known, [])):
        path = page.path if address == "form" else address
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1:8501", f"Content-Length: {200 * MB}", *sent]
        head.append(f"Content-Type: {'multipart/form-data; boundary=cut' if address == 'form' else 'application/json'}")
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as client:
            client.sendall("\r\n".join([*head, "", ""]).encode())
            client.sendall(PART + bytes(200 * MB - len(PART)))  # all of it, before a word of the answer is read
            answer = client.recv(65_536).decode()
        expected = 401 if address.startswith("/api") and not sent else 413
        assert answer.startswith(f"HTTP/1.1 {expected} "), answer
        if expected == 413:
            assert ("has 210 MB, and 1.1 MB fit" if address == "form" else "has 209,715,200 bytes, and ") in answer
