"""The report's sections that only temperature events have."""
