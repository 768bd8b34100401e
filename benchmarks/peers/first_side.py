"""The common workload's rule as a user's strategy: one YES if its net value is above 5 cents, else one NO if that is."""

import numpy as np

from tradewinds.strategies.user_file import NO, NONE, YES, Orders, pico


def orders(quotes, parameters):
    """Return the orders of the rule for each quote."""
    least, both = pico(parameters["edge"]), quotes.quoted(YES) & quotes.quoted(NO)
    good = {side: both & (quotes.net_value(side, 1) > least) for side in (YES, NO)}
    return Orders(side=np.where(good[YES], YES, np.where(good[NO], NO, NONE)))
