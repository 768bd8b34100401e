"""What a pass over sessions results in: trades with their legs, breaks with their answers, and cash by session."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.session_orders import SessionOutcome, SessionWish
from tradewinds.engine.bar_sessions.setups import Setups
from tradewinds.engine.journal import COLUMNS, Journal, Kind

EXITS = (  # by code of sessions.c; the last three are of strategies that are called at every minute
    *("target", "stop", "breakeven_stop", "trailing_stop", "time_stop", "session_end"),
    *("sale", "resting_sale", "stop_sale"),
)
ANSWERS = (  # to a break; the first: it was filled
    "",
    "TIME_CUTOFF",
    "SESSION_END",
    "MAX_SIGNALS",
    "LOCKOUT",
    "DAILY_LOSS",
    "SCORE",
    "BAD_STOP",
    "MAX_POSITIONS",
    "SIZE_ZERO",
    "LIQUIDITY",
)
ENTRY = -1  # reason of an entry's leg

TRADE_COLUMNS = (
    *(
        "symbol",
        "session",
        "direction",
        "bar_ts",
        "entry_ts",
        "raw",
        "fill",
        "stop",
        "risk",
        "shares",
        "score",
        "entry_fee",
    ),
    *("exit_reason", "exit_ts", "best", "worst", "pnl", "gross", "target_1", "target_2", "target_3"),
)
LEG_COLUMNS = ("trade", "ts", "shares", "raw", "fill", "fee", "reason")
# `factors` has a bit for each of orb_rules.FACTORS that held; -1 where the answer came before the score
BREAK_COLUMNS = ("symbol", "session", "bar_ts", "direction", "answer", "score", "factors")


class OrbTrade(NamedTuple):
    """A position from its entry to its last exit. Prices and money are micro-units, times Unix seconds.

    Attributes:
        symbol: index of the symbol.
        session: index of the session.
        direction: 1 long, -1 short.
        bar_ts: start of the entry bar.
        entry_ts: when the entry is known: the bar's start for a fill at its open, else its end.
        raw: price of the entry before slippage.
        fill: price of the entry.
        stop: the stop at the entry; 0: it has none.
        risk: R of one share, from raw to stop; 0 without a stop: nothing of the trade is counted in R.
        shares: bought, or sold short.
        score: sum of the weights that held; FINE parts.
        entry_fee: commission of the entry.
        exit_reason: index into EXITS, of the last exit.
        exit_ts: when the last exit is known.
        best: best price of the bars held.
        worst: worst price of the bars held.
        pnl: after all costs.
        gross: from raw prices, without costs.
        target_1: price of the first target; 0: there is none.
        target_2: of the second.
        target_3: of the third.
    """

    symbol: int
    session: int
    direction: int
    bar_ts: int
    entry_ts: int
    raw: int
    fill: int
    stop: int
    risk: int
    shares: int
    score: int
    entry_fee: int
    exit_reason: int
    exit_ts: int
    best: int
    worst: int
    pnl: int
    gross: int
    target_1: int
    target_2: int
    target_3: int

    @property
    def r(self) -> Fraction | None:
        """Profit after costs as a multiple of the risk; None without a risk."""
        return Fraction(self.pnl, self.risk * self.shares) if self.risk else None

    @property
    def r_gross(self) -> Fraction | None:
        """Profit from raw prices as a multiple of the risk; None without a risk."""
        return Fraction(self.gross, self.risk * self.shares) if self.risk else None

    @property
    def mae_r(self) -> Fraction | None:
        """Worst price of the bars held, from the entry, as a multiple of the risk, 0 or below; None without a risk."""
        return Fraction(self.direction * (self.worst - self.raw), self.risk) if self.risk else None

    @property
    def mfe_r(self) -> Fraction | None:
        """Best price of the bars held, from the entry, as a multiple of the risk, 0 or above; None without a risk."""
        return Fraction(self.direction * (self.best - self.raw), self.risk) if self.risk else None

    @property
    def targets(self) -> tuple[int, ...]:
        """Prices of its targets."""
        return tuple(price for price in (self.target_1, self.target_2, self.target_3) if price)


@dataclass(frozen=True)
class SessionsResult:
    """The result of a pass.

    Attributes:
        bars: what it passed over.
        setups: of every session.
        first: index of the run's first session.
        end: index after its last.
        trade_rows: columns of TRADE_COLUMNS; in order of entries.
        leg_rows: columns of LEG_COLUMNS; shares bought are above 0, sold below.
        break_rows: columns of BREAK_COLUMNS; one row for each break or order that was decided.
        cash: by session of the run and by account (one, or one for each symbol), cash at its close; micro-units.
        start_micro: start balance of an account.
        ambiguous_bars: bars in which the order of events inside a bar matters.
        stale_exits: positions left at a last bar that ends more than five minutes before the close.
        called: whether a strategy was called at every minute; then there are no breaks.
        outcomes: of that strategy, what became of its orders.
        wishes: of that strategy, all that it asked for.
    """

    bars: MinuteBars
    setups: Setups
    first: int
    end: int
    trade_rows: Ints
    leg_rows: Ints
    break_rows: Ints
    cash: Ints
    start_micro: int
    ambiguous_bars: int
    stale_exits: int
    called: bool = False
    outcomes: Sequence[SessionOutcome] = ()
    wishes: Sequence[SessionWish] = ()

    @functools.cached_property
    def trades(self) -> list[OrbTrade]:
        """Trades in order of entries."""
        return [OrbTrade(*row) for row in self.trade_rows.tolist()]

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return int(self.cash.shape[1])

    @functools.cached_property
    def refusals(self) -> Counter[str]:
        """How many breaks, or orders of a strategy that was called, were refused, by answer."""
        if self.called:
            return Counter(outcome.reason for outcome in self.outcomes if not outcome.filled)
        counts = np.bincount(self.break_rows[:, 4], minlength=len(ANSWERS)).tolist()
        return Counter({name: count for name, count in zip(ANSWERS, counts, strict=True) if name and count})

    @functools.cached_property
    def unfit_sessions(self) -> Counter[str]:
        """How many sessions of a symbol were not traded, by reason; sessions without any bar are not counted."""
        sessions = len(self.bars.days)
        reasons = (
            self.setups.reasons[symbol * sessions + session]
            for symbol in range(len(self.bars.symbols))
            for session in range(self.first, self.end)
        )
        return Counter(reason for reason in reasons if reason not in ("", "NO_BARS"))

    def journal(self, entry_reason: str) -> Journal:
        """Return the books: a fill, and a fee where there is one, for every leg.

        Args:
            entry_reason: reason of the entries' rows.
        """
        legs = {name: self.leg_rows[:, i] for i, name in enumerate(LEG_COLUMNS)}
        count = len(self.leg_rows)
        symbol = self.trade_rows[legs["trade"], 0] if count else np.zeros(0, np.int64)
        rows = {name: np.zeros(2 * count, np.int64) for name in COLUMNS}
        # each leg is a fill and then its fee
        for name, fills, fees in (
            ("ts", legs["ts"], legs["ts"]),
            ("kind", np.full(count, Kind.FILL), np.full(count, Kind.FEE)),
            ("instrument", symbol, symbol),
            ("position_id", legs["trade"], legs["trade"]),
            ("quantity", legs["shares"] * MICRO, np.zeros(count, np.int64)),
            ("price", legs["fill"], np.zeros(count, np.int64)),
            ("cash_change", -legs["shares"] * legs["fill"], -legs["fee"]),
            ("reason", legs["reason"] + 1, legs["reason"] + 1),
        ):
            rows[name][0::2], rows[name][1::2] = fills, fees
        kept = (rows["kind"] == Kind.FILL) | (rows["cash_change"] != 0)
        names: dict[str, Sequence[str]] = {
            "instruments": tuple(self.bars.symbols),
            "legs": ("",),
            "reasons": (entry_reason, *EXITS),
        }
        return Journal.sorted_by_time({name: column[kept] for name, column in rows.items()}, **names)
