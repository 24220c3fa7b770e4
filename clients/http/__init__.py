"""Any server by HTTP."""

from clients.http.client import READS, HttpClient, HttpSettings, Paging, Wanted

__all__ = ["READS", "HttpClient", "HttpSettings", "Paging", "Wanted"]
