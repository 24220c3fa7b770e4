"""Documents of GraphQL: what they do is decided by their grammar, and while a plan is made only queries leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from clients.errors import InvalidRequest, NotFound, WriteRefused
from clients.github.client import GitHubClient
from clients.github.operations import is_query, operation_of
from clients.github.service import GITHUB, GitHubSettings
from clients.reads import ConnectionReads
from clients.reads_only import reads_only
from clients.transport import http_client
from engine.plugins import registry
from engine.plugins.step import Effect

if TYPE_CHECKING:
    from tests.conftest import StandIns

LOCK = "mutation { lockLockable(input: {lockableId: $id}) { clientMutationId } }"
TWO = 'query Look { viewer { login } } mutation Say { addComment(input: {body: "", subjectId: ""}) { __typename } }'


@pytest.mark.parametrize(
    ("document", "name", "kind", "fields"),
    [
        pytest.param("{ viewer { login } }", "", "query", ("viewer",), id="short form"),
        pytest.param("query mutation { viewer { login } }", "", "query", ("viewer",), id="a query named mutation"),
        pytest.param("# query\nmutation query { closeIssue { x } }", "", "mutation", ("closeIssue",), id="named query"),
        pytest.param('query { a(text: "} mutation { b }") }', "", "query", ("a",), id="a text that looks like one"),
        pytest.param('query { a(text: """\n} mutation { b }""") }', "", "query", ("a",), id="a block of text"),
        pytest.param("\ufeff,,mutation,{a}", "", "mutation", ("a",), id="commas and a byte order mark"),
        pytest.param(TWO, "Look", "query", ("viewer",), id="the first of two"),
        pytest.param(TWO, "Say", "mutation", ("addComment",), id="the second of two"),
        pytest.param(
            "fragment query on Mutation { x: closeIssue { y } } mutation { ...query ... on Mutation { addComment } }",
            "",
            "mutation",
            ("closeIssue", "addComment"),
            id="through fragments",
        ),
        pytest.param("query { ...a } fragment a on Query { ...a viewer }", "", "query", ("viewer",), id="in a circle"),
        pytest.param("subscription { a }", "", "subscription", ("a",), id="a subscription"),
    ],
)
def test_the_grammar_says_what_a_document_does(document: str, name: str, kind: str, fields: tuple[str, ...]) -> None:
    found = operation_of(document, name)
    assert (found.kind, found.fields) == (kind, fields)
    effect = registry.step_type("github.graphql").effect_of({"document": document, "operation": name})[0]
    assert effect is (Effect.READS if kind == "query" else Effect.WRITES)
    body = {"query": document, "variables": {"text": "mutation { a }"}, "operationName": name or None}
    assert is_query(json.dumps(body).encode()) is (kind == "query")


@pytest.mark.parametrize(
    ("document", "name", "says"),
    [
        pytest.param(TWO, "", "It has several: Look, Say", id="several and none is named"),
        pytest.param(TWO, "Nobody", "no single operation 'Nobody': Look, Say", id="a name that is not there"),
        pytest.param("query A { a } mutation A { b }", "A", "no single operation 'A'", id="one name twice"),
        pytest.param("{ a } { b }", "", "several", id="two without a name"),
        pytest.param("fragment a on Query { b }", "", "no operation", id="only a fragment"),
        pytest.param("query { a", "", "not a document", id="cut"),
        pytest.param("{ a " + "{ a " * 30_000, "", "more than|not a document", id="very deep"),
        pytest.param("{ " * 5_000, "", "not a document", id="deep"),
    ],
)
def test_a_document_that_does_not_say_what_it_does_is_refused(document: str, name: str, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        operation_of(document, name)
    step = registry.step_type("github.graphql")
    assert step.effect_of({"document": document, "operation": name})[0] is Effect.WRITES
    assert step.problems({"document": document, "operation": name}, {})
    assert not is_query(json.dumps({"query": document, "operationName": name}).encode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"query": "mutation { a }", "query": "{ a }"}', id="two documents"),
        pytest.param(b'{"query": "{ a }", "extensions": {"persistedQuery": {"sha256Hash": "0"}}}', id="a stored one"),
        pytest.param(
            b'{"query": "query A { a } mutation B { b }", "operationName": "A", "operationName": "B"}', id="B"
        ),
        pytest.param(b'[{"query": "{ a }"}, {"query": "mutation { a }"}]', id="several at once"),
        pytest.param(b'{"query": "{ a }", "operationName": ["A"]}', id="a name that is none"),
        pytest.param(b'{"variables": {}}', id="no document"),
        pytest.param(b"query { a }", id="no JSON"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_body_that_others_may_read_otherwise_is_no_query(body: bytes) -> None:
    assert not is_query(body)


@pytest.fixture
def client(standins: StandIns) -> Iterator[GitHubClient]:
    endpoint = standins["github"]
    settings = GitHubSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    with http_client(reads=ConnectionReads(GITHUB.reads, endpoint.base_url, GITHUB.title)) as http:
        yield GitHubClient(settings, http)


def test_while_a_plan_is_made_queries_leave_and_nothing_else(client: GitHubClient, standins: StandIns) -> None:
    with reads_only():
        assert client.graphql(TWO, {}, "Look")["data"]["viewer"]["login"].startswith("demo-")
        before = dict(standins.requests("github"))
        with pytest.raises(WriteRefused):
            client.graphql(TWO, {}, "Say")
        for path in ("/graphql?query=mutation{a}", "/graphql/", "/graphql%3F"):
            with pytest.raises(WriteRefused):
                client.http.post(f"{standins['github'].base_url}{path}", json={"query": "{ viewer { login } }"})
        assert dict(standins.requests("github")) == before


def test_variables_with_the_text_of_others_stay_values(client: GitHubClient) -> None:
    document = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { nameWithOwner } }"
    found = client.graphql(document, {"owner": "acme", "name": "app"}, "")
    assert found == {"data": {"repository": {"nameWithOwner": "acme/app"}}, "errors": []}
    with pytest.raises(NotFound, match="Could not resolve to a Repository"):
        client.graphql(document, {"owner": 'a") { id } } mutation { x(a: "', "name": "app"}, "")


def test_parts_that_were_refused_are_told_beside_the_rest(client: GitHubClient) -> None:
    one = 'query { viewer { login } repository(owner: "acme", name: "app") { issue(number: 999) { title } } }'
    found = client.graphql(one, {}, "")
    [error] = found["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", "repository.issue")
    with pytest.raises(InvalidRequest, match="Cannot query field 'nothing'"):
        client.graphql("{ nothing }", {}, "")


def test_an_enterprise_server_has_it_beside_its_rest_api() -> None:
    sent: list[Any] = []
    with http_client(reads=ConnectionReads(GITHUB.reads, "https://git.example.com/api/v3", GITHUB.title)) as http:
        http.event_hooks = {"request": [lambda request: sent.append(str(request.url))]}
        settings = GitHubSettings(token=SecretStr("x"), base_url="https://git.example.com/api/v3")
        request = http.build_request("POST", "https://git.example.com/api/graphql", json={"query": "{ viewer { id } }"})
        assert ConnectionReads(GITHUB.reads, settings.base_url).include(request)
        assert not ConnectionReads(GITHUB.reads, "https://other.example.com/api/v3").include(request)
