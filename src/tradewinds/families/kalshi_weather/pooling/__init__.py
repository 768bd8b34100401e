"""Probabilities shrunk towards the price of the as-of time, and the events on which price and forecast are compared."""
