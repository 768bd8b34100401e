"""Intraday equities: breakouts of the opening range on minute bars."""
