"""Fourteen validations of the data of temperature events and of the trades made on it."""
