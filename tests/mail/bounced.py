"""Reports that a mail could not be delivered, in the forms of several mail servers, written for these tests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ANN = "ann@example.org"


@dataclass(frozen=True)
class Returned:
    """A mail that a report is about."""

    message_id: str
    marker: str = ""
    recipients: Sequence[str] = (ANN,)
    sender: str = "me@home.example"

    @property
    def head(self) -> str:
        """Its headers."""
        mark = f"X-Orchestra: {self.marker}\r\n" if self.marker else ""
        return (
            f"Received: from client by relay.home.example; Mon, 30 Nov 2026 08:00:00 +0000\r\nFrom: {self.sender}\r\n"
            f"To: {', '.join(self.recipients)}\r\nSubject: Offer\r\nMessage-ID: {self.message_id}\r\n{mark}"
        )

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.head}\r\nIs this still of interest?\r\n"


def _report(
    head: str, words: str, fields: Sequence[str], returned: str, kind: str = "message/rfc822", more: str = ""
) -> bytes:
    status = "\r\n\r\n".join(fields)
    return (
        f"{head}MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        f' boundary="=_cut_here"\r\n\r\n--=_cut_here\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{words}\r\n'
        f"--=_cut_here\r\nContent-Type: message/delivery-status\r\n{more}\r\n{status}\r\n"
        f"\r\n--=_cut_here\r\nContent-Type: {kind}\r\n\r\n{returned}\r\n--=_cut_here--\r\n"
    ).encode()


def _head(sender: str, to: str, subject: str, number: str, more: str = "") -> str:
    return (
        f"Return-Path: <>\r\nFrom: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
        f"Date: Mon, 30 Nov 2026 08:00:05 +0000\r\nMessage-ID: <report.{number}@mx.example>\r\n{more}"
    )


def postfix(mail: Returned, number: str = "p1") -> bytes:
    """A report of Postfix, one group of fields for each recipient."""
    fields = ["Reporting-MTA: dns; relay.home.example\r\nX-Postfix-Queue-ID: 4AB1C2D3E4\r\nArrival-Date: Mon"]
    fields += [
        f"Final-Recipient: rfc822; {one}\r\nOriginal-Recipient: rfc822;{one}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"Remote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550 5.1.1 <{one}>:\r\n    user unknown"
        for one in mail.recipients
    ]
    head = _head(
        "MAILER-DAEMON@relay.home.example (Mail Delivery System)",
        mail.sender,
        "Undelivered Mail Returned to Sender",
        number,
        "Auto-Submitted: auto-replied\r\n",
    )
    return _report(head, "Your mail was not delivered.", fields, mail.text)


def delayed(mail: Returned, number: str = "d1") -> bytes:
    """A report of Postfix that a mail is late, with the headers of the mail alone."""
    late = (
        f"Final-Recipient: rfc822; {mail.recipients[0]}\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
        "Diagnostic-Code: X-Postfix; connect to mx.example.org[192.0.2.7]:25: timed out\r\n"
        "Will-Retry-Until: Sat, 5 Dec 2026 08:00:00 +0000"
    )
    fields = ["Reporting-MTA: dns; relay.home.example", late]
    head = _head("MAILER-DAEMON@relay.home.example", mail.sender, "Delayed Mail (still being retried)", number)
    return _report(head, "Your mail is late.", fields, mail.head, "text/rfc822-headers")


def exim_report(mail: Returned, number: str = "e1") -> bytes:
    """A report of Exim since 4.87."""
    fields = ["Reporting-MTA: dns; smtp.home.example"]
    fields += [
        f"Action: failed\r\nFinal-Recipient: rfc822;{one}\r\nStatus: 5.0.0\r\nRemote-MTA: dns; mx.example.org\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 No such user here"
        for one in mail.recipients
    ]
    head = _head(
        "Mail Delivery System <Mailer-Daemon@smtp.home.example>",
        mail.sender,
        "Mail delivery failed: returning message to sender",
        number,
        f"X-Failed-Recipients: {', '.join(mail.recipients)}\r\n",
    )
    return _report(head, "This message was created by mail software.", fields, mail.text)


def exim_text(mail: Returned, number: str = "e2") -> bytes:
    """A report of Exim before that: plain text, with a copy of the mail below a line."""
    head = _head(
        "Mail Delivery System <Mailer-Daemon@smtp.home.example>",
        mail.sender,
        "Mail delivery failed: returning message to sender",
        number,
        f"X-Failed-Recipients: {', '.join(mail.recipients)}\r\n",
    )
    listed = "".join(
        f"  {one}\r\n    host mx.example.org [192.0.2.7]\r\n"
        f"    SMTP error from remote mail server after RCPT TO:<{one}>:\r\n    550 5.1.1 No such user here\r\n\r\n"
        for one in mail.recipients
    )
    words = (
        f"A message that you sent could not be delivered to all of its recipients.\r\n\r\n{listed}"
        f"------ This is a copy of the message, including all the headers. ------\r\n\r\n{mail.text}"
    )
    return f"{head}\r\n{words}".encode()


def exchange(mail: Returned, number: str = "x1") -> bytes:
    """A report of Exchange, whose answer of a server has a name of its own."""
    fields = ["Reporting-MTA: dns;AM0PR01.home.example\r\nReceived-From-MTA: dns;VI1PR01.home.example"]
    fields += [
        f"Final-Recipient: rfc822;{one}\r\nAction: failed\r\nStatus: 5.1.10\r\nDiagnostic-Code: smtp;550 5.1.10"
        f" RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\r\nX-Display-Name: {one}"
        for one in mail.recipients
    ]
    sender = "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@home.example>"
    head = _head(sender, mail.sender, "Undeliverable: Offer", number, f"In-Reply-To: {mail.message_id}\r\n")
    return _report(head, "Delivery has failed.", fields, mail.text)


def gmail(mail: Returned, number: str = "g1") -> bytes:
    """A report of Gmail: an answer of several lines, each with the code."""
    fields = [f"Reporting-MTA: dns; googlemail.com\r\nArrival-Date: Mon\r\nX-Original-Message-ID: {mail.message_id}"]
    fields += [
        f"Final-Recipient: rfc822; {one}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Remote-MTA: dns; mx.example.org. (192.0.2.7)\r\n"
        "Diagnostic-Code: smtp; 550-5.1.1 The account does not exist. Please check\r\n 550 5.1.1 the address."
        for one in mail.recipients
    ]
    head = _head(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        mail.sender,
        "Delivery Status Notification (Failure)",
        number,
        f"X-Failed-Recipients: {', '.join(mail.recipients)}\r\nIn-Reply-To: {mail.message_id}\r\n"
        f"References: {mail.message_id}\r\nAuto-Submitted: auto-replied\r\n",
    )
    return _report(head, "** Address not found **", fields, mail.text)


def outlook_com(mail: Returned, number: str = "o1") -> bytes:
    """A report of Outlook.com: the headers of the mail alone, with the marker but another Message-ID."""
    fields = ["Reporting-MTA: dns;DB5EUR01.mail.protection.outlook.com"]
    fields += [
        f"Final-Recipient: rfc822;{one}\r\nAction: failed\r\nStatus: 5.5.0\r\n"
        "Diagnostic-Code: smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."
        for one in mail.recipients
    ]
    head = _head("postmaster@outlook.com", mail.sender, "Undeliverable: Offer", number)
    changed = mail.head.replace(mail.message_id, "<DB7PR0101@eurprd01.prod.outlook.com>")
    return _report(head, "Delivery has failed.", fields, changed, "text/rfc822-headers")


def qmail(mail: Returned, number: str = "q1") -> bytes:
    """A report of qmail (QSBMF): plain text in paragraphs."""
    head = _head("MAILER-DAEMON@smtp.home.example", mail.sender, "failure notice", number)
    listed = "".join(
        f"<{one}>:\r\n192.0.2.7 does not like recipient.\r\nRemote host said: 550 5.1.1 sorry, no mailbox here"
        " (#5.1.1)\r\nGiving up on 192.0.2.7.\r\n\r\n"
        for one in mail.recipients
    )
    words = (
        "Hi. This is the qmail-send program at smtp.home.example.\r\nI'm afraid I wasn't able to deliver your message."
        f"\r\n\r\n{listed}--- Below this line is a copy of the message.\r\n\r\n"
        f"Return-Path: <{mail.sender}>\r\n{mail.text}"
    )
    return f"{head}\r\n{words}".encode()


def internationalized(mail: Returned, number: str = "i1") -> bytes:
    """A report of a server for addresses that are not ASCII (RFC 6533), its fields in base64."""
    fields = "Reporting-MTA: dns; mx.example\r\n\r\n" + "\r\n\r\n".join(
        f"Final-Recipient: utf-8; {one}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 unbekannt: Köln"
        for one in mail.recipients
    )
    raw = _report(
        _head("postmaster@mx.example", mail.sender, "Undelivered", number),
        "Not delivered.",
        [base64.b64encode(fields.encode()).decode()],
        mail.head,
        "message/global-headers",
        "Content-Transfer-Encoding: base64\r\n",
    )
    return raw.replace(b"message/delivery-status", b"message/global-delivery-status")


def by_envelope(mail: Returned, number: str = "v1") -> bytes:
    """A report that returns nothing of the mail, but the envelope id with which it was sent (RFC 3461)."""
    fields = [f"Reporting-MTA: dns; relay.home.example\r\nOriginal-Envelope-Id: {mail.marker}"]
    fields += [
        f"Original-Recipient: rfc822;{one}\r\nFinal-Recipient: rfc822; list@elsewhere.example\r\nAction: failed\r\n"
        "Status: 5.7.1 (refused)"
        for one in mail.recipients
    ]
    head = _head("postmaster@relay.home.example", mail.sender, "Undeliverable", number)
    return _report(head, "Not delivered.", fields, "Nothing of the mail is returned.", "text/plain")


FORMS: Mapping[str, Callable[[Returned, str], bytes]] = {
    "postfix": postfix,
    "exim_report": exim_report,
    "exim_text": exim_text,
    "exchange": exchange,
    "gmail": gmail,
    "outlook_com": outlook_com,
    "qmail": qmail,
    "internationalized": internationalized,
    "by_envelope": by_envelope,
}
"""The forms of reports that a mail was not delivered."""
