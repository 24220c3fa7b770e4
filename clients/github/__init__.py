"""GitHub through PyGithub."""

from clients.github.client import GitHubClient, GitHubSettings

__all__ = ["GitHubClient", "GitHubSettings"]
