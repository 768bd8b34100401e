"""Strategies of daily equities."""
