"""Slack, Telegram and Discord: what is sent, what finds it again, and what strangers' texts cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from clients.chats.markdown import SLACK, TELEGRAM, rendered
from clients.client import Opening
from clients.discord.client import DiscordClient
from clients.discord.service import DiscordSettings
from clients.errors import AuthError, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from clients.slack.client import SlackClient
from clients.slack.service import SlackSettings
from clients.telegram.client import TelegramClient
from clients.telegram.service import TelegramSettings
from demo.discord.stand_in import HOOK, HOOK_TOKEN
from demo.slack.stand_in import post

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

MARKER = "m" * 32
SUPPORT = "100000000000000012"


@pytest.fixture
def slack(standins: StandIns) -> Iterator[SlackClient]:
    where = standins["slack"]
    settings = SlackSettings(token=SecretStr(where.token), base_url=where.base_url)
    with closing(SlackClient.open(settings, Opening())) as client:
        yield client


@pytest.fixture
def telegram(standins: StandIns) -> Iterator[TelegramClient]:
    where = standins["telegram"]
    settings = TelegramSettings(token=SecretStr(where.token), base_url=where.base_url)
    with closing(TelegramClient.open(settings, Opening())) as client:
        yield client


@pytest.fixture
def discord(standins: StandIns) -> Iterator[DiscordClient]:
    where = standins["discord"]
    settings = DiscordSettings(token=SecretStr(where.token), base_url=where.base_url)
    with closing(DiscordClient.open(settings, Opening())) as client:
        yield client


@pytest.mark.parametrize("thread", [False, True])
def test_a_slack_message_is_found_by_its_marker_and_no_other(slack: SlackClient, thread: bool) -> None:
    began = datetime.now(UTC)
    parent = slack.messages("#support", "", 1)[0]["id"] if thread else ""
    assert slack.sent("#support", "Same text", parent, MARKER, began) is None
    slack.send("#support", "Same text", parent, "o" * 32)
    assert slack.sent("#support", "Same text", parent, MARKER, began) is None
    made = slack.send("support", "Same text", parent, MARKER)
    assert slack.sent("C0SUPPORT1", "Same text", parent, MARKER, began) == made
    assert made["url"].endswith(f"/archives/C0SUPPORT1/p{made['id'].replace('.', '')}")
    slack.delete(made["channel"], made["id"])
    slack.delete(made["channel"], made["id"])
    assert slack.sent("#support", "Same text", parent, MARKER, began) is None


def test_a_look_up_that_does_not_reach_the_end_does_not_say_that_nothing_is_there(scripted: Scripted) -> None:
    scripted.then(200, {"ok": True, "messages": [], "response_metadata": {"next_cursor": "on"}})
    settings = SlackSettings(token=SecretStr("key"), base_url=scripted.url)
    with closing(SlackClient.open(settings, Opening())) as client, pytest.raises(InvalidRequest, match="not all were"):
        client.sent("C012345678", "Same text", "", MARKER, datetime.now(UTC))


def test_slack_messages_are_read_and_marked_once(slack: SlackClient, standins: StandIns) -> None:
    made = slack.send("#general", "Done", "", MARKER)
    for _ in range(2):
        slack.react("#general", made["id"], ":eyes:")
    kept = next(one for one in standins.show("slack")["messages"] if one["ts"] == made["id"])
    assert [one["name"] for one in kept["reactions"]] == ["eyes"]
    for _ in range(2):
        slack.unreact("#general", made["id"], "eyes")
    assert [one["text"] for one in slack.messages("#general", "", 10)] == ["Done"]
    assert [line.what for line in slack.check()] == ["sign-in", "channels"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param({"ok": False, "error": "invalid_auth"}, AuthError, id="a wrong key"),
        pytest.param({"ok": False, "error": "missing_scope", "needed": "chat:write"}, AuthError, id="a missing scope"),
        pytest.param({"ok": False, "error": "channel_not_found"}, NotFound, id="no such channel"),
        pytest.param({"ok": False, "error": "not_in_channel"}, InvalidRequest, id="not invited"),
        pytest.param({"ok": False, "error": "ratelimited"}, RateLimited, id="too often"),
        pytest.param({"ok": False, "error": "internal_error"}, Unavailable, id="Slack is down"),
        pytest.param({"ok": False}, InvalidRequest, id="no reason"),
        pytest.param([1], ServiceError, id="not an object"),
    ],
)
def test_what_slack_refuses_is_its_error(scripted: Scripted, answer: Any, kind: type[ServiceError]) -> None:
    scripted.then(200, answer)
    settings = SlackSettings(token=SecretStr("key"), base_url=scripted.url)
    with closing(SlackClient.open(settings, Opening())) as client, pytest.raises(kind) as caught:
        client.react("C012345678", "1.2", "eyes")
    assert caught.value.service == "slack"
    assert caught.value.remedy


def test_a_telegram_message_goes_to_a_chat_and_is_deleted(telegram: TelegramClient, standins: StandIns) -> None:
    [chat] = telegram.chats()
    assert chat["name"] == "4001 Ada Lind"
    made = telegram.send(chat["name"], "**Done** & <sent>", None)
    kept = next(one for one in standins.show("telegram")["messages"] if one["from"]["is_bot"])
    assert kept["text"] == "<b>Done</b> &amp; &lt;sent&gt;"
    telegram.delete(made["id"])
    telegram.delete(made["id"])
    assert not any(one["from"]["is_bot"] for one in standins.show("telegram")["messages"])
    with pytest.raises(InvalidRequest, match="chat not found"):
        telegram.send("77", "Hello", None)


def test_a_discord_message_is_sent_once_within_minutes_and_found_later(discord: DiscordClient) -> None:
    began = datetime.now(UTC)
    first = discord.send("Demo/#support", "Same text", "", MARKER)
    assert discord.send("support", "Same text", "", MARKER) == first
    assert discord.sent(SUPPORT, " Same text\n", began, frozenset()) == first
    assert discord.sent(SUPPORT, "Same text", began, {first["id"]}) is None
    assert discord.sent(SUPPORT, "The search is slow today.", began, frozenset()) is None, "another person's"
    assert [one["text"] for one in discord.messages(SUPPORT, 2)] == ["The search is slow today.", "Same text"]
    discord.delete(SUPPORT, first["id"])
    assert discord.sent(SUPPORT, "Same text", began, frozenset()) is None


def test_a_webhook_of_discord_sends_and_does_nothing_else(standins: StandIns) -> None:
    where = standins["discord"]
    hook = SecretStr(f"https://discord.com/api/webhooks/{HOOK}/{HOOK_TOKEN}")
    settings = DiscordSettings(webhook=hook, base_url=where.base_url)
    with closing(DiscordClient.open(settings, Opening())) as client:
        assert client.account() == "Alerts"
        assert client.send_by_webhook("Down")["channel"] == "100000000000000011"
        with pytest.raises(AuthError, match="no bot"):
            client.messages(SUPPORT, 1)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("&lt;b&gt;html&lt;/b&gt; &amp; amp; &amp;lt;", "<b>html</b> & amp; &lt;"),
        ("<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2"),
        ("<https://a.example|the page> <mailto:a@b.example|a@b.example>", "the page (https://a.example) a@b.example"),
        ("<@U012|ann> <@U012> <#C01|general> <#C01>", "@ann @U012 #general #C01"),
        ("<!here> <!channel|channel> <!subteam^S1|@ops> <!date^1^{date}|Monday>", "@here @channel @ops Monday"),
        ("a < b > c", "a < b > c"),
    ],
)
def test_a_slack_message_is_read_as_people_see_it(slack: SlackClient, http: Any, text: str, seen: str) -> None:
    http.post(f"{slack._url}/_demo/message", json={"channel": "C0GENERAL1", "text": text})
    assert slack.messages("#general", "", 1)[0]["text"] == seen


def test_the_newest_answers_of_a_long_thread_are_read(slack: SlackClient, standins: StandIns) -> None:
    first = slack.send("#general", "parent", "", MARKER)["id"]
    store = standins.stores["slack"]
    with store.transaction():
        for number in range(260):
            post(store, "C0GENERAL1", {"user": "U0ADA00001", "text": f"reply {number}", "thread_ts": first})
    found = slack.messages("#general", first, 50)
    assert [one["text"] for one in found] == [f"reply {number}" for number in range(210, 260)]


def test_discord_reads_no_italics_in_words(discord: DiscordClient, standins: StandIns) -> None:
    began = datetime.now(UTC)
    made = discord.send(SUPPORT, "2*3*4 `a*b` *i*", "", MARKER)
    kept = next(one for one in standins.show("discord")["messages"] if one["id"] == made["id"])
    assert kept["content"] == "2\\*3\\*4 `a*b` *i*"
    assert discord.sent(SUPPORT, "2*3*4 `a*b` *i*", began, frozenset()) == made


@pytest.mark.parametrize(
    ("markdown", "slack", "telegram"),
    [
        pytest.param("**b** *i* `c<`", "*b* _i_ `c&lt;`", "<b>b</b> <i>i</i> <code>c&lt;</code>", id="marks"),
        pytest.param(
            "[a](https://x.example/?a&b)",
            "<https://x.example/?a&amp;b|a>",
            '<a href="https://x.example/?a&amp;b">a</a>',
            id="a link",
        ),
        pytest.param("2*3*4 = 24, 5*x_1*y", "2*3*4 = 24, 5*x_1*y", "2*3*4 = 24, 5*x_1*y", id="stars in words"),
        pytest.param("a_b_c it`s Ann`s", "a_b_c it`s Ann`s", "a_b_c it`s Ann`s", id="other signs in words"),
        pytest.param("**b**\u3067 ~~s~~", "*b*\u3067 ~s~", "<b>b</b>\u3067 <s>s</s>", id="no blanks, struck"),
        pytest.param("- a\n- b", "• a\n• b", "• a\n• b", id="a list"),
        pytest.param("3. a\n4. b", "3. a\n4. b", "3. a\n4. b", id="numbers"),
        pytest.param("# T\n\ntext\nmore", "T\n\ntext\nmore", "T\n\ntext\nmore", id="blocks"),
        pytest.param("```\na <b>\n```", "```\na &lt;b&gt;\n```", "<pre>a &lt;b&gt;</pre>", id="code"),
        pytest.param("<!channel> <@U1>", "&lt;!channel&gt; &lt;@U1&gt;", "&lt;!channel&gt; &lt;@U1&gt;", id="mentions"),
        pytest.param(
            "<mail x|y> &lt;!here&gt;",
            "&lt;mail x|y&gt; &amp;lt;!here&amp;gt;",
            "&lt;mail x|y&gt; &amp;lt;!here&amp;gt;",
            id="their own links",
        ),
        pytest.param("[x](javascript:a) <b>x</b>", "[x](javascript:a) &lt;b&gt;x&lt;/b&gt;", None, id="no script"),
        pytest.param("`a```!<@U1>`", None, None, id="odd code"),
    ],
)
def test_markdown_is_written_as_the_chat_reads_it(markdown: str, slack: str | None, telegram: str | None) -> None:
    assert slack is None or rendered(markdown, SLACK) == slack
    assert telegram is None or rendered(markdown, TELEGRAM) == telegram
    for marks in (SLACK, TELEGRAM):
        assert "<@" not in rendered(markdown, marks)
        assert "<!" not in rendered(markdown, marks)
