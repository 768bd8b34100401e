"""Tradewinds: reproducible backtests as a graph of files."""

__version__ = "0.1.0"
