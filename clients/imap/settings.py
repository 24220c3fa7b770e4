"""What a mailbox's connection says in config.yaml, and the servers that follow from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from clients.addresses import literal
from clients.errors import InvalidRequest
from clients.imap.providers import SERVICE, Provider, provider_of
from clients.mail.wire import Door, Place, Security
from clients.sockets import Gate

SentCopy = Literal["", "server", "client", "none"]

_IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}


def _one_line(text: str) -> str:
    if any(ord(sign) < 32 for sign in text):
        raise ValueError("it holds more than one line")
    return text.strip()


OneLine = Annotated[str, AfterValidator(_one_line)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class ImapSettings(BaseModel):
    """What `connections.<name>` of `imap` may say in config.yaml.

    `address` and `password` are enough for the providers that are known; what else is given goes before what is known
    of them. A port of 0 is the usual one of the security. Private addresses are reached where `host` or `smtp_host` is
    one, or `allow_hosts` names the host.
    """

    model_config = ConfigDict(extra="forbid")

    address: OneLine = ""
    password: SecretStr = SecretStr("")
    user: OneLine = ""
    host: OneLine = ""
    port: Port = 0
    security: Security = "tls"
    folder: OneLine = "INBOX"
    smtp_host: OneLine = ""
    smtp_port: Port = 0
    smtp_security: Security | None = None
    sent_copy: SentCopy = ""
    ca_file: str = ""
    allow_hosts: list[str] = Field(default_factory=list)


class Servers:
    """Where a mailbox is read and where its mail is sent, worked out when it is first needed."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings

    def imap(self) -> Place:
        """Give the place of the IMAP server. Raises ServiceError where nobody can know it."""
        own = self._settings
        host = own.host or self._provider("host").imap
        return Place(SERVICE, host, own.port or _IMAP_PORTS[own.security], own.security, own.ca_file)

    def smtp(self) -> Place:
        """Give the place of the SMTP server. Raises ServiceError where nobody can know it."""
        own = self._settings
        if own.smtp_host:
            host, security = own.smtp_host, own.smtp_security or "tls"
        else:
            provider = self._provider("smtp_host")
            host, security = provider.smtp, own.smtp_security or provider.smtp_security
        return Place(SERVICE, host, own.smtp_port or _SMTP_PORTS[security], security, own.ca_file)

    def sent_copy(self) -> SentCopy:
        """Say who puts what is sent into the Sent folder: the server, this program, or nobody."""
        own = self._settings
        if own.sent_copy:
            return own.sent_copy
        known = None if own.smtp_host else provider_of(own.address)
        return "server" if known is not None and known.keeps_sent else "client"

    def _provider(self, missing: str) -> Provider:
        address = self._settings.address
        found = provider_of(address)
        if found is None:
            raise InvalidRequest(
                f"The servers of {address.rpartition('@')[2] or 'a mailbox without an address'} are not known here.",
                service=SERVICE,
                remedy=f"Your provider's help names them: set `{missing}` in the connection.",
            )
        return found


def way_out(settings: ImapSettings, *, is_demo: bool) -> Door:
    """Make the door that this connection goes through: public addresses, and what the connection itself names.

    A mailbox has no stand-in, so while only the demo may be reached the door is shut.
    """
    written = [host for host in (settings.host, settings.smtp_host) if literal(host) or host.lower() == "localhost"]
    allowed = frozenset(host.lower() for host in [*settings.allow_hosts, *written])
    return Door(Gate(public_only=True, allow_hosts=allowed), is_shut=is_demo)
