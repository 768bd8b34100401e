"""The common workload's rule as a class that is called at every decision time and looks at every quote."""

from tradewinds.strategies.decisions import NO, YES, buy


class Strategy:
    """One YES if its net value is above `edge`, else one NO if that is, where both sides are quoted."""

    every_decision_time = True
    looks = 0  # markets looked at, over all runs

    def on_start(self, parameters):
        """Keep the settings."""
        self.edge = parameters["edge"]

    def on_decision(self, view):
        """Return the orders of an instant, by ticker."""
        markets, edge, orders = view.markets, self.edge, []
        Strategy.looks += len(markets)
        for market in markets:
            if market.yes_held + market.no_held >= 5:
                continue
            yes, no = market.probability - market.ask, 1 - market.probability - market.no_ask
            if yes > edge and no == no and round(yes - view.fee(market, 1), 9) > edge:
                orders.append(buy(market, 1, YES))
            elif no > edge and yes == yes and round(no - view.fee(market, 1, NO), 9) > edge:
                orders.append(buy(market, 1, NO))
        return orders
