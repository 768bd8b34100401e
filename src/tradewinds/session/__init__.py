"""Tradewinds from Python: configs, runs, sweeps and their figures as objects, by the same code as the command line."""
