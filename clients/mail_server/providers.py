"""Known mail providers by domain: their servers, and where to create an app password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

from clients.errors import AuthError, InvalidRequest
from clients.mail.sending_pace import SendingLimit
from clients.mail_server.wire import Security

SERVICE = "imap"


class Provider(Struct, frozen=True):
    """One provider. Ports follow from the security: IMAP 993 or 143, SMTP 465 or 587 (RFC 8314)."""

    imap: str
    smtp: str
    smtp_security: Security = "tls"
    keeps_sent: bool = False
    """Whether its SMTP server saves sent mail to the Sent folder."""
    page: str = ""
    """Where to create an app password, or to turn IMAP on."""
    signs_in_at: Literal["", "Google", "Microsoft"] = ""
    """Who lets its people sign in with a browser (OAuth)."""
    is_off: bool = False
    """Whether IMAP has to be turned on in the mailbox's settings; a refused sign-in does not say so."""
    takes_own_password: bool = False
    """Whether programs sign in with the password of the mailbox itself: there are no app passwords."""
    sending: SendingLimit = SendingLimit()
    """What it lets an account send, as its own pages say."""


OF_GMAIL = SendingLimit(mails_per_day=500, recipients_per_day=500)
"""https://support.google.com/mail/answer/22839"""
OF_WORKSPACE = SendingLimit(mails_per_day=2_000, recipients_per_day=10_000)
"""https://support.google.com/a/answer/166852"""
OF_OUTLOOK_COM = SendingLimit(recipients_per_day=300)
"""Of an account that Microsoft knows well; a new one has less, and one with a subscription more."""
OF_MICROSOFT_365 = SendingLimit(recipients_per_day=10_000, mails_per_minute=30)
"""https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits"""
_OF_ICLOUD = SendingLimit(mails_per_day=1_000, recipients_per_day=1_000)
"""https://support.apple.com/102198"""
_OF_YAHOO = SendingLimit(recipients_per_day=500)
"""https://help.yahoo.com/kb/SLN17518.html: each recipient counts as a mail."""

