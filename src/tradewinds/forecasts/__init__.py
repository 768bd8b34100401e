"""Probabilities for event markets: the user's own, or the project's forecast."""
