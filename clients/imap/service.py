"""The declaration of mailboxes by IMAP and SMTP; their settings are in `clients/mail_server/settings.py`."""

from __future__ import annotations

from clients.google.declaration import RENEWAL as GOOGLE_RENEWAL
from clients.mail_server.outgoing_traffic import IMAP_READS, SMTP_READS
from clients.mail_server.providers import SERVICE
from clients.mail_server.settings import ImapSettings
from clients.microsoft.declaration import RENEWAL as MICROSOFT_RENEWAL
from clients.service import AccountKey, Service, Setting

IMAP = Service(
    name=SERVICE,
    title="Mailbox (IMAP)",
    icon="alternate_email",
    settings=ImapSettings,
    error_name="The mail server",
    usual_name="mailbox",
    key=AccountKey(
        setting="password",
        variable="IMAP_PASSWORD",
        place="Your mail provider's settings, app passwords (the link is Google's)",
        url="https://myaccount.google.com/apppasswords",
        label="App password",
    ),
    beside_key=(
        Setting("address", "IMAP_ADDRESS", "Mail address", "me@fastmail.com"),
        Setting("host", "IMAP_HOST", "IMAP server", "Leave empty for common providers"),
        Setting("smtp_host", "SMTP_HOST", "SMTP server", "Leave empty for common providers"),
    ),
    harmless=("folder", "sent_copy"),
    # There is no base address.
    reads=(GOOGLE_RENEWAL[1], MICROSOFT_RENEWAL[1]),
    read_commands=(IMAP_READS, SMTP_READS),
    pickers={"imap-folder": "folders"},
)
