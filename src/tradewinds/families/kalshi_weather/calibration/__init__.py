"""How good probabilities and temperatures were, against baselines and the market's price."""
