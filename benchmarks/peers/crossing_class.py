"""Two means of closes that cross, as a class that is called at every bar."""

from tradewinds.strategies.decisions import buy, sell


class Strategy:
    """Long while the mean of 10 closes is above that of 50."""

    def on_start(self, parameters):
        """Begin without a position."""
        self.is_long = False

    def on_decision(self, view):
        """Return what changes the position."""
        closes = view.closes("A", 50)
        if len(closes) == 50 and (sum(closes[-10:]) * 5 > sum(closes)) != self.is_long:
            self.is_long = not self.is_long
            return buy("A", 10) if self.is_long else sell("A")
        return None
