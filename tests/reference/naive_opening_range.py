"""A second, naive implementation of the opening-range family: fractions, lists of bars, one plain loop per rule.

It is written from the rules alone, section by section, and shares no import and no arithmetic with the product. Where the
rules leave a choice, the line that takes it says `ASSUME:`. Its parts: `naive_opening_bars` (sections 1 to 4),
`naive_opening_rules` (5, 6, 13), `naive_opening_fills` (7 to 10), `naive_opening_score` (12), `naive_opening_day` (the
minutes of a session).
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.reference.naive_opening_bars import (
    Session,
    history_before,
    number,
    sort_out,
)
from tests.reference.naive_opening_day import Trading
from tests.reference.naive_opening_rules import (
    keep_stocks_in_play,
    open_day,
)


@dataclass
class Outcome:
    """What a run results in.

    Attributes:
        trades: positions in order of entry, all closed (see `Position`).
        days: every (session, symbol) of the run (see `Day`).
        breaks: (symbol, date, bar start, direction, reason or "" where filled), one per decision.
        refusals: counts of the reasons, of sessions and of breaks together.
        quarantined: {symbol: {reason: rows}}; zero_volume: {symbol: bars}.
        cash: [(date, {account: cash})] after every session; the account of all symbols is called "".
        ambiguous_bars, stale_exits: counts.
    """

    trades: list = field(default_factory=list)
    days: list = field(default_factory=list)
    breaks: list = field(default_factory=list)
    refusals: Counter = field(default_factory=Counter)
    quarantined: dict = field(default_factory=dict)
    zero_volume: dict = field(default_factory=dict)
    cash: list = field(default_factory=list)
    ambiguous_bars: int = 0
    stale_exits: int = 0


def simulate(bars, sessions, config, actions=None):
    """Run the rules over bars.

    Args:
        bars: {symbol: [(start_ts, open, high, low, close, volume or None)]}, raw rows in any order, prices as Decimal
            or None.
        sessions: [(date, open_ts, close_ts)] of the calendar, warm-up sessions included.
        config: the resolved config, every key of the family's blocks.
        actions: {symbol: [(ex_date, ratio)]} of splits, 2 for a 2-for-1.

    Returns:
        An Outcome.
    """
    outcome = Outcome()
    symbols = sorted(bars)
    calendar = [Session(*session) for session in sorted(sessions)]
    kept = {}
    for symbol in symbols:
        kept[symbol], outcome.quarantined[symbol], outcome.zero_volume[symbol] = sort_out(
            bars[symbol], calendar, config
        )
    balance = number(config["risk"]["start_balance"])
    shared = config["risk"]["account"] == "shared"
    cash = {"": balance} if shared else dict.fromkeys(symbols, balance)
    for session in calendar:
        if not config["date_start_local"] <= session.date <= config["date_end_local"]:
            continue
        days = []
        for symbol in symbols:
            splits = (actions or {}).get(symbol, [])
            history = history_before(session, calendar, kept[symbol], splits, config)
            days.append(open_day(symbol, session, kept[symbol][session.date], history, config))
        keep_stocks_in_play(days, config)
        outcome.refusals.update(day.reason for day in days if day.reason is not None)
        outcome.days += days
        trades = Trading(session, days, dict(cash), config, outcome).run()
        for trade in trades:
            cash["" if shared else trade.symbol] += trade.pnl
        outcome.trades += trades
        outcome.cash.append((session.date, dict(cash)))
    return outcome
