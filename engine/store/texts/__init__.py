"""Named texts beside the records: the port, and its implementation in a folder."""
