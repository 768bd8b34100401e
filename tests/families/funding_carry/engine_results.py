"""Results of the product's loop on a world of the naive engine, laid out as `naive_carry_results.results`."""

import copy
from collections import Counter
from fractions import Fraction

import numpy as np

from tests.reference.naive_carry_market import number
from tradewinds.config import resolve
from tradewinds.engine.carry.carry_loop import STALE_PRICE, run_carry
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT, Instrument, LegCandles, Rates, SymbolMarket
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.equity import check_points
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.run_rules import rules_of


def resolved(settings):
    """Return the product's resolved config of settings whose numbers may be texts or fractions."""
    config = plain(copy.deepcopy(settings))
    data = config.setdefault("data", {})
    fees = config.setdefault("costs", {}).setdefault("fees", {})
    if data.get("candle_minutes", 60) > 240 and data.get("source") in ("binance", "bybit"):
        # such candles come from files; the fees stay those of the exchange
        for section in fees if isinstance(fees, list) else [fees]:
            section.setdefault("schedule", f"{data['source']}_vip0")
        data["source"] = "files"
    if data.get("source") == "files":
        data["path"] = "records"
    if isinstance(fees, list):  # the product asks for what the naive engine sorts out itself
        fees.sort(key=lambda section: str(section["from"]))
        fees[0]["from"] = min(str(fees[0]["from"]), str(config["date_start_local"]))
    return resolve.resolve(config)


def plain(value):
    """Return settings as YAML has them: numbers as ints and floats."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, str):
        try:
            return plain(number(value))
        except ValueError:
            return value
    return value


def column(values, unit=UNIT):
    found = [value * unit for value in values]
    assert all(value == int(value) for value in found), "a number has more decimals than the product keeps"
    return np.array([int(value) for value in found], np.int64)


def leg(candles, window):
    starts = [start for start in sorted(candles) if window.first <= start < window.end]
    rows = [candles[start] for start in starts]
    prices = (column([getattr(row, name) for row in rows]) for name in ("open", "high", "low", "close"))
    volumes, unit = [row.volume for row in rows], UNIT
    while max(volumes, default=0) * unit >= 2**63:
        unit //= 10
    return LegCandles(np.array(starts, np.int64), *prices, column(volumes, unit), unit)


def market(world, window):
    """Return a symbol's records within a window as columns."""
    records = [record for record in world.records if window.first <= record[0] < window.end]
    rates = Rates(
        np.array([record[0] for record in records], np.int64),
        column([record[1] for record in records], RATE_UNIT),
        column([record[2] or 0 for record in records]),
    )
    instrument = Instrument(int(world.step * UNIT), int(world.min_notional * UNIT), world.maintenance)
    legs = (leg(candles, window) for candles in (world.spot, world.perp, world.mark))
    return SymbolMarket(world.symbol, instrument, rates, *legs)


def product_run(world, settings):
    """Run the product's loop, and check its books."""
    config = resolved(settings)
    rules, window = rules_of(config), window_of(config)
    markets = CarryMarkets([market(one, window) for one in sorted(world, key=lambda one: one.symbol)], rules)
    made = run_carry(markets, rules)
    made.journal.check(made.start_cash, made.end_cash)
    check_points(made.equity, made.journal, made.start_cash)
    return markets, made


def amount(value):
    return Fraction(value, UNIT)


def product_results(world, settings):
    """Return the product's results in the form of the naive engine's, without the metrics."""
    _, made = product_run(world, settings)
    names = made.symbols
    return {
        "trades": [trade(names, fill) for fill in made.fills],
        "positions": [position(names, one) for one in made.positions],
        "funding": [
            {
                "position_id": f"P{one.position + 1:05d}",
                "symbol": names[one.symbol],
                "time": one.ts,
                "rate": Fraction(one.rate, RATE_UNIT),
                "interval": one.hours,
                "mark": amount(one.mark),
                "qty": amount(one.quantity),
                "payment": amount(one.amount),
            }
            for one in made.payments
        ],
        "equity": [
            (one.ts, amount(one.equity_micro), amount(one.cash_micro), amount(one.wallets_micro)) for one in made.equity
        ],
        "refusals": [(one.ts, names[one.symbol], one.reason) for one in made.refusals],
        "stale": {names[symbol]: count for symbol, count in made.stale.items() if count},
        "mark_source": dict(Counter(one.mark_source for one in made.payments)),
        "gaps": made.gaps.total(),
    }


def trade(names, fill):
    symbol = names[fill.symbol]
    return {
        "position_id": f"P{fill.position + 1:05d}",
        "leg": symbol if fill.is_perp else symbol.split(":")[0],
        "time": fill.ts,
        "quote_time": fill.price_ts,
        "side": "BUY" if fill.side > 0 else "SELL",
        "qty": amount(fill.quantity),
        "price": amount(fill.price),
        "fee": amount(fill.fee),
        "reason": fill.reason,
        "result": "open" if fill.opens else "close",
        "payout": -fill.side * amount(fill.value),
        "pnl": amount(fill.pnl),
        "reference_price": amount(fill.reference),
        "slippage": amount(fill.slippage),
    }


def position(names, one):
    days = Fraction(one.close_ts - one.open_ts, 86_400)
    money = ("spot_entry", "perp_entry", "spot_exit", "perp_exit", "funding", "price_pnl", "fees", "slippage", "borrow")
    return {
        "position_id": f"P{one.number + 1:05d}",
        "symbol": names[one.symbol],
        "direction": one.direction,
        "open_time": one.open_ts,
        "close_time": one.close_ts,
        "qty": amount(one.quantity),
        **{name: amount(getattr(one, name)) for name in (*money, "liquidation_cost", "capital")},
        "net_pnl": amount(one.net),
        "periods": one.periods,
        "breakeven_periods": one.breakeven,
        "entry_rate": Fraction(one.entry_rate, RATE_UNIT),
        "entry_score": None if one.entry_score is None else Fraction(one.entry_score, 10**6),
        "exit_reason": one.exit_reason,
        "apr_on_capital": Fraction(one.net, one.capital) / days * 365 * 100 if one.capital > 0 else None,
    }


def refusals_without_stale(found):
    """Return the naive engine's refusals with stale prices apart, which the product counts by symbol."""
    rows = [row for row in found["refusals"] if row[2] != STALE_PRICE]
    stale = Counter(symbol for _, symbol, reason in found["refusals"] if reason == STALE_PRICE)
    return rows, dict(stale)
