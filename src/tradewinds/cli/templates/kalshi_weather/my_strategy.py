"""Buy one YES when it is worth `edge` dollars more than it costs, fee included; else one NO if that is.

The columns of `quotes` hold every distinct quote of a market; what is returned for a row is bought whenever that quote is the
visible one. `tradewinds docs strategies` lists what else there is.
"""

import numpy as np

from tradewinds.strategies.user_file import NO, NONE, YES, Orders, pico


def orders(quotes, parameters):
    least = pico(parameters["edge"])  # values are compared exactly, as whole numbers
    good = {side: quotes.quoted(side) & (quotes.net_value(side, 1) > least) for side in (YES, NO)}
    side = np.where(good[YES], YES, np.where(good[NO], NO, NONE))
    return Orders(side=side, quantity=1, priority=0)
