"""Scores of probabilities and temperature forecasts against baselines and the market's price."""
