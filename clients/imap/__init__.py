"""Any IMAP mailbox, through imap-tools."""

from clients.imap.client import ImapClient

__all__ = ["ImapClient"]
