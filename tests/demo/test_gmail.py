"""Gmail's stand-in, driven by the real google-api-python-client, its answers held against Google's description."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any, cast

import google.oauth2.credentials
import google_auth_httplib2
import httplib2
import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from demo.gmail import sample as gmail_sample
from demo.gmail import stand_in as gmail
from demo.service import StandIn
from tests.demo.conftest import Running
from tests.demo.gmail_schema import differences


@pytest.fixture
def here(running: Callable[[StandIn], Running]) -> Running:
    return running(cast("StandIn", gmail))


@pytest.fixture
def users(here: Running) -> Iterator[Any]:
    plain: Any = httplib2.Http(timeout=15, proxy_info=None)  # type: ignore[no-untyped-call]
    credentials: Any = google.oauth2.credentials.Credentials(token=gmail.TOKEN)  # type: ignore[no-untyped-call]
    http: Any = google_auth_httplib2.AuthorizedHttp(credentials, http=plain)  # type: ignore[no-untyped-call]
    options = {"api_endpoint": here.base_url}
    with build("gmail", "v1", http=http, client_options=options, cache_discovery=False) as service:
        yield service.users()


def conforming(answer: Any, schema: str) -> Any:
    assert list(differences(answer, schema)) == []
    return answer


def mail(subject: str = "Hello", to: str = "ann@example.org", text: str = "Text", **headers: str) -> str:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def ids(users: Any, query: str, **more: Any) -> list[str]:
    answer = conforming(users.messages().list(userId="me", q=query, **more).execute(), "ListMessagesResponse")
    return [each["id"] for each in answer.get("messages", [])]


def headers(message: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in message["payload"]["headers"]}


def subject(users: Any, message_id: str) -> str:
    found = users.messages().get(userId="me", id=message_id, format="metadata", metadataHeaders=["Subject"]).execute()
    return headers(found).get("Subject", "")


def error_of(call: Any) -> dict[str, Any]:
    with pytest.raises(HttpError) as caught:
        call.execute()
    error: dict[str, Any] = json.loads(caught.value.content)["error"]
    assert error["code"] == caught.value.resp.status
    assert error["errors"][0]["message"] == error["message"]
    return error


@pytest.mark.parametrize("form", ["full", "metadata", "minimal", "raw"])
def test_every_sample_mail_fits_the_description_in_every_format(users: Any, form: str) -> None:
    for each in ids(users, "in:anywhere"):
        found = conforming(users.messages().get(userId="me", id=each, format=form).execute(), "Message")
        assert ("payload" in found) == (form in {"full", "metadata"})
        assert ("raw" in found) == (form == "raw")


def test_a_raw_mail_parses_and_has_what_the_full_form_has(users: Any) -> None:
    [found] = ids(users, "subject:umlauts OR subject:Norwegian")
    raw = users.messages().get(userId="me", id=found, format="raw").execute()["raw"]
    parsed = message_from_bytes(base64.urlsafe_b64decode(raw + "=="))
    full = users.messages().get(userId="me", id=found).execute()
    assert parsed["Subject"] == headers(full)["Subject"]
    assert parsed["To"] == "demo-1@example.com"
    assert "X-Gmail-Labels" not in parsed


def test_text_comes_in_utf_8_whatever_its_charset_was(users: Any) -> None:
    found = users.messages().get(userId="me", id=ids(users, "from:tanaka")[0]).execute()
    text = base64.urlsafe_b64decode(found["payload"]["body"]["data"] + "==").decode()
    assert "強制終了します" in text
    assert "iso-2022-jp" in headers(found)["Content-Type"]
    assert headers(found)["From"].startswith("田中 恵子")


def test_text_of_an_unknown_charset_comes_as_its_bytes(users: Any) -> None:
    found = users.messages().get(userId="me", id=ids(users, "from:scanner")[0]).execute()
    data = base64.urlsafe_b64decode(found["payload"]["body"]["data"] + "==")
    assert b"Page 1 of 1 \x97" in data


def test_a_search_is_given_in_pages_that_a_new_mail_does_not_move(here: Running, users: Any) -> None:
    first = users.messages().list(userId="me", q="in:inbox", maxResults=10).execute()
    with here.http() as http:
        http.post("/_demo/mail", json={"subject": "Late"}).raise_for_status()
    second = (
        users.messages().list_next(users.messages().list(userId="me", q="in:inbox", maxResults=10), first).execute()
    )
    third = users.messages().list(userId="me", q="in:inbox", maxResults=10, pageToken=second["nextPageToken"]).execute()
    got = [each["id"] for answer in (first, second, third) for each in answer["messages"]]
    assert len(got) == len(set(got)) == 25
    assert "nextPageToken" not in third


def test_a_search_that_finds_nothing_has_no_list(users: Any) -> None:
    assert users.messages().list(userId="me", q="from:nobody").execute() == {"resultSizeEstimate": 0}


def test_a_label_is_renamed_and_deleted(users: Any) -> None:
    label = users.labels().create(userId="me", body={"name": "a"}).execute()
    target = ids(users, "in:inbox")[0]
    users.messages().modify(userId="me", id=target, body={"addLabelIds": [label["id"]]}).execute()
    renamed = users.labels().patch(userId="me", id=label["id"], body={"name": "b/c"}).execute()
    assert renamed["name"] == "b/c"
    assert ids(users, "label:b-c") == [target]
    assert users.labels().delete(userId="me", id=label["id"]).execute() == ""
    assert label["id"] not in users.messages().get(userId="me", id=target).execute()["labelIds"]


def test_a_batch_changes_many_mails_at_once(users: Any) -> None:
    chosen = ids(users, "in:inbox")[:3]
    body = {"ids": [*chosen, "0000000000000000"], "addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]}
    assert users.messages().batchModify(userId="me", body=body).execute() == ""
    assert set(ids(users, "is:starred")) == set(chosen)
    assert len(ids(users, "in:inbox")) == 22


def test_trash_hides_a_mail_until_it_is_taken_back(users: Any) -> None:
    target = ids(users, "in:inbox")[0]
    users.messages().trash(userId="me", id=target).execute()
    assert target not in ids(users, "")
    assert target in ids(users, "", includeSpamTrash=True)
    assert ids(users, "in:trash") == [target]
    users.messages().untrash(userId="me", id=target).execute()
    assert target in ids(users, "")


def test_a_sent_mail_lies_in_sent_with_its_own_message_id(users: Any) -> None:
    wanted = "<orchestra.abc123@demo.example.com>"
    answer = users.messages().send(userId="me", body={"raw": mail(Message_ID=wanted)}).execute()
    sent = users.messages().get(userId="me", id=conforming(answer, "Message")["id"], format="metadata").execute()
    assert sent["labelIds"] == ["SENT"]
    assert headers(sent)["Message-ID"] == wanted
    assert headers(sent)["From"] == "demo-1@example.com"
    assert ids(users, "rfc822msgid:orchestra.abc123@demo.example.com") == [sent["id"]]


@pytest.mark.parametrize("bad", ["<no-at-sign>", "orchestra@example.com", "<a b@example.com>", "<x@localhost>"])
def test_a_malformed_message_id_is_replaced(users: Any, bad: str) -> None:
    body = {"raw": mail(Message_ID=bad)}
    sent = users.messages().send(userId="me", body=body).execute()
    found = users.messages().get(userId="me", id=sent["id"]).execute()
    assert headers(found)["Message-ID"].endswith("@mail.gmail.com>")


def test_a_mail_to_oneself_is_sent_and_received(users: Any) -> None:
    answer = users.messages().send(userId="me", body={"raw": mail(to="demo-1@example.com")}).execute()
    assert set(answer["labelIds"]) == {"SENT", "INBOX", "UNREAD"}


def test_an_answer_joins_the_thread_that_it_names(users: Any) -> None:
    original = users.messages().get(userId="me", id=ids(users, "from:achebe OR from:daniel")[0]).execute()
    body = {"raw": mail("Re: Usage figures for the board"), "threadId": original["threadId"]}
    users.messages().send(userId="me", body=body).execute()
    thread = users.threads().get(userId="me", id=original["threadId"]).execute()
    assert [each["labelIds"][0] for each in conforming(thread, "Thread")["messages"]][-1] == "SENT"
    assert len(thread["messages"]) == 2


def test_the_sample_thread_hangs_together_by_its_references(users: Any) -> None:
    [newest] = ids(users, "from:victor in:inbox")
    thread_id = users.messages().get(userId="me", id=newest).execute()["threadId"]
    assert len(users.threads().get(userId="me", id=thread_id).execute()["messages"]) == 3
    listed = conforming(users.threads().list(userId="me", q="from:victor").execute(), "ListThreadsResponse")
    assert [each["id"] for each in listed["threads"]] == [thread_id]


def test_a_thread_is_relabelled_as_a_whole(users: Any) -> None:
    [newest] = ids(users, "from:victor in:inbox")
    thread_id = users.messages().get(userId="me", id=newest).execute()["threadId"]
    body = {"addLabelIds": ["STARRED"]}
    conforming(users.threads().modify(userId="me", id=thread_id, body=body).execute(), "Thread")
    assert len(ids(users, "is:starred")) == 3


def test_a_draft_is_deleted_for_ever(users: Any) -> None:
    draft = users.drafts().create(userId="me", body={"message": {"raw": mail()}}).execute()
    users.drafts().delete(userId="me", id=draft["id"]).execute()
    assert ids(users, "in:drafts") == []
    assert error_of(users.drafts().get(userId="me", id=draft["id"]))["status"] == "NOT_FOUND"


def test_an_inserted_mail_is_dated_by_arrival_and_an_imported_one_by_itself(users: Any) -> None:
    raw = mail(Date="Mon, 02 Mar 2020 10:00:00 +0000")
    imported = users.messages().import_(userId="me", body={"raw": raw, "labelIds": ["INBOX"]}).execute()
    inserted = users.messages().insert(userId="me", body={"raw": raw, "labelIds": ["INBOX"]}).execute()
    assert ids(users, "before:2021/01/01") == [imported["id"]]
    assert inserted["id"] in ids(users, "newer_than:1d")


def test_history_tells_what_happened_since(users: Any) -> None:
    start = users.getProfile(userId="me").execute()["historyId"]
    target = ids(users, "in:inbox")[0]
    sent = users.messages().send(userId="me", body={"raw": mail()}).execute()
    users.messages().modify(userId="me", id=target, body={"addLabelIds": ["STARRED"]}).execute()
    users.messages().modify(userId="me", id=target, body={"addLabelIds": ["STARRED"]}).execute()
    users.messages().delete(userId="me", id=sent["id"]).execute()
    answer = conforming(users.history().list(userId="me", startHistoryId=start).execute(), "ListHistoryResponse")
    kinds = [sorted(set(each) - {"id", "messages"}) for each in answer["history"]]
    assert kinds == [["messagesAdded"], ["labelsAdded"], ["messagesDeleted"]]
    assert answer["history"][1]["labelsAdded"][0]["labelIds"] == ["STARRED"]
    only = users.history().list(userId="me", startHistoryId=start, historyTypes=["messageAdded"]).execute()
    assert len(only["history"]) == 1
    assert "history" not in users.history().list(userId="me", startHistoryId=answer["historyId"]).execute()


def test_history_from_before_a_reset_is_gone(here: Running, users: Any) -> None:
    start = users.getProfile(userId="me").execute()["historyId"]
    here.store.reset(gmail.seed)
    assert error_of(users.history().list(userId="me", startHistoryId=start))["status"] == "NOT_FOUND"


def test_a_reset_gives_a_new_account_and_new_ids(here: Running, users: Any) -> None:
    before = set(ids(users, "in:anywhere"))
    here.store.reset(gmail.seed)
    assert users.getProfile(userId="me").execute()["emailAddress"] == "demo-2@example.com"
    assert before.isdisjoint(ids(users, "in:anywhere"))
    assert len(ids(users, "in:inbox to:me")) == 24


@pytest.mark.parametrize(
    ("call", "status", "word"),
    [
        pytest.param(lambda u: u.messages().get(userId="me", id="nothing"), "NOT_FOUND", "not found", id="no mail"),
        pytest.param(
            lambda u: u.messages().get(userId="me", id="1", format="minimal"), "NOT_FOUND", "", id="no mail 2"
        ),
        pytest.param(lambda u: u.threads().get(userId="me", id="nothing"), "NOT_FOUND", "not found", id="no thread"),
        pytest.param(lambda u: u.labels().get(userId="me", id="Label_9"), "NOT_FOUND", "not found", id="no label"),
        pytest.param(lambda u: u.getProfile(userId="x@example.org"), "PERMISSION_DENIED", "Delegation", id="not mine"),
        pytest.param(lambda u: u.messages().send(userId="me", body={}), "INVALID_ARGUMENT", "raw", id="no raw"),
        pytest.param(
            lambda u: u.messages().send(userId="me", body={"raw": "!!!"}), "INVALID_ARGUMENT", "Base64", id="bad raw"
        ),
        pytest.param(
            lambda u: u.messages().send(userId="me", body={"raw": mail(to="")}),
            "INVALID_ARGUMENT",
            "Recipient",
            id="to nobody",
        ),
        pytest.param(
            lambda u: u.messages().send(userId="me", body={"raw": mail(), "threadId": "nothing"}),
            "NOT_FOUND",
            "not found",
            id="into no thread",
        ),
        pytest.param(
            lambda u: u.labels().create(userId="me", body={"name": "inbox"}),
            "INVALID_ARGUMENT",
            "label",
            id="system name",
        ),
        pytest.param(
            lambda u: u.labels().create(userId="me", body={"name": "invoices"}), "ABORTED", "exists", id="name is taken"
        ),
        pytest.param(
            lambda u: u.labels().delete(userId="me", id="INBOX"), "INVALID_ARGUMENT", "system", id="system label"
        ),
        pytest.param(lambda u: u.messages().list(userId="me", labelIds=["No"]), "INVALID_ARGUMENT", "No", id="label"),
        pytest.param(lambda u: u.messages().list(userId="me", pageToken="x"), "INVALID_ARGUMENT", "page", id="page"),
        pytest.param(lambda u: u.messages().list(userId="me", q="(" * 80), "INVALID_ARGUMENT", "deep", id="too deep"),
        pytest.param(lambda u: u.history().list(userId="me", startHistoryId="1"), "NOT_FOUND", "", id="too old"),
    ],
)
def test_a_mistake_is_answered_in_gmails_own_words(users: Any, call: Any, status: str, word: str) -> None:
    error = error_of(call(users))
    assert error["status"] == status
    assert word in error["message"]


@pytest.mark.parametrize("label", ["SENT", "DRAFT", "Label_77"])
def test_some_labels_cannot_be_put_on(users: Any, label: str) -> None:
    call = users.messages().modify(userId="me", id=ids(users, "")[0], body={"addLabelIds": [label]})
    assert error_of(call)["message"] == f"Invalid label: {label}"


def test_a_failed_change_leaves_nothing_behind(here: Running, users: Any) -> None:
    before = users.getProfile(userId="me").execute()
    body = {"ids": ids(users, "")[:2], "addLabelIds": ["STARRED", "Label_77"]}
    error_of(users.messages().batchModify(userId="me", body=body))
    assert users.getProfile(userId="me").execute() == before


def test_a_wrong_token_is_401(here: Running) -> None:
    with here.http(headers={"authorization": "Bearer wrong"}) as http:
        answer = http.get("/gmail/v1/users/me/profile")
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_a_new_mail_arrives_as_json_or_as_a_file(here: Running, users: Any) -> None:
    with here.http() as http:
        plain = {"from": "Ann <ann@example.org>", "subject": "Größe", "text": "Hallo\n"}
        first = http.post("/_demo/mail", json=plain).json()["id"]
        file = b"From: b@example.org\nTo: you@example.com\nSubject: File\nX-Gmail-Labels: Spam\n\nText\n"
        second = http.post("/_demo/mail", content=file, headers={"content-type": "text/plain"}).json()["id"]
        long = "Größe der Lagerübersicht, Straße über Menü, Angebot möglich für Büro, Größe der Lagerübersicht"
        third = http.post("/_demo/mail", json={"subject": long}).json()["id"]
        refused = http.post("/_demo/mail", json={"subject": "a\nBcc: x@example.org"})
    assert sorted(ids(users, "in:inbox is:unread newer_than:1h")[:3], key=[first, second, third].index) == [
        first,
        second,
        third,
    ]
    assert subject(users, first) == "Größe"
    assert subject(users, third) == long
    assert headers(users.messages().get(userId="me", id=second).execute())["To"] == "demo-1@example.com"
    assert refused.status_code == 400


def test_the_next_of_the_extra_mails_arrives_each_time_and_then_the_first_again(here: Running, users: Any) -> None:
    extra = len(list(gmail_sample.NEW_MAILS.glob("*.eml")))
    with here.http() as http:
        arrived = [http.post("/_demo/mail", json={"next": True}).json()["id"] for _ in range(extra + 1)]
    subjects = [subject(users, each) for each in arrived]
    assert len(set(subjects)) == extra
    assert subjects[0] == subjects[-1] == "Settings page crashes in dark mode"
    message_ids = {headers(users.messages().get(userId="me", id=each).execute())["Message-ID"] for each in arrived}
    assert len(message_ids) == extra + 1
    assert set(ids(users, "in:inbox is:unread newer_than:1h")) >= set(arrived)


def test_everything_is_shown_as_the_api_gives_it(here: Running, users: Any) -> None:
    users.drafts().create(userId="me", body={"message": {"raw": mail()}}).execute()
    shown = gmail.show(here.store)
    assert sorted(shown) == ["drafts", "labels", "messages", "sent"]
    for kind, schema in (("messages", "Message"), ("drafts", "Draft"), ("sent", "Message"), ("labels", "Label")):
        assert shown[kind]
        for each in shown[kind]:
            conforming(each, schema)


def test_pages_for_people_show_plain_text_only(here: Running, users: Any) -> None:
    tagged = ids(users, "from:rankboost")[0]
    hidden = ids(users, "from:fernandfable")[0]
    with here.http(headers={"authorization": ""}) as http:
        inbox = http.get("/mail").text
        one = http.get(f"/mail/{tagged}").text
        other = http.get(f"/mail/{hidden}").text
        missing = http.get("/mail/nothing")
        searched = http.get("/mail", params={"q": '"<script>alert(1)</script>"'}).text
    assert inbox.count("/mail/19") == 25
    assert "&lt;tool_call&gt;" in one
    assert "<tool_call>" not in one
    assert "display:none" not in other
    assert "<script" not in searched
    assert missing.status_code == 404


def test_a_mail_of_any_bytes_is_taken(users: Any) -> None:
    broken = b"Subject: =?utf-8?b?broken\xff\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\xff\xfe\n"
    raw = base64.urlsafe_b64encode(broken).decode()
    inserted = users.messages().insert(userId="me", body={"raw": raw, "labelIds": ["INBOX"]}).execute()
    conforming(users.messages().get(userId="me", id=inserted["id"]).execute(), "Message")
