"""Any mailbox by IMAP, through imap-tools."""

from clients.imap.client import ImapClient

__all__ = ["ImapClient"]
