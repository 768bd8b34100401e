"""Forecasts of a day's high or low, and what they make of a market's probability."""
