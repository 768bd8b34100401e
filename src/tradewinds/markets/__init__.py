"""Market families."""
