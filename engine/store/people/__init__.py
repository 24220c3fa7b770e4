"""The ports of people: users, their sign-ins, and what was changed by whom (audit)."""
