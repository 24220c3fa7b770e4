"""Parts of pages about environments."""
