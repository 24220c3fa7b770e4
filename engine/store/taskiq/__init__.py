"""Announcements of runs through a message broker, each to one process, by Taskiq."""
