"""Google Drive: files and folders of one account."""
