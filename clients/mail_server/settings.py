"""A mailbox's connection settings in config.yaml, and the servers that follow from them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from clients.addresses import literal
from clients.errors import InvalidRequest, ServiceError
from clients.mail.sending_pace import RecipientsPerDay
from clients.mail_server.outgoing_traffic import IMAP_READS, SMTP_READS
from clients.mail_server.providers import SERVICE, Provider, provider_of
from clients.mail_server.srv import NamedServer, servers_of
from clients.mail_server.wire import MailConnector, MailServerAddress, Security
from clients.sockets import NetworkGate

SentCopy = Literal["", "server", "client", "none"]

_IMAP_PORTS = {"tls": 993, "starttls": 143, "none": 143}
_SMTP_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_WITH_PORT = re.compile(r"\s*([^:\s]+):([0-9]{1,5})\s*")


def _one_line(text: str) -> str:
    if any(ord(sign) < 32 for sign in text):
        raise ValueError("it contains more than one line")
    return text.strip()


OneLine = Annotated[str, AfterValidator(_one_line)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class ImapSettings(BaseModel):
    """Settings of an `imap` connection, `connections.<name>` in config.yaml.

    `address` and `password`, or a sign-in (`token_file`), suffice for known providers, and where the address's domain
    names servers of its own in DNS (RFC 6186); other settings override what is known. A port of 0 means the default for
    the security. Private addresses are reached if `host` or `smtp_host` is one, or `allow_hosts` names the host.
    """

    model_config = ConfigDict(extra="forbid")

    address: OneLine = Field("", description="The address of the mailbox.")
    password: SecretStr = Field(SecretStr(""), description="An app password.")
    token_file: Path | None = Field(
        None,
        description="The file with the sign-in at Google or Microsoft, instead of a password. Signing in sets this.",
    )
    user: OneLine = Field("", description="The name to sign in with. Empty: the address.")
    host: OneLine = Field("", description="The IMAP server. Empty: known for the usual providers.")
    port: Port = Field(0, description="Its port. 0: the usual one.")
    security: Security = Field("tls", description="How the connection to it is encrypted.")
    folder: OneLine = Field("INBOX", description="The folder of steps that name none.")
    smtp_host: OneLine = Field("", description="The SMTP server. Empty: known for the usual providers.")
    smtp_port: Port = Field(0, description="Its port. 0: the usual one.")
    smtp_security: Security | None = Field(None, description="How the connection to it is encrypted.")
    sent_copy: SentCopy = Field("", description="Who stores sent mail in Sent. Empty: as the provider does.")
    aliases: list[OneLine] = Field(
        default_factory=list, description="Other addresses that mail may be from, as the provider allows."
    )
    signature: str = Field("", description="The text below mail that a step sends with a signature.")
    recipients_per_day: RecipientsPerDay = None
    authserv_id: OneLine = Field(
        "", description="The id that your server writes in Authentication-Results. Empty: the topmost one counts."
    )
    ca_file: str = Field("", description="A certificate of your own.")
    allow_hosts: list[str] = Field(default_factory=list, description="Hosts that may be private addresses.")

    @model_validator(mode="before")
    @classmethod
    def _with_ports(cls, given: Any) -> Any:
        """Take a port that is written with its server, as in `mail.example.org:993`."""
        if not isinstance(given, dict):
            return given
        found = {one: _WITH_PORT.fullmatch(str(given.get(one, ""))) for one in ("host", "smtp_host")}
        ports = {one.replace("host", "port"): int(place[2]) for one, place in found.items() if place}
        return {**given, **{one: place[1] for one, place in found.items() if place}, **ports}


class Servers:
    """The servers for reading and sending, worked out on first use."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings

    def imap(self) -> MailServerAddress:
        """Return the address of the IMAP server. Raises ServiceError if it is unknown."""
        own = self._settings
        if self._is_unknown:
            named = self._named("host")
            place = (named.host, own.port or named.port, named.security)
        else:
            host = own.host or self._provider("host").imap
            place = (host, own.port or _IMAP_PORTS[own.security], own.security)
        return MailServerAddress(SERVICE, *place, IMAP_READS, own.ca_file, "host")

    @property
    def host(self) -> str:
        """The IMAP server that the connection names; "" if it names none."""
        return self._settings.host

    @property
    def knows_smtp(self) -> bool:
        """Whether there is a server for sending; without one, the mailbox can only be read."""
        if self._settings.smtp_host or self._known() is not None:
            return True
        return self._is_unknown and servers_of(self._domain).smtp is not None

    def smtp(self) -> MailServerAddress:
        """Return the address of the SMTP server. Raises ServiceError if it is unknown."""
        own = self._settings
        if own.smtp_host:
            host, security, port = own.smtp_host, own.smtp_security or "tls", 0
        elif self._is_unknown:
            named = self._named("smtp_host")
            host, security, port = named.host, named.security, named.port
        else:
            provider = self._provider("smtp_host")
            host, security, port = provider.smtp, own.smtp_security or provider.smtp_security, 0
        port = own.smtp_port or port or _SMTP_PORTS[security]
        return MailServerAddress(SERVICE, host, port, security, SMTP_READS, own.ca_file, "smtp_host")

    def sent_copy(self) -> SentCopy:
        """Return who saves sent mail to the Sent folder: the server, this program, or nobody."""
        own = self._settings
        if own.sent_copy:
            return own.sent_copy
        # A server of one's own may keep no copy, whatever the address's provider does.
        known = None if own.smtp_host else self._known()
        return "server" if known is not None and known.keeps_sent else "client"

    @property
    def _domain(self) -> str:
        return self._settings.address.rpartition("@")[2].strip()

    @property
    def _is_unknown(self) -> bool:
        """Whether nothing but the address's domain can say which its servers are."""
        return bool(self._domain) and not self._settings.host and self._known() is None

    def _provider(self, missing: str) -> Provider:
        found = self._known()
        if found is None:
            raise self._not_known(missing)
        return found

    def _named(self, missing: Literal["host", "smtp_host"]) -> NamedServer:
        """Return the server that the domain names in DNS. Raises ServiceError if a person has to name it."""
        try:
            found = servers_of(self._domain)
        except ServiceError as error:
            error.field = missing
            raise
        server = found.imap if missing == "host" else found.smtp
        if server is None:
            raise self._not_known(missing)
        if not server.is_in(self._domain):
            raise InvalidRequest(
                f"DNS names {server.host} as a mail server of {self._domain}. That is in another domain, and anybody "
                "who can forge an answer of DNS could have named it.",
                service=SERVICE,
                remedy=f"If it is the server of your provider, enter it ({found.settings}).",
                field=missing,
            )
        return server

    def _not_known(self, missing: str) -> InvalidRequest:
        host = self._domain
        return InvalidRequest(
            f"The servers of {host} are not known here." if host else "There is no mail address yet.",
            service=SERVICE,
            remedy="Enter the server; your provider's help names it." if host else "Enter it.",
            field=missing if host else "address",
        )

    def _known(self) -> Provider | None:
        own = self._settings
        return provider_of(own.address, own.host, signs_in=own.token_file is not None)


def connector_of(settings: ImapSettings, *, is_demo: bool) -> MailConnector:
    """Create the connector of this connection. It reaches public addresses, and those that the connection names.

    A mailbox has no stand-in, so the connector is shut while only the demo may be reached.
    """
    # Only addresses and localhost: whoever owns a name may point it to a private address.
    written = [host for host in (settings.host, settings.smtp_host) if literal(host) or host.lower() == "localhost"]
    allowed = frozenset(host.lower() for host in [*settings.allow_hosts, *written])
    return MailConnector(NetworkGate(public_only=True, allow_hosts=allowed), is_shut=is_demo)
