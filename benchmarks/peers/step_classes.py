"""Strategies of one share for the class interface; backtestingpy_steps.py has the same ones, line by line."""

from tradewinds.strategies.decisions import buy, sell


class Nothing:
    """Does nothing: what the call alone costs."""

    def on_decision(self, view):
        """Return nothing."""


class Look:
    """Looks at the latest close, and never trades."""

    def on_decision(self, view):
        """Return nothing, since no price is below 0."""
        if view.closes("A", 1)[-1] < 0:
            return buy("A", 10)
        return None


class Means:
    """Long while the mean of 10 closes is above that of 50; both are computed at every bar."""

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


class Turns:
    """Long while the close is above that of nine bars before: an order at one bar in seven."""

    def on_start(self, parameters):
        """Begin without a position."""
        self.is_long = False

    def on_decision(self, view):
        """Return what changes the position."""
        closes = view.closes("A", 10)
        if len(closes) == 10 and (closes[-1] > closes[0]) != self.is_long:
            self.is_long = not self.is_long
            return buy("A", 10) if self.is_long else sell("A")
        return None


CLASSES = {"nothing": Nothing, "look": Look, "means": Means, "means_once": Means, "turns": Turns}
