"""Mails in files: mailboxes (mbox), Maildir, folders of .eml and Apple's .emlx, and zip archives of them."""
