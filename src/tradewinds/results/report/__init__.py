"""The report of a run: what it shows, and what draws it."""
