"""Projects for people: files and commits, commands that run in them, previews, and what workflows do there."""
