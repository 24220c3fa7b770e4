"""A webhook at an address: each delivery is one run, and what is forged, late, too large or unreadable is none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.asgi import Site
from api.base.rate_limit import RateLimit
from api.pages.hook import HookPages
from api.server import create_api
from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.api.conftest import LOCAL
from tests.hook_signing import FIELDS, KEY, SIGN, SIGNATURES, TIMED, Sent, key_of, sent
from tests.patience import until

MB = 1024 * 1024
EDITOR = Principal("ed", "editor")


@dataclass
class Services:
    """A workflow with webhooks, as services on the internet see it."""

    orchestra: Orchestra
    client: TestClient

    def set_up(self, triggers: Mapping[str, Mapping[str, Any]], inputs: str = "{{ item.text }}") -> None:
        """Write the workflow with a trigger for each of these fields, and turn all of them on."""
        document = {
            "schema_version": 1,
            "title": "Orders",
            "inputs": {"type": "object", "properties": {"said": {"default": ""}}},
            "triggers": [
                {"id": name, "uses": "webhook.received", "with": dict(fields), "inputs": {"said": inputs}}
                for name, fields in triggers.items()
            ],
            "concurrency": {"parallel": 8},
            "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"said": "{{ inputs.said }}"}}}],
            "outputs": {"said": "{{ steps.note.output.said }}"},
        }
        (self.orchestra.workspace.root / "workflows" / "orders.json").write_text(json.dumps(document))
        for name, fields in triggers.items():
            if not fields.get("key") and fields.get("verify", "none") != "none":
                self.orchestra.hooks.set_key(LOCAL, "orders", name, key_of(str(fields["verify"])))
            self.orchestra.triggers.turn_on(LOCAL, "orders", name)

    def path(self, trigger: str) -> str:
        """The address of a trigger."""
        return self.orchestra.hooks.get(LOCAL, "orders", trigger).url

    def send(self, trigger: str, what: Sent, path: str = "") -> Any:
        """Deliver something."""
        headers = {name: one.encode("latin-1") for name, one in what.headers.items()}
        return self.client.post(path or self.path(trigger), content=what.body, headers=headers)  # type: ignore[arg-type]

    def runs(self, trigger: str | None = None) -> list[Any]:
        """The runs, once no delivery waits for one."""
        until(lambda: not any(one.waiting for one in self.orchestra.hooks.list(LOCAL, "orders")))
        rows = self.orchestra.runs.list(LOCAL, limit=500).rows
        found = [self.orchestra.runs.get(LOCAL, row.run_id) for row in rows]
        return [one for one in found if trigger in (None, one["started_by"].partition(":")[2])]


@pytest.fixture
def services(orchestra: Orchestra) -> Iterator[Services]:
    site = Site(lambda: orchestra, create_api(lambda: orchestra))
    hooks = HookPages(lambda: orchestra, RateLimit(10_000, 60))
    app = Starlette(routes=[*hooks.routes(), *site.routes()], middleware=site.middleware())
    with TestClient(app, base_url="http://127.0.0.1:8501", follow_redirects=False) as client:
        yield Services(orchestra, client)


ALL = {name: {"verify": name, "headers": ["X-Kind"], "largest_mb": 1, **FIELDS.get(name, {})} for name in SIGN}
NOW = int(time.time())


def other_key(service: str, what: Sent) -> Sent:
    """Sign with a key that nobody gave."""
    if service in ("gitlab", "token"):
        return what.having(x_gitlab_token="another", authorization="Bearer another")
    name = SIGNATURES[service]
    return what.having(**{name: what.having().headers[name.replace("_", "-")].replace(*_swapped(service, what))})


def _swapped(service: str, what: Sent) -> tuple[str, str]:
    """Two texts: the end of the genuine signature, and another."""
    told = what.having().headers[SIGNATURES[service].replace("_", "-")].removesuffix(",v0=old")
    return told[-8:], "AAAAAAA=" if told.endswith("=") else "00000000" if told[-8:] != "00000000" else "11111111"


def again(service: str, at: int, **members: Any) -> Sent:
    return sent(service, at, "odd", **members)


def _without(name: str) -> Callable[[str, Sent], Sent]:
    return lambda service, what: what.having(**{SIGNATURES[service]: name or None})


def _typed(kind: str | None) -> Callable[[str, Sent], Sent]:
    return lambda service, what: what.having(content_type=kind)


def _genuine(service: str, body: bytes, kind: str) -> Sent:
    """A signed delivery whose body is not what its type says."""
    return Sent(body, {"Content-Type": kind, **SIGN[service](body, int(time.time()), "odd")})


def _times(what: Sent) -> dict[str, str]:
    """The headers with a time, with another time."""
    told = what.having().headers
    found = {"stripe-signature": told.get("stripe-signature", "").replace("t=", "t=1")}
    found |= dict.fromkeys(("x-slack-request-timestamp", "webhook-timestamp", "x-time"), str(NOW + 1))
    return {name.replace("-", "_"): one for name, one in found.items() if name in told}


FAULTS: Mapping[str, tuple[Callable[[str, Sent], Sent], set[int]]] = {
    "another signature": (other_key, {401}),
    "no signature": (_without(""), {401}),
    "an empty signature": (_without(" "), {401}),
    "a word for a signature": (_without("sha256=none"), {401}),
    "letters that no signature has": (
        lambda s, w: w.having(**{SIGNATURES[s]: "v1=ä,v0=ß"}),
        {401},
    ),
    "a changed body": (
        lambda s, w: (
            replace(w, body=w.body.replace(b"Order", b"Other")) if s not in ("gitlab", "token") else other_key(s, w)
        ),
        {401},
    ),
    "a longer body": (
        lambda s, w: replace(w, body=w.body + b" ") if s not in ("gitlab", "token") else other_key(s, w),
        {401},
    ),
    "no body": (lambda s, w: replace(w, body=b"") if s not in ("gitlab", "token") else other_key(s, w), {401}),
    "late": (lambda s, w: again(s, NOW - 3600) if s in TIMED else other_key(s, w), {401}),
    "in the future": (lambda s, w: again(s, NOW + 3600) if s in TIMED else other_key(s, w), {401}),
    "a new time on an old signature": (
        lambda s, w: w.having(**_times(w)) if s in TIMED and s != "linear" else other_key(s, w),
        {401},
    ),
    "too large": (lambda s, w: _genuine(s, b'"' + b"x" * MB + b'"', "application/json"), {413}),
    "a type that is not taken": (lambda s, w: _genuine(s, b"{}", "application/octet-stream"), {401, 415}),
    "no type": (lambda s, w: _genuine(s, b"{}", ""), {401, 415}),
    "half a JSON": (lambda s, w: _genuine(s, b'{"id": "odd", ', "application/json"), {400, 401}),
    "deep JSON": (lambda s, w: _genuine(s, b"[" * 5000 + b"]" * 5000, "application/json"), {400, 401}),
    "JSON that is not a number": (lambda s, w: _genuine(s, b'{"id": NaN}', "application/json"), {400, 401}),
    "broken letters": (lambda s, w: _genuine(s, b'"\xff\xfe"', "application/json"), {400, 401}),
    "XML with entities": (
        lambda s, w: _genuine(s, b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "text/xml"),
        {400, 401},
    ),
    "half a form with files": (
        lambda s, w: _genuine(s, b'--cut\r\nContent-Disposition: form-data; name="a"\r\n', "multipart/form-data"),
        {400, 401},
    ),
}


def test_what_is_wrong_with_a_delivery_starts_no_run_whatever_the_service(services: Services) -> None:
    services.set_up(ALL)
    paths = {service: services.path(service) for service in ALL}
    tries, wrong = 0, []
    for fault, (spoil, statuses) in FAULTS.items():
        for service in ALL:
            answer = services.send(service, spoil(service, again(service, int(time.time()))), paths[service])
            tries += 1
            if answer.status_code not in statuses:
                wrong.append(f"{service}, {fault}: {answer.status_code} {answer.text}")
    assert wrong == []
    assert tries >= 200
    assert services.runs() == []
    for service in ALL:
        said = services.orchestra.hooks.deliveries(LOCAL, "orders", service)
        assert {one.verdict for one in said} >= {"signature", "too_large"}, service
        assert not any(KEY in services.orchestra.hooks.delivery(LOCAL, "orders", service, one.id).body for one in said)


def test_each_service_delivers_once_however_often_it_sends(services: Services) -> None:
    services.set_up(ALL)
    paths = {service: services.path(service) for service in ALL}
    for service in ALL:
        first, second = sent(service, int(time.time()), "first"), sent(service, int(time.time()), "second")
        said = [services.send(service, one, paths[service]) for one in (first, first, second)]
        assert [one.status_code for one in said] == [200] * 3, (service, said[0].text)
    runs = services.runs()
    services.orchestra.hooks.tidy()
    for service in ALL:
        assert services.send(service, sent(service, int(time.time()), "first"), paths[service]).status_code == 200
        assert sum(run["started_by"] == f"trigger:{service}" for run in runs) == 2, service
    assert len(services.runs()) == 2 * len(ALL)


def test_many_that_send_the_same_at_once_start_one_run(services: Services) -> None:
    services.set_up({"github": ALL["github"]})
    path, what, answers = services.path("github"), sent("github", NOW), []
    threads = [threading.Thread(target=lambda: answers.append(services.send("github", what, path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status_code for one in answers] == [200] * 8
    assert len(services.runs()) == 1


BODIES = {
    "json": ("application/json; charset=utf-8", '{"a": {"b": "ö"}}'.encode(), {"a": {"b": "ö"}}),
    "vendor json": ("application/cloudevents+json", b"[1, 2]", [1, 2]),
    "form": ("application/x-www-form-urlencoded", b"a=1&b=%C3%B6&a=2&c=", {"a": ["1", "2"], "b": "ö", "c": ""}),
    "xml": (
        "application/xml",
        b'<?xml version="1.0"?><order id="7"><line>a</line><line>b</line><note>x &amp; y</note></order>',
        {"order": {"@id": "7", "line": ["a", "b"], "note": "x & y"}},
    ),
    "text": ("text/plain; charset=latin-1", "grüß".encode("latin-1"), "grüß"),
    "nothing": ("application/json", b"", None),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_run_gets_the_value_of_the_body(services: Services, name: str) -> None:
    kind, body, value = BODIES[name]
    fields = {"verify": "none", "headers": ["X-Kind"]}
    services.set_up({"hook": fields}, "{{ [item.body, item.headers.x_kind, item.query] }}")
    headers = {"Content-Type": kind, "X-Kind": "new", "X-Other": "left out"}
    assert services.client.post(services.path("hook") + "?a=1", content=body, headers=headers).status_code == 200
    [run] = services.runs()
    assert run["inputs"]["said"] == [value, "new", {"a": "1"}]


def test_a_file_of_a_form_is_a_file_of_the_run_also_when_it_is_sent_again(services: Services) -> None:
    services.set_up({"hook": {"verify": "none"}}, "{{ [item.body.note, item.files[0]] }}")
    content = bytes(range(256)) * 400
    files = {"photo": ("../a.png", content, "image/png")}
    assert services.client.post(services.path("hook"), data={"note": "hi"}, files=files).status_code == 200
    assert len(services.runs()) == 1
    services.orchestra.hooks.tidy()
    [delivery] = services.orchestra.hooks.deliveries(LOCAL, "orders", "hook")
    assert (delivery.verdict, delivery.state) == ("accepted", "started")
    assert services.orchestra.hooks.delivery(LOCAL, "orders", "hook", delivery.id).files == ["a.png"]
    services.orchestra.hooks.send_again(LOCAL, "orders", "hook", delivery.id)
    runs = services.runs()
    assert len(runs) == 2
    for run in runs:
        note, photo = run["inputs"]["said"]
        assert (note, photo["name"], photo["media_type"]) == ("hi", "a.png", "image/png")
        stored = services.orchestra.runs.file(LOCAL, run["run_id"], photo["$file"].rpartition("/")[2])
        assert stored.content == content
    verdicts = [one.verdict for one in services.orchestra.hooks.deliveries(LOCAL, "orders", "hook")]
    assert verdicts == ["again", "accepted"]


@pytest.mark.parametrize("state", ["off", "rotated", "wrong name", "wrong secret", "unknown", "broken", "read"])
def test_an_address_that_is_not_open_looks_like_one_that_never_was(services: Services, state: str) -> None:
    services.set_up({"github": ALL["github"]})
    path = services.path("github")
    if state == "off":
        services.orchestra.triggers.turn_off(LOCAL, "orders", "github")
    elif state == "rotated":
        services.orchestra.hooks.rotate(LOCAL, "orders", "github")
        assert services.send("github", sent("github", NOW)).status_code == 200
        assert len(services.runs()) == 1
    elif state == "broken":
        (services.orchestra.workspace.root / "workflows" / "orders.json").write_text("{")
    path = {
        "wrong name": path.replace("/orders/", "/others/"),
        "wrong secret": path[:-1] + ("A" if path[-1] != "A" else "B"),
        "unknown": "/hooks/orders/" + "x" * 32,
    }.get(state, path)
    known = services.client.post("/hooks/never/" + "y" * 32)
    answer = services.client.get(path) if state == "read" else services.send("github", sent("github", NOW), path)
    assert answer.status_code == known.status_code == 404
    assert answer.content == known.content
    assert {*answer.headers} == {*known.headers}
    assert services.client.post(path + "/more", content=b"").status_code != 200


def test_too_many_are_told_when_to_come_again(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.set_up({"hook": {"verify": "none", "per_minute": 2}})
    answers = [services.client.post(services.path("hook"), json={"n": number}) for number in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 61
    assert len(services.runs()) == 2
    monkeypatch.setattr("engine.triggering.hook_door.MOST_WAITING", 0)
    services.set_up({"hook": {"verify": "none", "per_minute": 100}})
    full = services.client.post(services.path("hook"), json={"n": 4})
    assert (full.status_code, full.headers["retry-after"]) == (503, "60")


def test_an_equal_body_is_the_same_delivery_only_where_somebody_wants_it(services: Services) -> None:
    services.set_up({"each": {"verify": "none"}, "once": {"verify": "none", "same_body_within": 3600}})
    for trigger in ("each", "once"):
        path = services.path(trigger)
        for body in (b"a", b"a", b"b"):
            headers = {"Content-Type": "text/plain"}
            assert services.client.post(path, content=body, headers=headers).status_code == 200
    assert sorted(run["inputs"]["said"] for run in services.runs("each")) == ["a", "a", "b"]
    assert sorted(run["inputs"]["said"] for run in services.runs("once")) == ["a", "b"]


def test_a_sender_gets_what_the_run_returns(services: Services) -> None:
    services.set_up({"hook": {"verify": "none", "respond": "when_done"}}, "{{ item.body.title }}")
    answer = services.client.post(services.path("hook"), json={"title": "<b>hi</b>"})
    assert (answer.status_code, answer.json()) == (200, {"said": "<b>hi</b>"})
    assert answer.headers["content-type"] == "application/json"


def test_a_sender_learns_the_address_of_a_run_that_takes_longer(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.hook._WAIT_SECONDS", 1.0)
    services.set_up({"hook": {"verify": "none", "respond": "when_done"}})
    path = services.orchestra.workspace.root / "workflows" / "orders.json"
    document = json.loads(path.read_text())
    document["steps"].insert(0, {"id": "wait", "uses": "flow.wait", "with": {"seconds": 600}})
    path.write_text(json.dumps(document))
    answer = services.client.post(services.path("hook"), json={"title": "slow"})
    [row] = services.orchestra.runs.list(LOCAL).rows
    assert (answer.status_code, answer.json()) == (202, {"status": "waiting", "run": f"/runs/{row.run_id}"})
    services.orchestra.runs.cancel(LOCAL, row.run_id)


def test_challenges_are_answered_only_to_who_may_ask(services: Services) -> None:
    services.set_up({"meta": ALL["meta"], "slack": ALL["slack"], "github": ALL["github"]})
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    token = services.path("meta").rpartition("/")[2]
    for trigger, given, status in (("meta", token, 200), ("meta", "other", 404), ("github", token, 404)):
        answer = services.client.get(services.path(trigger), params={**asked, "hub.verify_token": given})
        assert (answer.status_code, answer.text == "1158201444") == (status, status == 200)
    what = sent("slack", int(time.time()), type="url_verification", challenge="3eZbrw1aB")
    assert services.send("slack", what).text == "3eZbrw1aB"
    assert services.send("slack", other_key("slack", what)).status_code == 401
    assert services.runs() == []


def test_notions_token_is_the_key_and_is_shown_to_who_may_see_it(services: Services) -> None:
    services.set_up({})
    fields = {"verify": "notion"}
    services.set_up({"pages": fields} | {"other": {"verify": "none"}})
    hooks = services.orchestra.hooks
    hooks.set_key(LOCAL, "orders", "pages", KEY)
    assert services.client.post(services.path("pages"), json={"verification_token": "secret_evil1"}).status_code == 401
    assert hooks.key(LOCAL, "orders", "pages") == KEY
    services.orchestra.workspace.root.joinpath("workflows", "orders.json").write_text(
        services.orchestra.workspace.root.joinpath("workflows", "orders.json").read_text().replace("pages", "fresh")
    )
    services.orchestra.triggers.turn_on(LOCAL, "orders", "fresh")
    path = services.path("fresh")
    assert services.send("fresh", sent("notion", NOW), path).status_code == 503, "there is no key yet"
    assert services.client.post(path, json={"verification_token": KEY}).status_code == 200
    assert hooks.get(LOCAL, "orders", "fresh").key == "kept"
    assert hooks.key(EDITOR, "orders", "fresh") == KEY
    assert all(
        KEY not in hooks.delivery(LOCAL, "orders", "fresh", one.id).body
        for one in hooks.deliveries(LOCAL, "orders", "fresh")
    )
    assert services.send("fresh", sent("notion", NOW), path).status_code == 200
    assert len(services.runs()) == 1


def test_a_key_of_the_environment_is_read_there_and_not_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.set_up({"github": {**ALL["github"], "key": "env:SHOP_KEY"}})
    assert services.send("github", sent("github", NOW)).status_code == 503
    (services.orchestra.workspace.root / ".env").write_text(f"SHOP_KEY={KEY}\n")
    assert services.orchestra.hooks.get(LOCAL, "orders", "github").key == "given"
    assert services.send("github", sent("github", NOW)).status_code == 200
    with pytest.raises(InvalidInput, match="env:SHOP_KEY"):
        services.orchestra.hooks.set_key(LOCAL, "orders", "github", "x")
    assert len(services.runs()) == 1


def test_only_the_newest_deliveries_are_kept_and_those_of_strangers_push_none_out(services: Services) -> None:
    services.set_up({"github": {**ALL["github"], "per_minute": 1000}})
    path = services.path("github")
    assert services.send("github", sent("github", NOW), path).status_code == 200
    services.runs()
    services.orchestra.hooks.tidy()
    for _ in range(60):
        services.client.post(path, json={"forged": True})
    inbox = services.orchestra.workspace.state_dir / "hooks"
    assert sum(1 for _ in inbox.rglob("refused/*")) == 50
    assert sum(1 for _ in inbox.rglob("taken/*")) == 1
    assert len(services.orchestra.hooks.deliveries(LOCAL, "orders", "github")) == 50


def test_inputs_are_made_from_a_delivery(services: Services) -> None:
    services.set_up({"hook": {"verify": "none"}})
    order = {"title": "Order", "customer": {"name": "Ann", "vip": True}, "lines": [{"n": 1}], "total": 4.5, "x-y": 1}
    order |= {"customer_name": "another", "n" * 300: 1}
    assert services.client.post(services.path("hook"), json=order).status_code == 200
    services.runs()
    [delivery] = services.orchestra.hooks.deliveries(LOCAL, "orders", "hook")
    made = services.orchestra.hooks.inputs(LOCAL, "orders", "hook", delivery.id)
    assert made.left_out == ["x-y", "customer_name", "n" * 300]
    kinds = {name: one.get("type") for name, one in made.inputs["properties"].items()}
    assert kinds == {
        "said": None,
        "title": "string",
        "customer_name": "string",
        "customer_vip": "boolean",
        "lines": "array",
        "total": "number",
    }
    file = services.orchestra.workflows.get(LOCAL, "orders")
    text = services.orchestra.editing.applied_to("orders", file.text, made.operations).text
    services.orchestra.workflows.save(LOCAL, "orders", text, file.etag)
    assert services.client.post(services.path("hook"), json=order).status_code == 200
    assert services.client.post(services.path("hook"), json={"title": "Short"}).status_code == 200
    found = sorted((run["inputs"].get("customer_name"), run["inputs"].get("total")) for run in services.runs()[:2])
    assert found == [("", 0), ("Ann", 4.5)]


def test_who_may_only_see_a_workflow_does_not_see_the_secret_part(services: Services) -> None:
    services.set_up({"open": {"verify": "none"}})
    path = services.path("open")
    shown = services.orchestra.hooks.get(Principal("vic", "viewer"), "orders", "open").url
    assert (shown, services.orchestra.hooks.list(Principal("vic", "viewer"), "orders")[0].url) == (
        f"{path.rpartition('/')[0]}/…",
    ) * 2


@pytest.mark.parametrize("ending", ["/", "/more"])
def test_what_is_no_address_leads_to_no_page(services: Services, ending: str) -> None:
    services.set_up({"open": {"verify": "none"}})
    answer = services.client.post(services.path("open") + ending, content=b"{}")
    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "rot13", "utf-7"])
def test_an_encoding_that_is_no_text_is_refused(services: Services, charset: str) -> None:
    services.set_up({"open": {"verify": "none"}})
    sent_ = Sent(b"xn--a..b", {"content-type": f"text/plain; charset={charset}"})
    assert services.send("open", sent_).status_code == 415
    assert services.orchestra.hooks.deliveries(LOCAL, "orders", "open")[0].verdict == "type"


def test_many_members_of_one_name_take_no_longer_than_they_are_long(services: Services) -> None:
    """Each of them once copied all before it: 200 KB took nine seconds."""
    services.set_up({"open": {"verify": "none"}})
    body = b"<a>" + b"<b/>" * 49_000 + b"</a>"
    assert services.send("open", Sent(body, {"content-type": "application/xml"})).status_code == 200
    assert len(json.loads(json.dumps(services.runs("open")[0]["inputs"]))["said"]) > 0


def test_a_key_of_standard_webhooks_must_be_long_enough(services: Services) -> None:
    services.set_up({"one": {"verify": "standard_webhooks"}})
    services.orchestra.hooks.set_key(LOCAL, "orders", "one", "whsec_")
    assert services.send("one", sent("standard_webhooks", NOW)).status_code == 503
