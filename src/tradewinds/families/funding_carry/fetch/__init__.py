"""Where funding rates and candles come from: exchanges, the user's files, a seed."""
