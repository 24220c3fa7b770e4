"""What every client promises (`clients/client.py`), checked for each one that the registry finds."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel, SecretStr

from clients import VERSION
from clients.client import Client, Opening
from clients.errors import ServiceError, WriteRefused
from clients.reads_only import reads_only
from clients.transport import Forbidden, deadline
from engine.base.services import client_classes, has_stand_in, is_for, pickers, services
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Kind = type[Client]


@pytest.fixture(params=client_classes())
def kind(request: pytest.FixtureRequest) -> Kind:
    return client_classes()[request.param]


@pytest.fixture
def nowhere() -> int:
    """A port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def unreachable(kind: Kind, nowhere: int) -> Iterator[Client]:
    """A client with a key, whose service does not answer."""
    client = kind.open(settings_of(kind, nowhere), Opening())
    with deadline(PATIENCE_SECONDS):
        yield client
    client.close()


def settings_of(kind: Kind, port: int) -> BaseModel:
    """Settings of a service that nobody runs; those that a service does not have are left out."""
    where = {"base_url": f"http://127.0.0.1:{port}", "model": "none", "address": "me@example.com"}
    servers = {"host": "127.0.0.1", "port": port, "smtp_host": "127.0.0.1", "smtp_port": port}
    key = {kind.service.key.setting: SecretStr("a-key-for-nobody")} if kind.service.key else {}
    known = kind.service.settings.model_fields
    return kind.service.settings.model_validate({k: v for k, v in {**where, **servers, **key}.items() if k in known})


def test_the_declaration_is_complete(kind: Kind) -> None:
    service = kind.service
    assert kind.__module__.split(".")[1] == service.name
    assert all((service.title, service.icon, service.error_name, service.usual_name, service.link))
    fields: dict[str, Any] = dict(service.settings.model_fields)
    assert service.settings.model_config["extra"] == "forbid"
    assert {one.name for one in service.beside_key} <= set(fields)
    assert all(one.label for one in service.beside_key)
    assert service.settings() == service.settings.model_validate({}), "no setting is required"
    if service.key is not None:
        assert service.key.setting in fields
        assert all((service.key.variable, service.key.place, service.key.label))
        assert urlsplit(service.key.url).scheme == "https"
        assert kind.key_page({}) == service.key.url
    assert service.key is not None or not has_stand_in(service.name), "a stand-in has a key"
    if kind.sign_in_way is not None:
        assert "token_file" in fields
        assert all((kind.sign_in_way.at, kind.sign_in_way.file_remedy, kind.sign_in_way.guide))


def test_what_people_pick_is_a_method_of_the_client(kind: Kind) -> None:
    assert all(callable(getattr(kind, method, None)) for method in kind.service.pickers.values())
    assert all(is_for(pickers()[form], kind.service.name) for form in kind.service.pickers), "only those of a kind do"
    assert all(callable(getattr(kind, method, None)) for method in kind.service.finders.values())
    assert set(kind.service.finders) <= set(kind.service.pickers)
    if kind.service.public_place is not None:
        assert kind.is_public is not Client.is_public


@pytest.mark.slow
def test_a_check_of_a_service_that_does_not_answer_is_a_line_with_a_remedy(kind: Kind, unreachable: Client) -> None:
    lines = unreachable.check()
    assert lines
    if kind.service.has_accounts:
        assert lines[0].ok is False
    for line in lines:
        assert line.what
        assert line.text.endswith("."), line.text
        assert "a-key-for-nobody" not in line.text
        assert "Errno" not in line.text
        assert line.field in {"", *kind.service.settings.model_fields}


def test_a_closer_look_at_a_service_that_does_not_answer_raises_nothing(unreachable: Client) -> None:
    assert all(isinstance(line.ok, bool) for line in unreachable.look_closer(NOW))


def test_only_errors_of_services_are_raised(kind: Kind, unreachable: Client) -> None:
    asked = [unreachable.account, unreachable.identity, unreachable.label]
    asked += [getattr(unreachable, method) for method in kind.service.pickers.values()]
    for error in filter(None, map(raised_by, asked)):
        assert error.service == kind.service.name
        assert error.message
        assert error.remedy


def raised_by(ask: Callable[[], object]) -> ServiceError | None:
    try:
        ask()
    except ServiceError as error:
        return error
    return None


