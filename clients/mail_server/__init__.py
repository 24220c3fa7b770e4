"""Connections to mail servers, by IMAP and SMTP."""
