"""FastAPI routes and sign-in."""
