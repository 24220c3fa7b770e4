"""What the services of Google have in common: the sign-in, its tokens, and requests through Google's SDK."""
