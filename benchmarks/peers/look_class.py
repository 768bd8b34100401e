"""A class that is called at every decision time and does nothing with what it sees: what the call alone costs."""


class Strategy:
    """Counts the markets that it is shown."""

    every_decision_time = True
    looks = 0  # markets shown, over all runs

    def on_decision(self, view):
        """Return nothing."""
        Strategy.looks += len(view.markets)
