"""IMAP steps."""
