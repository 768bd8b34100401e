"""Forecasts of a day's high or low temperature, and the P(YES) that follow from them for its markets."""
