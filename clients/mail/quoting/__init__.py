"""Recognizes what mail programs write around other people's words: headers, attributions, separators, signatures."""
