"""Strategies of temperature events."""
