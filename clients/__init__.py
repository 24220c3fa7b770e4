"""One file per outside service, each on that service's official SDK; nothing here knows of workflows."""
