"""Who may do what, who did what, and how people prove who they are."""
