"""Undoing and updating what Gmail steps wrote: on the real client and its stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.labelled import LabelledMails
from engine.mail.drafts import MailDraft
from engine.mail.labels import LabelledMail
from engine.plugins.step import Call, CannotUndo, StepType, Written
from engine.steps.gmail.drafts import CreateDraft
from engine.steps.gmail.labels import AddLabels, CreateLabel, DeleteLabel, UpdateLabel
from engine.steps.gmail.sending import Send
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

LETTER = {"to": "ann@example.org", "subject": "Hello", "text": "How are you?"}
Api = Callable[..., Any]
Make = Callable[..., tuple[Call, Written]]


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["gmail"]
    settings = GmailSettings(
        token=SecretStr(endpoint.token), base_url=endpoint.base_url, web_url=f"{endpoint.origin}/mail/"
    )
    now = datetime.now(UTC)
    return Call(fields=None, client=GmailClient(settings, http), marker="m" * 32, intended_at=now, started_at=now)


@pytest.fixture
def api(standins: StandIns) -> Api:
    """Do something in Gmail as its owner: (method, path, body) -> the answer."""
    endpoint = standins["gmail"]

    def ask(method: str, path: str, body: Any = None) -> Any:
        url = f"{endpoint.base_url}/gmail/v1/users/me{path}"
        headers = {"Authorization": f"Bearer {endpoint.token}"}
        answer = httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    return ask


@pytest.fixture
def mail(standins: StandIns) -> str:
    """A mail that arrived; gives its id."""
    raw = "From: Ann <ann@example.org>\nSubject: Offer\nMessage-ID: <offer.1@example.org>\n\nHello"
    url = f"{standins['gmail'].origin}/_demo/mail"
    answer = httpx.post(
        url, content=raw.encode(), headers={"content-type": "text/plain"}, trust_env=False, timeout=PATIENCE_SECONDS
    )
    return str(answer.raise_for_status().json()["id"])


@pytest.fixture
def make(call: Call) -> Make:
    """Make a write; give the call that undoes it, and what was written."""

    def write(step: StepType, arguments: dict[str, Any], **more: Any) -> tuple[Call, Written]:
        asked = replace(call, fields=step.fields.model_validate(arguments), request={}, **more)
        output = step.call(asked)
        written = Written(arguments, output, step.receipt(output), asked.marker, datetime.now(UTC))
        return replace(asked, marker="u" * 32), written

    return write


def labels(call: Call, mail: str) -> list[str]:
    return sorted(call.client.labels.on(LabelledMails("messages", mail))[mail])


# --- labels


def test_the_labels_that_were_put_on_come_off_and_the_others_stay(make: Make, call: Call, mail: str) -> None:
    make(AddLabels(), {"message": mail, "labels": ["old"]})
    before = labels(call, mail)
    undo, written = make(AddLabels(), {"message": mail, "labels": ["Old", "new", " other   one "]})
    assert sorted(written.output["added"]) == ["new", "other one"]
    make(AddLabels(), {"message": mail, "labels": ["later"]})
    for _ in range(2):
        AddLabels().undo(undo, written)
        assert labels(call, mail) == sorted([*before, "later"])


def test_a_label_that_was_on_before_stays(make: Make, call: Call, mail: str) -> None:
    make(AddLabels(), {"message": mail, "labels": ["old"]})
    undo, written = make(AddLabels(), {"message": mail, "labels": ["old"]})
    AddLabels().undo(undo, written)
    assert "old" in labels(call, mail)


def test_after_a_broken_attempt_it_is_still_known_what_was_put_on(call: Call, mail: str, standins: StandIns) -> None:
    asked = replace(call, fields=AddLabels.fields.model_validate({"message": mail, "labels": ["new"]}), request={})
    standins.faults("gmail", match="/modify", cut=True, when="after_effect")
    with pytest.raises(ServiceError):
        AddLabels().call(asked)
    assert AddLabels().call(replace(asked, attempt=2))["added"] == ["new"]


def test_after_a_killed_process_nobody_claims_to_know_what_was_put_on(make: Make, call: Call, mail: str) -> None:
    later = {"started_at": datetime.now(UTC) + timedelta(seconds=30)}
    _, clear = make(AddLabels(), {"message": mail, "labels": ["new"]}, **later)
    assert clear.output["added"] == ["new"]
    _, unclear = make(AddLabels(), {"message": mail, "labels": ["new"]}, **later)
    assert unclear.output["added"] is None
    assert "not known" in AddLabels().why_kept(unclear)
    assert AddLabels().why_kept(clear) == ""


def test_a_label_or_a_mail_that_is_gone_needs_no_undoing(make: Make, api: Api, mail: str) -> None:
    undo, written = make(AddLabels(), {"message": mail, "labels": ["new"]})
    (label,) = [each["id"] for each in api("GET", "/labels")["labels"] if each["name"] == "new"]
    api("DELETE", f"/labels/{label}")
    AddLabels().undo(undo, written)
    assert "new" not in [each["name"] for each in api("GET", "/labels")["labels"]]
    undo, written = make(AddLabels(), {"message": mail, "labels": ["new"]})
    api("DELETE", f"/messages/{mail}")
    AddLabels().undo(undo, written)


def test_an_update_puts_the_new_labels_on(make: Make, call: Call, mail: str) -> None:
    _, written = make(AddLabels(), {"message": mail, "labels": ["new"]})
    asked = replace(call, fields=AddLabels.fields.model_validate({"message": mail, "labels": ["newer"]}), request={})
    output = AddLabels().update(asked, written)
    assert LabelledMail.model_validate(output).model_dump() == output
    assert {"new", "newer"} <= set(labels(call, mail))


def names(api: Api) -> list[str]:
    return sorted(each["name"] for each in api("GET", "/labels")["labels"] if each["type"] == "user")


def test_a_renamed_label_gets_its_old_name_back_unless_somebody_renamed_it_since(make: Make, api: Api) -> None:
    make(CreateLabel(), {"name": "Work/New"})
    before = names(api)
    undo, written = make(UpdateLabel(), {"label": "work/new", "name": "Work/Other"})
    assert written.output["before"] == "Work/New"
    for _ in range(2):
        UpdateLabel().undo(undo, written)
        assert names(api) == before
    api("PATCH", f"/labels/{written.output['id']}", {"name": "Hers"})
    with pytest.raises(CannotUndo, match="Hers"):
        UpdateLabel().undo(undo, written)
    _, same = make(UpdateLabel(), {"label": "Hers", "name": "Hers"})
    assert "already" in UpdateLabel().why_kept(same)


def test_a_rename_whose_answer_was_lost_is_done_once(make: Make, call: Call, api: Api, standins: StandIns) -> None:
    make(CreateLabel(), {"name": "Old"})
    fields = UpdateLabel.fields.model_validate({"label": "Old", "name": "New"})
    asked = replace(call, fields=fields, request={})
    standins.faults("gmail", match="PATCH", cut=True, when="after_effect")
    with pytest.raises(ServiceError):
        UpdateLabel().call(asked)
    assert UpdateLabel().call(replace(asked, attempt=2))["before"] == "Old"
    assert "New" in names(api)
    with pytest.raises(NotFound, match="no label 'Gone'"):
        make(UpdateLabel(), {"label": "Gone", "name": "New"})


def test_a_deleted_label_comes_off_its_mails_and_gmail_s_own_stay(make: Make, call: Call, mail: str) -> None:
    make(AddLabels(), {"message": mail, "labels": ["new"]})
    before = labels(call, mail)
    _, written = make(DeleteLabel(), {"label": "new"})
    assert (written.output["deleted"], written.output["mails"]) == (True, 1)
    assert labels(call, mail) == [each for each in before if each != "new"]
    assert make(DeleteLabel(), {"label": "new"})[1].output["deleted"] is False
    for step, arguments in ((DeleteLabel(), {}), (UpdateLabel(), {"name": "x"})):
        with pytest.raises(InvalidRequest, match="system label of Gmail"):
            make(step, {"label": "INBOX", **arguments})


# --- drafts


def test_a_draft_is_deleted_once(make: Make, standins: StandIns) -> None:
    before = standins.show("gmail")["drafts"]
    undo, written = make(CreateDraft(), LETTER)
    CreateDraft().undo(undo, written)
    CreateDraft().undo(undo, written)
    assert standins.show("gmail")["drafts"] == before


def test_a_draft_that_was_edited_stays(make: Make, api: Api) -> None:
    undo, written = make(CreateDraft(), LETTER)
    draft = api("GET", f"/drafts/{written.output['id']}?format=raw")
    api("PUT", f"/drafts/{written.output['id']}", {"message": {"raw": draft["message"]["raw"]}})
    with pytest.raises(CannotUndo, match="edited"):
        CreateDraft().undo(undo, written)
    assert api("GET", f"/drafts/{written.output['id']}")["id"] == written.output["id"]


@pytest.mark.parametrize("is_answer", [False, True], ids=["a new mail", "an answer"])
def test_a_draft_that_was_sent_is_told(make: Make, api: Api, mail: str, is_answer: bool) -> None:
    undo, written = make(CreateDraft(), {"in_reply_to": mail, "text": "Yes"} if is_answer else LETTER)
    api("POST", "/drafts/send", {"id": written.output["id"]})
    with pytest.raises(CannotUndo, match="sent"):
        CreateDraft().undo(undo, written)


def test_a_draft_is_brought_to_new_words(make: Make, call: Call, api: Api) -> None:
    _, written = make(CreateDraft(), LETTER)
    asked = replace(call, fields=CreateDraft.fields.model_validate({**LETTER, "subject": "Other"}), request={})
    for _ in range(2):
        output = CreateDraft().update(asked, written)
        assert MailDraft.model_validate(output).id == written.output["id"]
    message = api("GET", f"/drafts/{written.output['id']}")["message"]
    assert {"name": "Subject", "value": "Other"} in message["payload"]["headers"]
    CreateDraft().undo(asked, replace(written, output=output))


def test_an_update_of_a_draft_that_is_gone_says_what_to_do(make: Make, api: Api) -> None:
    undo, written = make(CreateDraft(), LETTER)
    api("DELETE", f"/drafts/{written.output['id']}")
    with pytest.raises(NotFound) as caught:
        CreateDraft().update(undo, written)
    assert "--force" in caught.value.remedy


def test_a_mail_that_was_sent_is_known_not_to_be_undone(make: Make) -> None:
    _, written = make(Send(), LETTER)
    assert "cannot be recalled" in Send().why_kept(written)
