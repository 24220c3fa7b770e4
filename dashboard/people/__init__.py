"""Accounts and users."""
