"""GitHub through PyGithub."""

from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings

__all__ = ["GitHubClient", "GitHubSettings"]
