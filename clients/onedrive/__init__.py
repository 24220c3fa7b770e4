"""OneDrive: files and folders of one account, through Microsoft Graph."""
