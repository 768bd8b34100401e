"""Rules of a run of shares: sizes, costs and exits, computed exactly.

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
NO_BARS_EXIT = "no_bars"
AT_CLOSE_ALWAYS = frozenset({BACKTEST_END, NO_BARS_EXIT})  # exits at a close, also where orders fill at opens

ALREADY_HELD = "ALREADY_HELD"
NO_NEXT_BAR = "NO_NEXT_BAR"
MAX_POSITIONS = "MAX_POSITIONS"
NO_CASH = "INSUFFICIENT_CASH"
NO_VOLUME = "NO_VOLUME"
LIQUIDITY = "LIQUIDITY"

# of strategies that are called at every close
STRATEGY, RESTING = "STRATEGY", "RESTING"
SALE, RESTING_SALE = "sale", "resting_sale"
NO_WHOLE_SHARE = "NO_WHOLE_SHARE"
NOTHING_HELD = "NOTHING_HELD"


@dataclass(frozen=True)
class Exits:
    """When a position is sold: at the first of these conditions that holds at a close after its entry, in this order.

    Attributes:
        profit_target: multiple of the entry price (1.02) that the close reaches; None: no such exit.
        stop_loss: multiple of the entry price (0.95) to which the close falls; None: no such exit.
        trailing_stop: multiple of the highest close since the entry to which the close falls; None: no such exit.
        max_days: calendar days since the entry; None: no such exit.
    """

    profit_target: Fraction | None = None
    stop_loss: Fraction | None = None
    trailing_stop: Fraction | None = None
    max_days: int | None = None

    def levels(self, entry: int) -> tuple[int, int]:
        """Return the lowest close that meets the profit target (or NEVER) and the highest that is a stop loss (or -1).

        Args:
            entry: entry price; micro-units.
        """
        target = NEVER if self.profit_target is None else -scaled_down(-entry, self.profit_target)
        return target, -1 if self.stop_loss is None else scaled_down(entry, self.stop_loss)

    def trail(self, peak: int) -> int:
        """Return the highest close that is a trailing stop, or -1; micro-units.

        Args:
            peak: highest close since the entry; micro-units.
        """
        return -1 if self.trailing_stop is None else scaled_down(peak, self.trailing_stop)


@dataclass(frozen=True)
class ShareRules:
    """Sizes, costs and exits of a run.

    Attributes:
        exits: when positions are sold.
        start_micro: cash at the start; micro-units.
        position_share: value of an order as a share of start cash.
        max_positions: positions held at once.
        commission: share of the traded value.
        slippage: share of the price.
        min_commission_micro: least commission of an order; micro-units.
        same_close: whether orders fill at the close that made the signal; else at the next open.
        exit_after_missing_days: trading days in a row without a bar after which a position is sold; None: it is kept.
        max_volume_share: most shares of an entry as a share of its bar's volume; None: no limit.
    """

    exits: Exits
    start_micro: int
    position_share: Fraction
    max_positions: int
    commission: Fraction
    slippage: Fraction
    min_commission_micro: int = 0
    same_close: bool = False
    exit_after_missing_days: int | None = None
    max_volume_share: Fraction | None = None

    @functools.cached_property
    def _factors(self) -> tuple[Ratio, Ratio, Ratio, int]:
        """Factors of a buy's price and of a sale's; cents of commission a micro-unit; value of an order in micro-units."""
        buy, sell, cents = (
            by.as_integer_ratio() for by in (1 + self.slippage, 1 - self.slippage, self.commission / CENT)
        )
        return buy, sell, cents, scaled_down(self.start_micro, self.position_share)

    def buy_price(self, price: int) -> int:
        """Return the fill price of a purchase; micro-units.

        Args:
            price: of the bar; micro-units.
        """
        return scaled(price, self._factors[0])

    def sell_price(self, price: int) -> int:
        """Return the fill price of a sale; micro-units.

        Args:
            price: of the bar; micro-units.
        """
        return scaled(price, self._factors[1])

    def fee(self, value: int) -> int:
        """Return the commission, rounded half to even to the cent and never below the least one; micro-units.

        Args:
            value: traded value; micro-units.
        """
        cents = self._factors[2]
        return max(scaled(value, cents) * CENT, self.min_commission_micro) if cents[0] else self.min_commission_micro

    def affordable(self, price: int, cash: int) -> int:
        """Return the shares that an order buys: its value over the price, at most what cash pays with commission.

        Args:
            price: fill price; micro-units.
            cash: micro-units.
        """
        return self.payable(self._factors[3] // price, price, cash)

    def payable(self, wanted: int, price: int, cash: int) -> int:
        """Return as many of the wanted shares as cash pays with commission.

        Args:
            wanted: shares.
            price: fill price; micro-units.
            cash: micro-units.
        """

        if wanted > 0 and (value := wanted * price) + self.fee(value) <= cash:
            return wanted

        def cost(quantity: int) -> int:
            return quantity * price + self.fee(quantity * price)

        if wanted * price > cash:
            wanted = cash // price
        if wanted < 1 or cost(wanted) <= cash:
            return max(wanted, 0)
        if cost(wanted - 1) <= cash:  # nearly always: the price of one share pays the commission of the others
            return wanted - 1
        return max(bisect.bisect_right(range(wanted), cash, key=cost) - 1, 0)

    def within_volume(self, quantity: int, volume: int) -> int:
        """Return the shares of an entry that its bar's volume allows.

        Args:
            quantity: shares that the order would buy.
            volume: shares traded at the bar; NEVER where that is not known, and nothing is limited.
        """
        if self.max_volume_share is None or volume == NEVER:
            return quantity
        return min(quantity, scaled_down(volume, self.max_volume_share))
