"""WebDAV: files on Nextcloud, ownCloud and other servers (RFC 4918)."""
