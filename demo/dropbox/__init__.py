"""The stand-in for Dropbox."""
