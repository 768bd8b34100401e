"""Whole shares, long only, at opens and closes of trading days."""
