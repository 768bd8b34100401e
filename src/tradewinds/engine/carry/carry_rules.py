"""Settings of a carry run as exact numbers: what the loop, the books and the signals are asked to do."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tradewinds.engine.stepwise.step_caller import StepCaller

LONG_SPOT, SHORT_SPOT, BOTH = "long_spot", "short_spot", "both"
RESIZE, MARGIN_ONLY, NO_REBALANCE = "resize", "margin", "none"


@dataclass(frozen=True)
class FeeEra:
    """Fees from an instant on, as shares of a fill's value.

    Attributes:
        from_ts: Unix s.
        spot: of the spot leg.
        perp: of the perpetual.
    """

    from_ts: int
    spot: Fraction
    perp: Fraction


@dataclass(frozen=True)
class CarryCosts:
    """Costs of fills and of borrowing.

    Attributes:
        slippage_bps: of every fill; basis points.
        impact_bps: for each percent of the last candle's volume; basis points.
        most_bps: limit of the two together; basis points.
        fees: by date of the fill, ascending; the first holds from the beginning.
        borrow_apr: interest on a borrowed asset, a year.
    """

    slippage_bps: Fraction
    impact_bps: Fraction
    most_bps: Fraction
    fees: tuple[FeeEra, ...]
    borrow_apr: Fraction

    def fees_at(self, ts: int) -> FeeEra:
        """Return the fees of a fill at an instant, in Unix seconds."""
        if len(self.fees) == 1:
            return self.fees[0]
        return self.fees[max(0, bisect.bisect_right([era.from_ts for era in self.fees], ts) - 1)]


@dataclass(frozen=True)
class MarginRules:
    """How the perpetual leg is margined.

    Attributes:
        both_legs: margin, wallets, liquidation and rebalancing; False: the perpetual leg needs no money (optimistic).
        leverage: value of the perpetual leg over its initial margin.
        borrow_margin: money locked for one of borrowed value, beyond the proceeds.
        borrow_maintenance: margin below which the borrowed leg is liquidated.
        rebalance: RESIZE, MARGIN_ONLY or NO_REBALANCE.
        low: rebalance below this share of the initial margin.
        high: rebalance above this multiple of it.
    """

    both_legs: bool
    leverage: Fraction
    borrow_margin: Fraction
    borrow_maintenance: Fraction
    rebalance: str
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class SizeRules:
    """How large a position is.

    Attributes:
        share: of the balance, for one position.
        compounding: the balance is the equity at the entry; else the start balance.
        dynamic: (least, most) multiple of the budget between score 0 and 1; None: off.
        max_positions: positions at a time.
        max_position: value of one position; 10^-8 of the quote currency; None: no limit.
        max_quantity: of one position; 10^-8 of the base currency; None: no limit.
        max_exposure: value of all spot legs; 10^-8 of the quote currency; None: no limit.
        max_volume_share: of the last candle's volume; None: no limit.
    """

    share: Fraction
    compounding: bool
    dynamic: tuple[Fraction, Fraction] | None
    max_positions: int
    max_position: int | None
    max_quantity: int | None
    max_exposure: int | None
    max_volume_share: Fraction | None


@dataclass(frozen=True)
class SimpleStrategy:
    """Enter at a rate, leave below another; rates as shares.

    Attributes:
        enter: least rate at the entry.
        leave: the position is closed below it.
    """

    enter: Fraction
    leave: Fraction


@dataclass(frozen=True)
class CompositeStrategy:
    """A weighted score of the rate's level, trend and persistence and of the basis.

    Attributes:
        enter: least score at the entry.
        leave: the position is closed below it.
        weights: of rate level, trend, persistence and basis.
        normalised: the score is divided by the sum of the weights.
        rate_cap: rate that counts as a level of 1.
        trend_span: span of the moving average; records.
        trend_threshold: change of the average that counts as a trend.
        persistence_threshold: rate that counts for persistence.
        persistence_most: records that count as a persistence of 1.
        basis_cap: basis that counts as 1.
        favourable: only a basis that helps the position counts; else its absolute value.
        volume_ratio: least mean volume of the last week over that of the week before.
    """

    enter: Fraction
    leave: Fraction
    weights: tuple[Fraction, Fraction, Fraction, Fraction]
    normalised: bool
    rate_cap: Fraction
    trend_span: int
    trend_threshold: Fraction
    persistence_threshold: Fraction
    persistence_most: int
    basis_cap: Fraction
    favourable: bool
    volume_ratio: Fraction


@dataclass(frozen=True)
class CarryRules:
    """Everything that a replay depends on, beside the records.

    Attributes:
        start_ts: first instant of the range; Unix s.
        end_ts: the instant after it; Unix s.
        candle_seconds: length of the candles.
        max_age_seconds: the oldest close on which a symbol is decided.
        default_hours: interval of the first loaded record.
        per_8h: rates are compared as rates of 8 hours; else as they are.
        fill_at_open: fills at the open of the candle that begins at the decision; else at the last close (optimistic).
        start_cash: 10^-8 of the quote currency.
        direction: LONG_SPOT, SHORT_SPOT or BOTH.
        strategy: the strategy.
        min_holding: payments before a signal may close a position.
        max_breakeven: most payments that may be needed to earn the costs; None: no limit.
        costs: of fills and borrowing.
        margin: of the perpetual leg.
        size: of positions.
        stepwise: makes a strategy that is called at settlements, in place of `strategy`; None: there is none.
    """

    start_ts: int
    end_ts: int
    candle_seconds: int
    max_age_seconds: int
    default_hours: int
    per_8h: bool
    fill_at_open: bool
    start_cash: int
    direction: str
    strategy: SimpleStrategy | CompositeStrategy
    min_holding: int
    max_breakeven: int | None
    costs: CarryCosts
    margin: MarginRules
    size: SizeRules
    stepwise: Callable[[], StepCaller] | None = None

    @property
    def is_composite(self) -> bool:
        """Whether the strategy has scores."""
        return isinstance(self.strategy, CompositeStrategy)