_GMAIL = Provider(
    "imap.gmail.com",
    "smtp.gmail.com",
    keeps_sent=True,
    page="https://myaccount.google.com/apppasswords",
    signs_in_at="Google",
    sending=OF_WORKSPACE,
)
_OUTLOOK_COM = Provider(
    "outlook.office365.com",
    "smtp-mail.outlook.com",
    "starttls",
    keeps_sent=True,
    signs_in_at="Microsoft",
    sending=OF_OUTLOOK_COM,
)
_MICROSOFT_365 = Provider(
    "outlook.office365.com",
    "smtp.office365.com",
    "starttls",
    keeps_sent=True,
    signs_in_at="Microsoft",
    sending=OF_MICROSOFT_365,
)
_FASTMAIL = Provider(
    "imap.fastmail.com", "smtp.fastmail.com", page="https://app.fastmail.com/settings/security/integrations"
)
_ICLOUD = Provider(
    "imap.mail.me.com", "smtp.mail.me.com", "starttls", page="https://account.apple.com", sending=_OF_ICLOUD
)
_YAHOO = Provider(
    "imap.mail.yahoo.com",
    "smtp.mail.yahoo.com",
    page="https://login.yahoo.com/account/security",
    sending=_OF_YAHOO,
)
_AOL = Provider("imap.aol.com", "smtp.aol.com", page="https://login.aol.com/account/security")
_GMX_NET = Provider("imap.gmx.net", "mail.gmx.net", "starttls", page="https://www.gmx.net/mail", is_off=True)
_GMX_COM = Provider("imap.gmx.com", "mail.gmx.com", "starttls", page="https://www.gmx.com", is_off=True)
_WEB_DE = Provider("imap.web.de", "smtp.web.de", "starttls", page="https://web.de/email", is_off=True)
_POSTEO = Provider("posteo.de", "posteo.de", page="https://posteo.de/en/help")
_MAILBOX_ORG = Provider("imap.mailbox.org", "smtp.mailbox.org", page="https://login.mailbox.org")
_T_ONLINE = Provider("secureimap.t-online.de", "securesmtp.t-online.de", page="https://account.idm.telekom.com")
_ZOHO = Provider(
    "imap.zoho.com", "smtp.zoho.com", page="https://accounts.zoho.com/home#security/app_password", is_off=True
)
_ZOHO_EU = Provider(
    "imap.zoho.eu", "smtp.zoho.eu", page="https://accounts.zoho.eu/home#security/app_password", is_off=True
)
_163 = Provider("imap.163.com", "smtp.163.com", page="https://mail.163.com", is_off=True)
_126 = Provider("imap.126.com", "smtp.126.com", page="https://mail.126.com", is_off=True)
_188 = Provider("imap.188.com", "smtp.188.com", page="https://www.188.com", is_off=True)
_YEAH = Provider("imap.yeah.net", "smtp.yeah.net", page="https://mail.yeah.net", is_off=True)
_QQ = Provider("imap.qq.com", "smtp.qq.com", page="https://mail.qq.com", is_off=True)
_MIGADU = Provider("imap.migadu.com", "smtp.migadu.com", page="https://admin.migadu.com")
_RUNBOX = Provider("mail.runbox.com", "mail.runbox.com", page="https://runbox.com/mail/account_security")
_YANDEX = Provider(
    "imap.yandex.com", "smtp.yandex.com", page="https://id.yandex.com/security/app-passwords", is_off=True
)
_MAIL_RU = Provider("imap.mail.ru", "smtp.mail.ru", page="https://account.mail.ru/user/2-step-auth/passwords")
_MAIL_COM = Provider(
    "imap.mail.com", "smtp.mail.com", page="https://www.mail.com", is_off=True, takes_own_password=True
)
_ATT = Provider("imap.mail.att.net", "smtp.mail.att.net", page="https://www.att.com")
_EARTHLINK = Provider(
    "imap.earthlink.net",
    "smtpauth.earthlink.net",
    "starttls",
    page="https://webmail.earthlink.net",
    takes_own_password=True,
)
_BT = Provider("mail.btinternet.com", "mail.btinternet.com", page="https://email.bt.com", takes_own_password=True)
_VIRGIN = Provider(
    "imap.virginmedia.com", "smtp.virginmedia.com", page="https://mail.virginmedia.com", takes_own_password=True
)
_FREENET = Provider(
    "mx.freenet.de", "mx.freenet.de", "starttls", page="https://email.freenet.de", takes_own_password=True
)
_VODAFONE_DE = Provider(
    "imap.vodafonemail.de", "smtp.vodafonemail.de", page="https://email.vodafone.de", takes_own_password=True
)
_BLUEWIN = Provider("imaps.bluewin.ch", "smtpauths.bluewin.ch", page="https://www.bluewin.ch", takes_own_password=True)
_ORANGE = Provider("imap.orange.fr", "smtp.orange.fr", page="https://mail.orange.fr", takes_own_password=True)
_FREE = Provider("imap.free.fr", "smtp.free.fr", page="https://webmail.free.fr", takes_own_password=True)
_SFR = Provider("imap.sfr.fr", "smtp.sfr.fr", page="https://webmail.sfr.fr", takes_own_password=True)
_LA_POSTE = Provider("imap.laposte.net", "smtp.laposte.net", page="https://www.laposte.net", takes_own_password=True)
_LIBERO = Provider("imapmail.libero.it", "smtp.libero.it", page="https://login.libero.it", takes_own_password=True)
_VIRGILIO = Provider("in.virgilio.it", "out.virgilio.it", page="https://login.virgilio.it", takes_own_password=True)
_TISCALI = Provider("imap.tiscali.it", "smtp.tiscali.it", page="https://mail.tiscali.it", takes_own_password=True)
_ZIGGO = Provider(
    "imap.ziggo.nl", "smtp.ziggo.nl", "starttls", page="https://webmail.ziggo.nl", takes_own_password=True
)
_SEZNAM = Provider("imap.seznam.cz", "smtp.seznam.cz", page="https://profil.seznam.cz", takes_own_password=True)
_WP = Provider("imap.wp.pl", "smtp.wp.pl", page="https://poczta.wp.pl", is_off=True, takes_own_password=True)
_O2 = Provider("poczta.o2.pl", "poczta.o2.pl", page="https://poczta.o2.pl", is_off=True, takes_own_password=True)
_ONET = Provider("imap.poczta.onet.pl", "smtp.poczta.onet.pl", page="https://poczta.onet.pl", takes_own_password=True)
_UOL = Provider(
    "imap.uol.com.br",
    "smtps.uol.com.br",
    "starttls",
    page="https://email.uol.com.br",
    is_off=True,
    takes_own_password=True,
)
_NAVER = Provider("imap.naver.com", "smtp.naver.com", page="https://mail.naver.com", is_off=True)
_DAUM = Provider("imap.daum.net", "smtp.daum.net", page="https://mail.daum.net", is_off=True)
_RISEUP = Provider("mail.riseup.net", "mail.riseup.net", page="https://account.riseup.net", takes_own_password=True)

