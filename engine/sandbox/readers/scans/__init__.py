"""Text in pictures, and on the pages of PDF files that are pictures."""
