"""The look-ahead check's second run: forecast and replay on changed copies of all that was fetched."""
