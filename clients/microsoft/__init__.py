"""Shared by the services of Microsoft Graph: the sign-in, errors, and reading in pages."""
