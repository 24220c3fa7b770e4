"""The files of a workspace: read strictly, written whole, with their settings and their past."""
