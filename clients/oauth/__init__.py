"""Sign-ins by OAuth 2: the loopback redirect, PKCE, tokens that renew themselves, and the file that keeps them."""
