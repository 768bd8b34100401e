"""The common workload's rule as a user's strategy: YES if it is worth 5 cents more than it costs, else NO if that is."""

import numpy as np

from tradewinds.strategies.user_file import NO, NONE, YES, Orders, pico


def orders(quotes, parameters):
    least, both = pico(parameters["edge"]), quotes.quoted(YES) & quotes.quoted(NO)
    good = {side: both & (quotes.net_value(side, 1) > least) for side in (YES, NO)}
    return Orders(side=np.where(good[YES], YES, np.where(good[NO], NO, NONE)))
