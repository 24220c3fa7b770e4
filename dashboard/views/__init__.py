"""The pages, one per file; each is found automatically (dashboard/pages.py)."""
