"""Strategies of temperature events, and the rules of accounts that all of them share."""
