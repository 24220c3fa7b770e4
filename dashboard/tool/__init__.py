"""The open tool on the page Tools."""
