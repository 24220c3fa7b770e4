"""Formats that come inside mails: invitations, signed content, Outlook's winmail.dat, pictures that HTML refers to."""
