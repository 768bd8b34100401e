"""Buy what closes above the highest price of the first minutes, with a stop below their lowest price; out at twice the risk.

`on_decision` is called at the end of every minute. What it sees is in `view`, as floats; what it returns waits for the next bar
of the share. Nothing is held over night. `tradewinds docs strategies` lists what else there is.
"""

from tradewinds.strategies.decisions import buy, limit, sell


class Strategy:
    """Breakout of the first minutes."""

    def on_start(self, parameters):
        """Keep the settings of strategy.parameters."""
        self.minutes, self.multiple, self.tried, self.stops = parameters["minutes"], parameters["multiple"], {}, {}

    def on_decision(self, view):
        """Return orders."""
        orders, waiting = [], {order.ticker for order in view.orders}
        for share in view.changed:
            if share.held and share.ticker not in waiting:
                risk = share.price - self.stops[share.ticker]
                orders.append(limit(sell(share), share.price + self.multiple * risk))
            elif self.tried.get(share.ticker) != view.date and view.minute > self.minutes:
                highs, lows = (prices(share, view.bars_today(share)) for prices in (view.highs, view.lows))
                if share.close > max(highs[: self.minutes]):
                    self.tried[share.ticker], self.stops[share.ticker] = view.date, min(lows[: self.minutes])
                    orders.append(buy(share, stop=self.stops[share.ticker]))
        return orders
