"""The Gmail steps on the real client and its stand-in: outputs, look-up, receipts, roles, refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError

from clients.errors import InvalidRequest
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from engine.plugins.step import Call, Effect, Repeat, StepType
from engine.steps.gmail.drafts import CreateDraft
from engine.steps.gmail.labels import AddLabels
from engine.steps.gmail.reading import GetMessage, SearchMessages
from engine.steps.gmail.sending import Send
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

every_letter = pytest.mark.parametrize("step", [CreateDraft(), Send()], ids=lambda step: step.name)
LETTER = {"to": "ann@example.org", "subject": "Hello", "text": "How are you?"}


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["gmail"]
    settings = GmailSettings(
        token=SecretStr(endpoint.token), base_url=endpoint.base_url, web_url=f"{endpoint.origin}/mail/"
    )
    now = datetime.now(UTC)
    return Call(fields=None, client=GmailClient(settings, http), marker="m" * 32, intended_at=now, started_at=now)


@pytest.fixture
def deliver(standins: StandIns) -> Callable[[str], str]:
    """Let a mail arrive; gives its id."""

    def arrive(raw: str) -> str:
        url = f"{standins['gmail'].origin}/_demo/mail"
        answer = httpx.post(
            url, content=raw.encode(), headers={"content-type": "text/plain"}, trust_env=False, timeout=PATIENCE_SECONDS
        )
        return str(answer.raise_for_status().json()["id"])

    return arrive


@pytest.fixture
def mail(deliver: Callable[[str], str]) -> str:
    return deliver("From: Ann <ann@example.org>\nSubject: Offer\nMessage-ID: <offer.1@example.org>\n\nHello")


def filled(step: StepType, call: Call, arguments: dict[str, Any]) -> Call:
    return replace(call, fields=step.fields.model_validate(arguments), request={})


@every_letter
def test_a_letter_is_not_found_before_and_found_after_it(step: StepType, call: Call) -> None:
    asked = filled(step, call, LETTER)
    assert step.repeat is Repeat.FINDABLE
    assert step.find(asked) is None
    output: Any = step.call(asked)
    assert step.find(asked) == output
    assert step.find(replace(asked, marker="n" * 32)) is None
    assert step.receipt(output).id == output["id"]
    assert step.receipt(output).url.startswith("http://127.0.0.1:")


def test_labels_are_safe_to_put_twice(call: Call, mail: str) -> None:
    step = AddLabels()
    asked = filled(step, call, {"message": mail, "labels": ["triaged"]})
    assert (step.effect, step.repeat) == (Effect.WRITES, Repeat.SAFE)
    assert step.call(asked) == step.call(asked)
    assert step.receipt(step.call(asked)).id == mail


def test_ids_win_over_the_search(call: Call, mail: str) -> None:
    step = SearchMessages()
    found = step.call(filled(step, call, {"query": "in:nowhere", "ids": [mail]}))
    assert [each["id"] for each in found["messages"]] == [mail]
    assert found["matched_estimate"] == 1


def test_of_several_mails_one_is_named_whose_text_is_missing_and_not_only_cut_on_request(
    call: Call, deliver: Callable[[str], str]
) -> None:
    answer = deliver("From: Ann <ann@example.org>\nSubject: Re: Offer\n\nYes.\n\n-- \nAnn Lee\nSales\n")
    closed = deliver("From: Ann <ann@example.org>\nSubject: Terms\nContent-Type: application/pkcs7-mime\n\nx")
    asked = filled(SearchMessages(), call, {"ids": [answer, closed], "cut_signature": True})
    found = SearchMessages().call(asked)
    assert [bool(mail["left_out"]) for mail in found["messages"]] == [True, True]
    assert "2 of 2 mails leaves something out. First: 'Terms': The mail is encrypted" in " ".join(asked.notes)


@every_letter
def test_an_answer_goes_to_its_sender_in_the_same_thread(step: StepType, call: Call, mail: str) -> None:
    asked = filled(step, call, {"in_reply_to": mail, "text": "Thanks"})
    output: Any = step.call(asked)
    written = call.client.mail.message(output.get("message", output["id"]))
    assert written["to"] == "ann@example.org"
    assert written["subject"] == "Re: Offer"
    assert output["thread_id"] == call.client.mail.message(mail)["thread_id"]
    assert asked.request == {"to": ["ann@example.org"], "in_reply_to": mail}


@every_letter
@pytest.mark.parametrize(
    "headers",
    [
        "From: no-reply@b.example",
        "From: a@b.example\nPrecedence: bulk",
        "From: a@b.example\nAuto-Submitted: auto-replied",
    ],
    ids=["no-reply", "bulk", "automatic"],
)
def test_what_must_not_be_answered_is_refused(
    step: StepType, call: Call, deliver: Callable[[str], str], standins: StandIns, headers: str
) -> None:
    before = standins.show("gmail")
    with pytest.raises(InvalidRequest) as caught:
        step.call(filled(step, call, {"in_reply_to": deliver(f"{headers}\n\nx"), "text": "Thanks"}))
    assert "can_reply" in caught.value.remedy
    after = standins.show("gmail")
    assert (len(after["drafts"]), len(after["sent"])) == (len(before["drafts"]), len(before["sent"]))


@every_letter
def test_a_letter_carries_files_of_three_kinds(step: StepType, call: Call, standins: StandIns) -> None:
    other = call.client.mail.search("has:attachment", 1)["messages"][0]
    files = [
        {"name": "a.txt", "text": "hällo"},
        {"name": "b.bin", "base64": base64.b64encode(b"\x00\x01").decode()},
        {"message": other["id"], "id": other["attachments"][0]["id"]},
    ]
    output: Any = step.call(filled(step, call, {**LETTER, "attachments": files}))
    sent = call.client.mail.message(output.get("message", output["id"]))["attachments"]
    names = ["a.txt", "b.bin", other["attachments"][0]["name"]]
    assert [(file["name"], file["bytes"]) for file in sent] == list(
        zip(names, [6, 2, other["attachments"][0]["bytes"]], strict=True)
    )


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"name": "x"}, id="nothing"),
        pytest.param({"name": "x", "text": "a", "base64": "YQ=="}, id="two contents"),
        pytest.param({"name": "x", "message": "1"}, id="a mail without the attachment's id"),
        pytest.param({"name": "x", "base64": "?"}, id="no base64"),
    ],
)
def test_a_file_without_one_content_is_refused(call: Call, file: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        CreateDraft().call(filled(CreateDraft(), call, {**LETTER, "attachments": [file]}))


def test_several_recipients_are_written_either_way(call: Call) -> None:
    for to in ("a@b.example, c@d.example", ["a@b.example", "c@d.example", " "]):
        output = CreateDraft().call(
            filled(CreateDraft(), replace(call, marker=str(type(to))[8:11] * 8), {**LETTER, "to": to})
        )
        assert call.client.mail.message(output["message"])["to"] == "a@b.example, c@d.example"


def test_a_draft_may_wait_for_its_recipient_and_a_mail_may_not(call: Call) -> None:
    assert CreateDraft().call(filled(CreateDraft(), call, {"text": "x"}))["id"]
    with pytest.raises(InvalidRequest, match="no recipient"):
        Send().call(filled(Send(), call, {"text": "x"}))
    assert [field for field, _ in Send().problems({"text": "x"}, {})] == ["to"]
    assert Send().problems({"in_reply_to": "{{ mail.id }}"}, {}) == []


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        pytest.param(SearchMessages(), {"limit": 0}, id="no mails"),
        pytest.param(SearchMessages(), {"limit": 501}, id="more than a page"),
        pytest.param(GetMessage(), {"message": ""}, id="no mail"),
        pytest.param(AddLabels(), {"message": "1", "labels": []}, id="no labels"),
        pytest.param(Send(), {"to": [1]}, id="a number for an address"),
        pytest.param(Send(), {"to": "a@b.example", "colour": "red"}, id="an unknown field"),
    ],
)
def test_wrong_fields_are_refused(step: StepType, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step.fields.model_validate(arguments)


def test_writes_to_one_place_go_one_at_a_time() -> None:
    fields = Send.fields.model_validate({"to": ["B@x.example", "a@x.example"]})
    assert Send().target(fields) == "a@x.example,b@x.example"
    assert CreateDraft().target(CreateDraft.fields.model_validate({"in_reply_to": "7"})) == "7"
    assert AddLabels().target(AddLabels.fields.model_validate({"message": "7", "labels": ["x"]})) == "7"


def test_fields_have_their_roles_and_outside_text_is_marked() -> None:
    letter = Send.fields.model_json_schema()["properties"]
    roles = {name: field["role"] for name, field in letter.items()}
    assert {name for name, role in roles.items() if role == "destination"} == {
        "to",
        "cc",
        "bcc",
        "in_reply_to",
        "reply_to",
        "from",
        "send_after",
    }
    assert {name for name, role in roles.items() if role == "instruction"} == {"html"}
    assert {name for name, role in roles.items() if role == "content"} == {"subject", "text", "attachments"}
    mail = GetMessage().output_schema({}, {})
    outside = {name for name, field in mail["properties"].items() if field.get("outside")}
    heads = {"from", "to", "cc", "subject", "reply_to", "headers", "message_id", "sent_at"}
    assert outside == {*heads, "text", "full_text", "left_out"}
    for part in ("Attachment", "MailPart"):
        assert mail["$defs"][part]["properties"]["name"]["outside"] is True
        assert mail["$defs"][part]["properties"]["media_type"]["outside"] is True
