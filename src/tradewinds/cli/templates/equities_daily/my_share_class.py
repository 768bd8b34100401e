"""Buy what has fallen for some days in a row; sell it once it has recovered, or after ten days.

`on_decision` is called at the close of every trading day. What it sees is in `view`, as floats; what it returns is filled at
the next open. `tradewinds docs strategies` lists what else there is.
"""

from tradewinds.strategies.decisions import buy, sell


class Strategy:
    """Mean reversion."""

    def on_start(self, parameters):
        """Keep the settings of strategy.parameters."""
        self.fall, self.gain, self.value = parameters["fall"], parameters["gain"], parameters["value"]

    def on_decision(self, view):
        """Return orders."""
        orders = []
        for share in view.changed:
            closes = view.closes(share, 4)
            if share.held:
                if share.close > share.price * (1 + self.gain) or (view.date - share.entry_date).days >= 10:
                    orders.append(sell(share))
            elif closes == sorted(closes, reverse=True) and share.close < closes[0] * (1 - self.fall):
                orders.append(buy(share, value=self.value))
        return orders
