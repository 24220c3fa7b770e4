"""How often a model is right: mails to sort, texts to sum up, invoices to read, and answers to draft."""
