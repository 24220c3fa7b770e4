"""What a mailbox's connection says, and what is known of a provider by the address alone."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from clients.errors import AuthError, InvalidRequest, ServiceError
from clients.imap.search import SearchCriteria
from clients.mail_server.providers import _BY_DOMAIN, app_password_page, signing_in
from clients.mail_server.settings import ImapSettings, Servers


def servers(**settings: Any) -> Servers:
    return Servers(ImapSettings(**settings))


@pytest.mark.parametrize(
    ("address", "imap", "smtp", "copy"),
    [
        ("me@Gmail.com", "imap.gmail.com:993 tls", "smtp.gmail.com:465 tls", "server"),
        ("me@fastmail.com", "imap.fastmail.com:993 tls", "smtp.fastmail.com:465 tls", "client"),
        ("me@icloud.com", "imap.mail.me.com:993 tls", "smtp.mail.me.com:587 starttls", "client"),
        ("me@gmx.de", "imap.gmx.net:993 tls", "mail.gmx.net:587 starttls", "client"),
        ("me@web.de", "imap.web.de:993 tls", "smtp.web.de:587 starttls", "client"),
        ("me@posteo.net", "posteo.de:993 tls", "posteo.de:465 tls", "client"),
        ("me@mailbox.org", "imap.mailbox.org:993 tls", "smtp.mailbox.org:465 tls", "client"),
        ("me@yahoo.com", "imap.mail.yahoo.com:993 tls", "smtp.mail.yahoo.com:465 tls", "client"),
        ("me@ya.ru", "imap.yandex.com:993 tls", "smtp.yandex.com:465 tls", "client"),
        ("me@wanadoo.fr", "imap.orange.fr:993 tls", "smtp.orange.fr:465 tls", "client"),
        ("me@ziggo.nl", "imap.ziggo.nl:993 tls", "smtp.ziggo.nl:587 starttls", "client"),
        ("me@freenet.de", "mx.freenet.de:993 tls", "mx.freenet.de:587 starttls", "client"),
    ],
)
def test_the_address_is_enough_for_a_provider_that_is_known(address: str, imap: str, smtp: str, copy: str) -> None:
    known = servers(address=address)
    assert f"{known.imap().shown} {known.imap().security}" == imap
    assert f"{known.smtp().shown} {known.smtp().security}" == smtp
    assert known.sent_copy() == copy
    assert app_password_page(address).startswith("https://")


def test_every_provider_is_named_by_a_domain_and_says_where_its_passwords_are_made() -> None:
    for domain, provider in _BY_DOMAIN.items():
        assert domain == domain.lower()
        assert "." in domain
        assert provider.page.startswith("https://")
        assert provider.smtp_security in {"tls", "starttls"}


@pytest.mark.parametrize(
    ("address", "wants"),
    [
        ("me@fastmail.com", "Your provider requires an app password; create one at https://app.fastmail.com"),
        ("me@ya.ru", "Turn on IMAP (POP3/IMAP access) in the mailbox's settings if it is off. Your provider requires"),
        ("me@orange.fr", "Is the password right? Your provider wants the mailbox's own one; check it at https://"),
        ("me@wp.pl", "Turn on IMAP (POP3/IMAP access) in the mailbox's settings if it is off. Is the password right?"),
        ("me@own.example", "Is the password right? Many providers want an app password"),
    ],
)
def test_a_refused_sign_in_says_what_the_provider_wants(address: str, wants: str) -> None:
    with pytest.raises(AuthError) as caught, signing_in(address):
        raise AuthError("No.", service="imap")
    assert caught.value.remedy.startswith(wants)


def test_a_company_at_a_known_provider_is_told_what_that_one_wants() -> None:
    with pytest.raises(AuthError) as caught, signing_in("me@own.example", "imap.mailbox.org"):
        raise AuthError("No.", service="imap")
    assert caught.value.remedy.startswith("Your provider requires an app password; create one at https://login.mailbox")
    assert app_password_page("me@own.example", "imap.migadu.com") == "https://admin.migadu.com"


def test_what_the_connection_says_goes_first() -> None:
    own = servers(
        address="me@gmail.com",
        host="mail.lan",
        security="starttls",
        smtp_host="out.lan",
        smtp_port=2525,
        sent_copy="none",
    )
    assert own.imap().shown == "mail.lan:143"
    assert (own.smtp().shown, own.smtp().security) == ("out.lan:2525", "tls")
    assert own.sent_copy() == "none"
    assert servers(address="me@gmail.com", smtp_host="out.lan").sent_copy() == "client"


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("me@outlook.com", AuthError, "Microsoft no longer lets programs"),
        ("me@proton.me", InvalidRequest, "Proton Mail Bridge"),
        ("me@tuta.com", InvalidRequest, "offers no IMAP"),
        ("me@own.example", InvalidRequest, "servers of own.example are not known"),
        ("", InvalidRequest, "There is no mail address yet"),
    ],
)
def test_an_address_that_is_not_enough_is_told_what_is_missing(
    address: str, error: type[ServiceError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        servers(address=address).imap()
    assert caught.value.remedy


def test_a_setting_has_one_line_and_the_password_is_not_shown() -> None:
    with pytest.raises(ValidationError):
        ImapSettings(address="a@b.c\r\nA1 DELETE INBOX")
    assert "hidden" not in repr(ImapSettings(password="hidden"))


@pytest.mark.parametrize(
    ("search", "written"),
    [
        (SearchCriteria(), "UNDELETED"),
        (SearchCriteria(subject='say "hi"', sender="ann"), 'FROM "ann" SUBJECT "say \\"hi\\"" UNDELETED'),
        (SearchCriteria(since="2026-03-01", before="2026-03-02"), "SINCE 28-Feb-2026 BEFORE 4-Mar-2026 UNDELETED"),
        (SearchCriteria(unread=True, flagged=True, criteria="LARGER 9"), "UNSEEN FLAGGED (LARGER 9) UNDELETED"),
        (SearchCriteria(criteria="DELETED"), "(DELETED)"),
    ],
)
def test_a_search_is_written_as_imap_takes_it(search: SearchCriteria, written: str) -> None:
    assert search.written() == written


def test_a_date_that_is_none_is_named() -> None:
    for text in ("0001-01-01", "9999-12-31"):
        with pytest.raises(InvalidRequest, match="is not a date"):
            SearchCriteria(since=text, before=text).written()
    with pytest.raises(InvalidRequest, match="'tomorrow' is not a date"):
        SearchCriteria(since="tomorrow").written()
