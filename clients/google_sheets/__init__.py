"""Google Sheets: rows of spreadsheets."""
