"""Hold spot against the perpetual while its funding rate is high: in above `enter`, out below `leave`.

`on_decision` is called at every settlement, once funding is paid. What it sees is in `view`, as floats; what it returns is
carried out at the next open. `tradewinds docs strategies` lists what else there is.
"""

from tradewinds.strategies.decisions import buy, sell


class Strategy:
    """A mean of the last rates, with a threshold for each way."""

    def on_start(self, parameters):
        """Keep the settings of strategy.parameters."""
        self.enter, self.leave = parameters["enter"], parameters["leave"]

    def on_decision(self, view):
        """Return orders."""
        orders = []
        for perp in view.changed:
            rates = view.rates(perp, 6)
            mean = sum(rates) / len(rates)
            if perp.held and mean < self.leave:
                orders.append(sell(perp))
            elif not perp.held and mean > self.enter:
                orders.append(buy(perp))
        return orders
