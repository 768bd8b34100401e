"""Trades of a run of events, from the fills of its replay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.column_rows import ColumnRows, Objects, objects
from tradewinds.engine.event_contracts.contract_journal import NETTED
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fills import Fills
from tradewinds.engine.run_trades import Trades
from tradewinds.engine.trades import Position
from tradewinds.families.kalshi_weather.events import ReplayEvent, ReplayMarket

_SIDES = {Side.YES: "BUY_YES", Side.NO: "BUY_NO"}


def trades_of(
    fills: Fills, positions: ColumnRows[Position], owners: Sequence[tuple[ReplayMarket, ReplayEvent]]
) -> Trades:
    """Return the trades of a run: fill n opens position n.

    Args:
        fills: in execution order.
        positions: quantities and money, in the order of the fills.
        owners: market and event of each of the fills' contracts.
    """
    of, closed_ts, idx = fills.columns, positions.columns["closed_ts"], fills.idx
    settle_ts: Ints = np.array([market.settle_ts for market, _ in owners], np.int64)[idx]
    results: Objects = objects([str(market.result) for market, _ in owners])[idx]
    facts = {
        "series_ticker": objects([event.station.series_ticker for _, event in owners])[idx],
        "event_ticker": objects([market.event_ticker for market, _ in owners])[idx],
        "market_ticker": objects([market.ticker for market, _ in owners])[idx],
        "station_id": objects([event.station.station_id for _, event in owners])[idx],
        "decision_ts": of["decision_ts"],
        "quote_ts": of["quote_ts"],
        "side": objects([_SIDES[side] for side in Side])[of["side"].astype(np.int64)],
        "model_prob_yes_pico": of["p_yes_pico"],
        "ev_gross_pico": of["gross_ev_pico"],
        "ev_net_total_pico": of["net_ev_total_pico"],
        "reason_code": of["reason"],
        # orders are decided before their market settles, so what was closed before that was netted to the last contract
        "settled_result": np.where(closed_ts < settle_ts, objects([NETTED]), results),
        "settled_ts": closed_ts,
    }
    return Trades(facts, positions)
