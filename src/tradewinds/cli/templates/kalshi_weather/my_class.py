"""Buy YES that is worth more than it costs; sell it once its price has risen by `gain`.

`on_decision` is called wherever something visible has changed. What it sees is in `view`, as floats; what it returns is carried
out in order. `tradewinds docs strategies` lists what else there is.
"""

from tradewinds.strategies.decisions import buy, sell


class Strategy:
    """Take profit."""

    def on_start(self, parameters):
        """Keep the settings of strategy.parameters."""
        self.edge, self.gain = parameters["edge"], parameters["gain"]

    def on_decision(self, view):
        """Return orders."""
        orders = []
        for market in view.changed:
            if market.yes_held and market.bid > market.yes_price + self.gain:
                orders.append(sell(market, market.yes_held))
            elif not market.yes_held and market.probability - market.ask - view.fee(market, 1) > self.edge:
                orders.append(buy(market, 5))
        return orders
