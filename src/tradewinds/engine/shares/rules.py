"""What a run of shares does at its signals: sizes, costs and exits, exact.

ASSUME: a fill's price is rounded half to even to a micro-unit, the precision of stored prices, so that price, quantity and
commission give cost and proceeds exactly.
"""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass
from fractions import Fraction

from tradewinds.core.units import CENT, NEVER, Ratio, scaled, scaled_down

PROFIT_TARGET, STOP_LOSS, TRAILING_STOP = "profit_target", "stop_loss", "trailing_stop"
TIME_STOP, BACKTEST_END = "time_stop", "backtest_end"

ALREADY_HELD = "ALREADY_HELD"
NO_NEXT_BAR = "NO_NEXT_BAR"
MAX_POSITIONS = "MAX_POSITIONS"
NO_CASH = "INSUFFICIENT_CASH"


@dataclass(frozen=True)
class Exits:
    """When a position is sold, judged on closes after its entry, the first that holds in this order; None never holds.

    `profit_target` and `stop_loss` are multiples of the entry fill (1.02, 0.95), `trailing_stop` one of the highest close
    since the entry, `max_days` calendar days since the entry.
    """

    profit_target: Fraction | None = None
    stop_loss: Fraction | None = None
    trailing_stop: Fraction | None = None
    max_days: int | None = None

    def levels(self, entry: int) -> tuple[int, int]:
        """Of a position entered at a price: the least close that meets the profit target, the highest that is a stop loss."""
        target = NEVER if self.profit_target is None else -scaled_down(-entry, self.profit_target)
        return target, -1 if self.stop_loss is None else scaled_down(entry, self.stop_loss)

    def trail(self, peak: int) -> int:
        """The highest close that is a trailing stop, after a highest close since the entry."""
        return -1 if self.trailing_stop is None else scaled_down(peak, self.trailing_stop)


@dataclass(frozen=True)
class ShareRules:
    """What a run does at its signals.

    Args:
        exits: see there; start_micro: cash at the start; position_share: value of an order as a share of it.
        max_positions: positions held at once; commission, slippage: shares of the traded value and of the price.
        min_commission_micro: least commission of an order; same_close: fill at the close that made the signal.
    """

    exits: Exits
    start_micro: int
    position_share: Fraction
    max_positions: int
    commission: Fraction
    slippage: Fraction
    min_commission_micro: int = 0
    same_close: bool = False

    @functools.cached_property
    def _factors(self) -> tuple[Ratio, Ratio, Ratio, int]:
        """Of a buy's and a sale's price; cents of commission per micro-unit; micro-units of an order."""
        buy, sell, cents = (
            by.as_integer_ratio() for by in (1 + self.slippage, 1 - self.slippage, self.commission / CENT)
        )
        return buy, sell, cents, scaled_down(self.start_micro, self.position_share)

    def buy_price(self, price: int) -> int:
        """The fill of a buy at a bar's price."""
        return scaled(price, self._factors[0])

    def sell_price(self, price: int) -> int:
        """The fill of a sale at a bar's price."""
        return scaled(price, self._factors[1])

    def fee(self, value: int) -> int:
        """The commission on a traded value, rounded half to even to the cent; never below the least one."""
        return max(scaled(value, self._factors[2]) * CENT, self.min_commission_micro)

    def affordable(self, price: int, cash: int) -> int:
        """Shares that an order buys at a fill price: its value over the price, and no more than cash pays with commission."""

        def cost(quantity: int) -> int:
            return quantity * price + self.fee(quantity * price)

        wanted = min(self._factors[3], cash) // price
        if wanted < 1 or cost(wanted) <= cash:
            return max(wanted, 0)
        if cost(wanted - 1) <= cash:  # the commission of one share less pays for all others', nearly always
            return wanted - 1
        return max(bisect.bisect_right(range(wanted), cash, key=cost) - 1, 0)
