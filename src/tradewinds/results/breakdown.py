"""Where the money came from: P&L by series, month, side and price, expected against realised, best and worst trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from tradewinds.results.text import plain

Trade = dict[str, Any]  # a row of trades.parquet
Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]

SHOWN = 5  # best and worst trades


def tables(trades: list[Trade]) -> Iterable[Table]:
    """Title, header and rows of each table; none without trades."""
    if not trades:
        return
    groupings: tuple[tuple[str, Callable[[Trade], str]], ...] = (
        ("Series", lambda t: str(t["series_ticker"])),
        ("Month (UTC)", lambda t: f"{t['decision_ts_utc']:%Y-%m}"),
        ("Side", lambda t: str(t["side"])),
        ("Entry price, USD", _bucket),
    )
    for name, key in groupings:
        header = (
            name,
            "trades",
            "contracts",
            "P&L, USD",
            "expected, USD",
            "realised per contract",
            "expected per contract",
        )
        yield f"P&L by {name[0].lower()}{name[1:].split(',')[0]}", header, _grouped(trades, key)
    for title, rows in (("Top winners", _extreme(trades, True)), ("Top losers", _extreme(trades, False))):
        yield title, ("Market", "side", "decided", "qty", "price", "P(YES)", "P&L, USD"), rows


def _bucket(trade: Trade) -> str:
    low = int(trade["entry_price"] * 10)
    return f"0.{low} – {'1.0' if low == 9 else f'0.{low + 1}'}"


def _grouped(trades: list[Trade], key: Callable[[Trade], str]) -> list[tuple[str, ...]]:
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(key(trade), []).append(trade)
    rows: list[tuple[str, ...]] = []
    for name, found in sorted(groups.items()):
        quantity = sum(t["qty"] for t in found)
        pnl = sum((t["pnl"] for t in found), Decimal(0))
        expected = sum((t["ev_net_per_contract"] * t["qty"] for t in found), Decimal(0))
        cells = (plain(round(pnl, 2), 2), plain(round(expected, 2), 2))
        per = (plain(round(pnl / quantity, 4), 4), plain(round(expected / quantity, 4), 4))
        rows.append((name, str(len(found)), str(quantity), *cells, *per))
    return rows


def _extreme(trades: list[Trade], best: bool) -> list[tuple[str, ...]]:
    wanted = [t for t in trades if (t["pnl"] > 0) == best and t["pnl"] != 0]
    wanted.sort(key=lambda t: (-t["pnl"] if best else t["pnl"], t["decision_ts_utc"], t["market_ticker"]))
    rows: list[tuple[str, ...]] = [
        (
            t["market_ticker"],
            t["side"],
            f"{t['decision_ts_utc']:%Y-%m-%d %H:%MZ}",
            str(t["qty"]),
            plain(t["entry_price"], 2),
            plain(round(t["model_prob_yes"], 3), 3),
            plain(t["pnl"], 2),
        )
        for t in wanted[:SHOWN]
    ]
    return rows
