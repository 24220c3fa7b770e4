"""A run as one file without secrets, which replays in any workspace, without any of its accounts."""