def test_the_identity_stays(kind: Kind, standins: StandIns, nowhere: int) -> None:
    settings = settings_of(kind, nowhere)
    if has_stand_in(kind.service.name):
        assert kind.service.key is not None
        where = standins[kind.service.name]
        known = kind.service.settings.model_fields
        given = {kind.service.key.setting: where.token, **({"base_url": where.base_url} if "base_url" in known else {})}
        settings = kind.service.settings.model_validate(given)
    opened = [kind.open(settings, Opening()) for _ in range(2)]
    first, second = opened
    if not has_stand_in(kind.service.name) and raised_by(first.identity):
        pytest.skip("it asks its service, which has no stand-in")
    assert first.identity() == first.identity() == second.identity() != ""
    assert first.label()
    assert first.account()
    assert first.sign_in_version() == first.sign_in_version()
    for client in opened:
        client.close()


def test_it_is_closed_as_often_as_somebody_likes(kind: Kind, nowhere: int) -> None:
    client = kind.open(settings_of(kind, nowhere), Opening())
    client.close()
    client.close()
    assert client.http is None or client.http.is_closed


def test_the_demo_reaches_nothing_else(kind: Kind, nowhere: int) -> None:
    client = kind.open(settings_of(kind, nowhere), Opening(is_demo=True))
    if client.http is not None:
        with pytest.raises(ServiceError, match="must not be contacted"):
            client.http.get("http://127.0.0.1:1/")
    client.close()


def test_it_declares_what_only_reads_and_sends_nothing_else_in_a_plan(kind: Kind, nowhere: int) -> None:
    client = kind.open(settings_of(kind, nowhere), Opening())
    declared = kind.service.reads or kind.service.read_commands or kind.service.proven_reads
    assert declared or kind.service.is_in_workspace, "it can read nothing while a plan is made"
    if client.http is not None:
        for method, path in (("POST", "/"), ("DELETE", "/"), ("PUT", "/x"), ("PATCH", "/x"), ("POST", "/v1/x")):
            with reads_only(), pytest.raises(WriteRefused, match="was not sent"):
                client.http.request(method, f"http://127.0.0.1:{nowhere}{path}")
    client.close()


@pytest.mark.slow
def test_whose_account_it_is_can_be_asked_in_a_plan(kind: Kind, unreachable: Client) -> None:
    asked = [unreachable.account, unreachable.check]
    asked += [getattr(unreachable, method) for method in kind.service.pickers.values()]
    with reads_only():
        assert not any(isinstance(raised_by(ask), WriteRefused) for ask in asked)
        assert not any("was not sent" in line.text for line in unreachable.check())


def test_every_request_names_the_program_and_its_version(kind: Kind, scripted: Scripted) -> None:
    scripted.then(200, {})
    client = kind.open(settings_of(kind, urlsplit(scripted.url).port or 0), Opening())
    asked = [client.account, client.check, *(getattr(client, method) for method in kind.service.pickers.values())]
    with deadline(PATIENCE_SECONDS):
        for ask in asked if client.http is not None else []:
            with suppress(Exception):  # the answers are no answers of the service
                ask()
        if client.http is not None and not scripted.seen:
            with suppress(Forbidden):  # a service that reaches public addresses only
                client.http.get(scripted.url)
    client.close()
    begins = "DiscordBot (https://" if kind.service.name == "discord" else f"AI-Orchestra/{VERSION}"
    assert {one.headers.get("user-agent", "")[: len(begins)] for one in scripted.seen} <= {begins}
    assert tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"] == VERSION


def test_titles_are_not_mistaken() -> None:
    every = list(services())
    for told in ("title", "icon", "usual_name"):
        assert len({getattr(one, told) for one in every}) == len(every), told


def test_what_no_model_may_read_is_sent_to_none(scripted: Scripted, kind: Kind) -> None:
    if kind.service.kind != "model":
        pytest.skip("its requests go to no model")
    if kind.service.models:
        pytest.skip("it starts its server itself: test_local_model.py")
    scripted.then(400, {"error": {"message": "no"}})
    opening = Opening(for_models=lambda content: content.replace(b"secret", b"hidden"))
    client: Any = kind.open(settings_of(kind, urlsplit(scripted.url).port or 0), opening)
    asks: list[Callable[[], object]] = [
        lambda: client.chat([{"role": "user", "content": "A secret."}]),
        lambda: client.chat([{"role": "user", "content": "A secret."}], on_text=print),
        lambda: client.chat_json([{"role": "user", "content": "A secret."}], {"type": "object"}),
    ]
    for ask in asks:
        with deadline(PATIENCE_SECONDS), pytest.raises(ServiceError):
            ask()
    client.close()
    assert len(scripted.seen) >= len(asks)
    assert all(b"A hidden." in one.body and b"secret" not in one.body for one in scripted.seen)
