"""Any IMAP mailbox, through imap-tools."""
