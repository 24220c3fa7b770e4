"""Known mail providers by domain: their servers, and where to create an app password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from msgspec import Struct

from clients.errors import AuthError, InvalidRequest
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
    """Where to create an app password."""
    signs_in_at: Literal["", "Google", "Microsoft"] = ""
    """Who lets its people sign in with a browser (OAuth)."""
    is_off: bool = False
    """Whether IMAP has to be turned on in the mailbox's settings; a refused sign-in does not say so."""


_GMAIL = Provider(
    "imap.gmail.com",
    "smtp.gmail.com",
    keeps_sent=True,
    page="https://myaccount.google.com/apppasswords",
    signs_in_at="Google",
)
_OUTLOOK_COM = Provider(
    "outlook.office365.com", "smtp-mail.outlook.com", "starttls", keeps_sent=True, signs_in_at="Microsoft"
)
_MICROSOFT_365 = Provider(
    "outlook.office365.com", "smtp.office365.com", "starttls", keeps_sent=True, signs_in_at="Microsoft"
)
_FASTMAIL = Provider(
    "imap.fastmail.com", "smtp.fastmail.com", page="https://app.fastmail.com/settings/security/integrations"
)
_ICLOUD = Provider("imap.mail.me.com", "smtp.mail.me.com", "starttls", page="https://account.apple.com")
_YAHOO = Provider("imap.mail.yahoo.com", "smtp.mail.yahoo.com", page="https://login.yahoo.com/account/security")
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

_PROVIDERS: Mapping[Provider, str] = {
    _GMAIL: "gmail.com googlemail.com",
    _FASTMAIL: "fastmail.com fastmail.fm fastmail.net fastmail.org fastmail.de fastmail.co.uk sent.com",
    _ICLOUD: "icloud.com me.com mac.com",
    _YAHOO: "yahoo.com yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.co.uk yahoo.ca yahoo.com.br ymail.com rocketmail.com",
    _AOL: "aol.com aim.com",
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
}
_BY_DOMAIN: Mapping[str, Provider] = {
    domain: provider for provider, domains in _PROVIDERS.items() for domain in domains.split()
}
_BY_HOST: Mapping[str, Provider] = {one.imap: one for one in (_GMAIL, _MICROSOFT_365)}
"""Providers that also have the mail of companies, whose addresses do not show it."""
_MICROSOFT = frozenset("outlook.com outlook.de outlook.fr hotmail.com hotmail.de live.com live.de msn.com".split())
_PROTON = frozenset("proton.me protonmail.com pm.me".split())


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
    return _BY_DOMAIN.get(domain) or _BY_HOST.get(host.strip().lower())


def signs_in_at(address: str, host: str) -> str:
    """Return who lets the owner of this address sign in with a browser: "Google", "Microsoft", or "" if nobody does."""
    domain = address.rpartition("@")[2].strip().lower()
    found = _OUTLOOK_COM if domain in _MICROSOFT else _BY_DOMAIN.get(domain) or _BY_HOST.get(host.strip().lower())
    return found.signs_in_at if found is not None else ""


def app_password_page(address: str) -> str:
    """Return the page where the owner of this address creates an app password; "" if unknown."""
    found = _known(address)
    return found.page if found is not None else ""


def _known(address: str) -> Provider | None:
    return _BY_DOMAIN.get(address.rpartition("@")[2].strip().lower())


@contextmanager
def signing_in(address: str) -> Iterator[None]:
    """Add to a refused sign-in what the provider of this address wants, unless the server has said it itself."""
    try:
        yield
    except AuthError as error:
        found, is_silent = _known(address), error.remedy == AuthError.default_remedy
        if is_silent and found is None:
            error.remedy = "Is the password right? Many providers want an app password from other programs."
        elif is_silent and found is not None:
            switch = "Turn on IMAP (POP3/IMAP access) in the mailbox's settings if it is off. " if found.is_off else ""
            error.remedy = f"{switch}Your provider requires an app password; create one at {found.page}."
        raise
