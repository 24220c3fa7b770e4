"""A stand-in for a WebDAV server: files and folders."""
