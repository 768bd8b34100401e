"""The board as rows of CSV: one for each bracket, with what is known of its event. The columns are stable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

OF_EVENT = (
    *("series_ticker", "event_ticker", "climate_date", "state", "asof_utc", "window_end_utc", "close_utc"),
    *("method", "mu_f", "sigma_f", "reasons", "observed_f", "observed_utc"),
)
OF_BRACKET = (
    *("market_ticker", "bracket", "p_yes", "yes_bid", "yes_ask", "bid_size", "ask_size"),
    *("fee_quantity", "fee_yes", "fee_no", "net_ev_yes", "net_ev_no"),
)
OF_ORDER = ("kind", "side", "quantity", "price", "fee", "net_ev")
AGES = ("price_age_s", "forecast_age_s", "observation_age_s")
COLUMNS = ("now_utc", *OF_EVENT, *OF_BRACKET, *(f"order_{name}" for name in OF_ORDER), "refused", *AGES)


def rows_of(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a board, with the keys COLUMNS; a market with several orders has a row for each.

    Args:
        board: as `Board.as_json`.
    """
    for event in board["events"]:
        shared = {name: event[name] for name in (*OF_EVENT, *AGES)} | {"reasons": "; ".join(event["reasons"])}
        for bracket in event["brackets"]:
            row = {"now_utc": board["now_utc"], **shared, **{name: bracket[name] for name in OF_BRACKET}}
            for order in bracket["orders"] or [dict.fromkeys(OF_ORDER)]:
                yield {**row, **{f"order_{name}": order[name] for name in OF_ORDER}, "refused": bracket["refused"]}
