"""A stand-in for the web: one site with a feed, posts, and a page that changes."""