_PROVIDERS: Mapping[Provider, str] = {
    _GMAIL: "gmail.com googlemail.com",
    _FASTMAIL: "fastmail.com fastmail.fm fastmail.net fastmail.org fastmail.de fastmail.co.uk sent.com",
    _ICLOUD: "icloud.com me.com mac.com",
    _YAHOO: (
        "yahoo.com yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.se yahoo.co.uk yahoo.ca yahoo.com.br yahoo.com.au"
        " yahoo.com.ar yahoo.com.mx yahoo.co.in yahoo.co.nz ymail.com myyahoo.com rocketmail.com cox.net"
    ),
    _AOL: "aol.com aim.com verizon.net",
    _GMX_NET: "gmx.net gmx.de gmx.at gmx.ch gmx.eu",
    _GMX_COM: "gmx.com gmx.us gmx.co.uk gmx.fr",
    _WEB_DE: "web.de email.de",
    _POSTEO: "posteo.de posteo.net posteo.eu posteo.org posteo.at posteo.ch",
    _MAILBOX_ORG: "mailbox.org",
    _T_ONLINE: "t-online.de magenta.de",
    _ZOHO: "zoho.com zohomail.com",
    _ZOHO_EU: "zoho.eu zohomail.eu",
    _163: "163.com",
    _126: "126.com",
    _188: "188.com",
    _YEAH: "yeah.net",
    _QQ: "qq.com foxmail.com",
    _MIGADU: "migadu.com",
    _RUNBOX: "runbox.com",
    _YANDEX: "yandex.com yandex.ru yandex.by yandex.kz ya.ru",
    _MAIL_RU: "mail.ru inbox.ru list.ru bk.ru",
    _MAIL_COM: "mail.com email.com post.com usa.com europe.com london.com consultant.com engineer.com",
    _ATT: "att.net ameritech.net bellsouth.net currently.com pacbell.net prodigy.net sbcglobal.net swbell.net",
    _EARTHLINK: "earthlink.net mindspring.com",
    _BT: "btinternet.com btopenworld.com talk21.com",
    _VIRGIN: "virginmedia.com",
    _FREENET: "freenet.de",
    _VODAFONE_DE: "vodafonemail.de arcor.de kabelmail.de",
    _BLUEWIN: "bluewin.ch bluemail.ch",
    _ORANGE: "orange.fr wanadoo.fr",
    _FREE: "free.fr",
    _SFR: "sfr.fr neuf.fr club-internet.fr",
    _LA_POSTE: "laposte.net",
    _LIBERO: "libero.it iol.it blu.it inwind.it giallo.it",
    _VIRGILIO: "virgilio.it",
    _TISCALI: "tiscali.it",
    _ZIGGO: "ziggo.nl ziggomail.com casema.nl chello.nl home.nl quicknet.nl upcmail.nl zinders.nl",
    _SEZNAM: "seznam.cz email.cz post.cz spoluzaci.cz",
    _WP: "wp.pl",
    _O2: "o2.pl go2.pl tlen.pl prokonto.pl",
    _ONET: "onet.pl onet.eu poczta.onet.pl op.pl vp.pl autograf.pl",
    _UOL: "uol.com.br",
    _NAVER: "naver.com",
    _DAUM: "daum.net",
    _RISEUP: "riseup.net",
}
_BY_DOMAIN: Mapping[str, Provider] = {
    domain: provider for provider, domains in _PROVIDERS.items() for domain in domains.split()
}
_BY_HOST: Mapping[str, Provider] = {one.imap: one for one in (*_PROVIDERS, _MICROSOFT_365)}
"""Providers also have the mail of companies, whose addresses do not show it."""
WORKSPACE_HOST, EXCHANGE_HOST = _GMAIL.imap, _MICROSOFT_365.imap
"""The servers of companies' mail at Google and Microsoft."""
_MICROSOFT = frozenset("outlook.com outlook.de outlook.fr hotmail.com hotmail.de live.com live.de msn.com".split())
_PERSONAL_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_PROTON = frozenset("proton.me protonmail.com pm.me".split())
_OF_MANY_COUNTRIES = frozenset("gmx hotmail live outlook yahoo".split())
"""Names that these providers have under the top level of many countries: `hotmail.fr`, `yahoo.co.jp`."""
_TUTA = frozenset("tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me".split())


