"""Collections of documents that are searched by words, on this machine."""
