"""Connections to services: whose account each uses, and the demo services that replace real ones."""
