"""Sign-in by OpenID Connect: a provider says who a person is, and what they may do."""
