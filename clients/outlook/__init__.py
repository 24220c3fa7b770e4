"""Outlook: a mailbox of Microsoft 365 or Outlook.com, by Microsoft Graph."""
