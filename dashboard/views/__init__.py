"""The pages; each file is one, found by itself (dashboard/pages.py)."""
