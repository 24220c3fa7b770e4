"""Shared by all mailboxes: reading and writing mails (RFC 5322, MIME)."""
