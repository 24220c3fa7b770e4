"""Dropbox: files and folders of one account."""
