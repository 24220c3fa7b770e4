"""What an account sends stays below what its provider lets it send."""

from __future__ import annotations

import pytest

from clients.errors import InvalidRequest, RateLimited, Timeout, Unavailable
from clients.mail.sending_pace import SendingLimit, SendingPace
from clients.mail_server.providers import sending_limit
from clients.pacing.paces import OwnPaces

DAY = 24 * 3600.0


class Desk:
    """An account, its paces, and a clock that stands still."""

    def __init__(self, limit: SendingLimit) -> None:
        self.now, self.paces = 1_000_000_000.0, OwnPaces()
        self.limit = limit

    def pace(self, account: str = "me@home.example") -> SendingPace:
        """What another process has."""
        return SendingPace("smtp", lambda: account, lambda _: self.limit, self.paces, lambda: self.now)

    def send(self, recipients: int = 1, account: str = "me@home.example") -> None:
        with self.pace(account).sending(recipients):
            pass


def test_recipients_count_for_a_day_in_all_processes() -> None:
    desk = Desk(SendingLimit(recipients_per_day=5))
    desk.send(3)
    desk.now += 3600
    desk.send(2)
    with pytest.raises(RateLimited, match="is 5 recipients in 24 hours; 5 used so far") as caught:
        desk.send(3)
    assert caught.value.outcome == "not_done"
    assert caught.value.retry_after_seconds is not None
    assert DAY - 3600 - 300 <= caught.value.retry_after_seconds <= DAY - 3600
    desk.send(1, "other@home.example")
    desk.now += caught.value.retry_after_seconds
    desk.send(3)


def test_the_wait_is_never_longer_than_a_run_waits() -> None:
    desk = Desk(SendingLimit(mails_per_day=1))
    desk.send()
    with pytest.raises(RateLimited, match=r"is 1 mail in 24 hours; 1 sent so far") as caught:
        desk.send()
    assert caught.value.retry_after_seconds is not None
    assert caught.value.retry_after_seconds <= DAY


def test_mails_of_a_minute_are_bounded() -> None:
    desk = Desk(SendingLimit(mails_per_minute=2))
    desk.send()
    desk.now += 20
    desk.send()
    with pytest.raises(RateLimited) as caught:
        desk.send()
    assert caught.value.retry_after_seconds == 40
    desk.now += 41
    desk.send()


def test_a_mail_that_is_above_the_limit_alone_does_not_wait() -> None:
    with pytest.raises(InvalidRequest, match="The mail has 6 recipients"):
        Desk(SendingLimit(recipients_per_day=5)).send(6)


def test_only_a_mail_that_was_certainly_not_sent_does_not_count() -> None:
    desk = Desk(SendingLimit(mails_per_day=1, mails_per_minute=1))
    with pytest.raises(Unavailable), desk.pace().sending(1):
        raise Unavailable("x", service="smtp", outcome="not_done")
    with pytest.raises(Timeout), desk.pace().sending(1):
        raise Timeout("x", service="smtp", outcome="unknown")
    with pytest.raises(RateLimited):
        desk.send()


def test_a_mail_that_fails_late_takes_nothing_from_what_others_sent_meanwhile() -> None:
    desk = Desk(SendingLimit())
    desk.now += 300 - desk.now % 300
    slow = desk.pace().sending(1)
    slow.__enter__()
    desk.now += 350
    for _ in range(3):
        desk.send()
    failed = Unavailable("x", service="smtp", outcome="not_done")
    assert not slow.__exit__(Unavailable, failed, None), "it is raised again"
    desk.limit = SendingLimit(mails_per_day=3)
    with pytest.raises(RateLimited, match="3 sent so far"):
        desk.send()
    desk.limit = SendingLimit(mails_per_minute=3)
    with pytest.raises(RateLimited, match="a minute"):
        desk.send()


def test_what_was_sent_before_a_limit_was_set_counts() -> None:
    desk = Desk(SendingLimit())
    desk.send(3)
    desk.limit = SendingLimit(recipients_per_day=4)
    desk.now += 60
    with pytest.raises(RateLimited, match="4 recipients in 24 hours; 3 used"):
        desk.send(2)


def test_a_wait_never_ends_before_a_day_is_over() -> None:
    """Mails of five minutes count together: until the newest of them is a day old."""
    desk = Desk(SendingLimit(mails_per_day=2))
    desk.now += 300 - desk.now % 300
    desk.send()
    desk.now += 299
    desk.send()
    with pytest.raises(RateLimited) as caught:
        desk.send()
    assert caught.value.retry_after_seconds == DAY
    desk.now += DAY - 1
    with pytest.raises(RateLimited):
        desk.send()
    desk.now += 1
    desk.send()


def test_the_clock_of_another_machine_may_be_ahead() -> None:
    desk = Desk(SendingLimit(mails_per_day=1))
    desk.send()
    desk.now -= 2
    with pytest.raises(RateLimited):
        desk.send()


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    desk = Desk(SendingLimit(mails_per_day=1))
    desk.send()
    desk.now -= 7 * DAY
    desk.send()


@pytest.mark.parametrize(
    ("address", "host", "expected"),
    [
        ("me@gmail.com", "", SendingLimit(500, 500)),
        ("me@googlemail.com", "imap.gmail.com", SendingLimit(500, 500)),
        ("me@company.example", "imap.gmail.com", SendingLimit(2_000, 10_000)),
        ("me@hotmail.com", "", SendingLimit(0, 300)),
        ("me@company.example", "outlook.office365.com", SendingLimit(0, 10_000, 30)),
        ("me@icloud.com", "", SendingLimit(1_000, 1_000)),
        ("me@yahoo.de", "", SendingLimit(0, 500)),
        ("me@company.example", "mail.company.example", SendingLimit()),
        ("me@posteo.de", "", SendingLimit()),
    ],
)
def test_what_providers_say_of_themselves(address: str, host: str, expected: SendingLimit) -> None:
    assert sending_limit(address, host) == expected
