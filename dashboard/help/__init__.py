"""The documentation, as shown by the page *Help*."""
