"""Conditions on runs and trades that queries.py asks for, as SQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from tradewinds.database import tables as t
from tradewinds.database.load_locks import INTERRUPTED


@dataclass(frozen=True)
class RunFilter:
    """Conditions on runs, all of which a run must meet; None asks for nothing.

    Attributes:
        status: RUNNING, SUCCESS, FAILED, or INTERRUPTED: its load was killed.
        series: a series or symbol that the run trades.
        strategy: its name.
    """

    status: str | None = None
    series: str | None = None
    strategy: str | None = None

    def conditions(self, interrupted: frozenset[str]) -> list[sa.ColumnElement[bool]]:
        """The conditions as SQL.

        Args:
            interrupted: ids of the runs whose load was killed (load_locks.interrupted_loads).
        """
        runs, found = t.backtest_runs.c, []
        if self.status is not None:
            found.append(seen_status(interrupted) == self.status)
        if self.strategy is not None:
            found.append(runs.strategy == self.strategy)
        if self.series is not None:  # the column is a list of names as JSON text, on every server
            found.append(sa.cast(runs.series, sa.String(65_535)).contains(f'"{self.series}"', autoescape=True))
        return found


@dataclass(frozen=True)
class TradeFilter:
    """Conditions on the trades of a run, all of which a trade must meet; None asks for nothing.

    Attributes:
        series: its series_ticker.
        event: its event_ticker.
        market: its market_ticker.
        side: its side.
        reason_code: why it was entered.
        settled_result: how it ended.
        since: earliest time of its decision, UTC without zone.
        until: the decision was before this time, UTC without zone.
        min_pnl: least P&L, in the account's currency.
        max_pnl: greatest P&L, in the account's currency.
    """

    series: str | None = None
    event: str | None = None
    market: str | None = None
    side: str | None = None
    reason_code: str | None = None
    settled_result: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    min_pnl: Decimal | None = None
    max_pnl: Decimal | None = None

    def conditions(self, run_id: str) -> list[sa.ColumnElement[bool]]:
        """The conditions as SQL, with that on the run."""
        trades = t.backtest_trades.c
        named = (
            (self.series, trades.series_ticker.__eq__),
            (self.event, trades.event_ticker.__eq__),
            (self.market, trades.market_ticker.__eq__),
            (self.side, trades.side.__eq__),
            (self.reason_code, trades.reason_code.__eq__),
            (self.settled_result, trades.settled_result.__eq__),
            (self.since, trades.decision_ts_utc.__ge__),
            (self.until, trades.decision_ts_utc.__lt__),
            (self.min_pnl, trades.pnl.__ge__),
            (self.max_pnl, trades.pnl.__le__),
        )
        return [trades.run_id == run_id, *(compare(value) for value, compare in named if value is not None)]


def seen_status(interrupted: frozenset[str]) -> sa.ColumnElement[str]:
    """Return the status of a run as readers see it: INTERRUPTED in place of RUNNING if its load was killed.

    Args:
        interrupted: ids of the runs whose load was killed (load_locks.interrupted_loads).
    """
    runs = t.backtest_runs.c
    stored = sa.cast(runs.status, sa.String(20))
    was_running = (runs.status == "RUNNING") & runs.run_id.in_(interrupted)
    return sa.case((was_running, INTERRUPTED), else_=stored) if interrupted else stored


ALL_RUNS, ALL_TRADES = RunFilter(), TradeFilter()
