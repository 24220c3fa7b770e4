"""What all mailboxes have in common: reading and writing mails (RFC 5322, MIME)."""