def is_for_anybody(domain: str) -> bool:
    """Return whether anybody can get an address of a domain, so that it says nothing about who writes."""
    domain = domain.casefold()
    is_known = domain in _BY_DOMAIN or domain in _MICROSOFT | _PROTON | _TUTA
    return is_known or domain.partition(".")[0] in _OF_MANY_COUNTRIES


def provider_of(address: str, host: str = "", *, signs_in: bool = False) -> Provider | None:
    """Return the provider of a mail address, or of an IMAP server; None if unknown, such as for a custom domain.

    Raises AuthError, with the alternative, for providers that do not allow sign-in by password, unless `signs_in`.
    """
    domain = address.rpartition("@")[2].strip().lower()
    if domain in _MICROSOFT:
        if signs_in:
            return _OUTLOOK_COM
        raise AuthError(
            f"Since September 2024, Microsoft no longer lets programs sign in to {domain} with a password.",
            service=SERVICE,
            remedy=f"Sign in with a browser: `orchestra connections add imap --address {address} --client-id ID`, or "
            f"Sign in with Microsoft on the page Connections. Or connect it as Outlook.",
            field="address",
        )
    if domain in _PROTON:
        raise InvalidRequest(
            "Other programs can read Proton mail only through Proton Mail Bridge on this machine.",
            service=SERVICE,
            remedy="Start the Bridge, then set host=127.0.0.1, port=1143, smtp_host=127.0.0.1, smtp_port=1025, "
            "security=starttls, smtp_security=starttls and ca_file=the certificate that the Bridge exports.",
        )
    if domain in _TUTA:
        raise InvalidRequest(
            "Tuta lets no other program read its mail: it offers no IMAP.",
            service=SERVICE,
            remedy="Connect another mailbox.",
            field="address",
        )
    return _BY_DOMAIN.get(domain) or _BY_HOST.get(host.strip().lower())


def signs_in_at(address: str, host: str) -> str:
    """Return who lets the owner of this address sign in with a browser: "Google", "Microsoft", or "" if nobody does."""
    domain = address.rpartition("@")[2].strip().lower()
    found = _OUTLOOK_COM if domain in _MICROSOFT else _BY_DOMAIN.get(domain) or _BY_HOST.get(host.strip().lower())
    return found.signs_in_at if found is not None else ""


def mailbox_limit(recipients_per_day: int | None, host: str | None, address: str) -> SendingLimit:
    """Return what a mailbox may send: what its connection says, else what is known of its provider.

    `host`: its IMAP server; None for a stand-in or a server of one's own, of which nothing is known.
    """
    if recipients_per_day is not None:
        return SendingLimit(recipients_per_day=recipients_per_day)
    return SendingLimit() if host is None else sending_limit(address, host)


def sending_limit(address: str, host: str = "") -> SendingLimit:
    """Return what the provider of a mail address, or of an IMAP server, lets an account send, as far as it is known."""
    domain = address.rpartition("@")[2].strip().lower()
    if domain in _PERSONAL_GMAIL:
        return OF_GMAIL
    if domain in _MICROSOFT:
        return OF_OUTLOOK_COM
    found = _BY_DOMAIN.get(domain) or _BY_HOST.get(host.strip().lower())
    return found.sending if found is not None else SendingLimit()


def app_password_page(address: str, host: str = "") -> str:
    """Return the page where the owner of this address, or of a mailbox on this server, creates an app password; "" if
    unknown.
    """
    found = _known(address, host)
    return found.page if found is not None else ""


def _known(address: str, host: str) -> Provider | None:
    return _BY_DOMAIN.get(address.rpartition("@")[2].strip().lower()) or _BY_HOST.get(host.strip().lower())


@contextmanager
def signing_in(address: str, host: str = "") -> Iterator[None]:
    """Add to a refused sign-in what the provider of this address, or of this IMAP server, wants, unless the server has
    said it itself.
    """
    try:
        yield
    except AuthError as error:
        found, is_silent = _known(address, host), error.remedy == AuthError.default_remedy
        if is_silent and found is None:
            error.remedy = "Is the password right? Many providers want an app password from other programs."
        elif is_silent and found is not None:
            error.remedy = _wanted(found)
        raise


def _wanted(provider: Provider) -> str:
    """Return what a provider wants from whoever signs in with a program."""
    switch = "Turn on IMAP (POP3/IMAP access) in the mailbox's settings if it is off. " if provider.is_off else ""
    if provider.takes_own_password:
        return f"{switch}Is the password right? Your provider wants the mailbox's own one; check it at {provider.page}."
    return f"{switch}Your provider requires an app password; create one at {provider.page}."
