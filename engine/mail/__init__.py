"""What the steps of the mail services share: each step without its name, and the fields and outputs of a mail.

Begin with `fields.py`, the record of a mail. Gmail, Outlook and IMAP name these steps in `engine/steps/`, each with a
client of the same shape; a new service does the same. Rules that answer in place of a model are in `rules.py`.
Imports `engine/plugins/`, and nothing above it.
"""
