"""API clients: one module or folder per service, built on its official SDK. Nothing here knows about workflows."""
