"""Results of the product's engine in plain dictionaries, in the form of `naive_results`."""

import datetime as dt
from fractions import Fraction

import numpy as np

from tests.reference.naive_opening_bars import Session, sort_out
from tradewinds.core.units import MICRO
from tradewinds.engine.bar_sessions.minute_bars import UNKNOWN_VOLUME, MinuteBars
from tradewinds.engine.bar_sessions.session_loop import run
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.engine.bar_sessions.setups import History
from tradewinds.families.equities_intraday.session_rules import cutoff_of, rules_of

EPOCH = dt.date(1970, 1, 1)


def minute_bars(world, sessions, config):
    """Return the world's good bars as columns; what is thrown away is decided by the naive engine's rules."""
    minutes = config["bars"]["minutes"]
    sessions = [Session(*session) for session in sessions]
    symbols = sorted(world)
    first_row, rows = [0], []
    for symbol in symbols:
        kept, _, _ = sort_out(world[symbol], sessions, config)
        for session in sessions:
            for bar in kept[session.date]:
                prices = [int(price * MICRO) for price in (bar.open, bar.high, bar.low, bar.close)]
                volume = UNKNOWN_VOLUME if bar.volume is None else int(bar.volume)
                rows.append([(bar.start - session.open_ts) // 60, *prices, volume])
            first_row.append(len(rows))
    columns = np.array(rows, np.int64).reshape(-1, 6).T.copy()
    return MinuteBars(
        symbols=tuple(symbols),
        days=np.array([(session.date - EPOCH).days for session in sessions], np.int64),
        open_ts=np.array([session.open_ts for session in sessions], np.int64),
        close_ts=np.array([session.close_ts for session in sessions], np.int64),
        first_row=np.array(first_row, np.int64),
        minute=columns[0].astype(np.int32),
        open=columns[1].copy(),
        high=columns[2].copy(),
        low=columns[3].copy(),
        close=columns[4].copy(),
        volume=columns[5].copy(),
        bar_minutes=minutes,
    )


def amount(micro):
    return Fraction(micro, MICRO)


def splits_of(actions):
    """Return {symbol: ((day, ratio), …)} of the naive engine's table {symbol: [(ex-date, ratio), …]}."""
    return {
        symbol: tuple(((date - EPOCH).days, Fraction(str(ratio))) for date, ratio in sorted(rows))
        for symbol, rows in (actions or {}).items()
    }


def engine_results(world, sessions, config, actions=None):
    """Run the product's engine and return its results as dictionaries."""
    bars = minute_bars(world, sessions, config)
    dates = [EPOCH + dt.timedelta(days=day) for day in bars.days.tolist()]
    first = sum(date < config["date_start_local"] for date in dates)
    end = sum(date <= config["date_end_local"] for date in dates)
    rules = rules_of(config, splits_of(actions))
    result = run(History(bars, rules.splits), rules, cutoff_of(config, bars, "America/New_York"), first, end)
    result.journal("ORB_BREAK").check(
        rules.start_micro * result.accounts, int(result.cash[-1].sum()) if end > first else rules.start_micro
    )
    trades = [trade_fields(result, number, dates) for number in range(len(result.trades))]
    days = {}
    for symbol, name in enumerate(bars.symbols):
        for session in range(first, end):
            k = symbol * len(dates) + session
            reason = result.setups.reasons[k]
            if reason != "NO_BARS":
                days[dates[session], name] = day_fields(result, k, session)
    breaks = [
        (bars.symbols[symbol], dates[session], ts, direction, ANSWER_NAMES[answer])
        for symbol, session, ts, direction, answer, _, _ in result.break_rows.tolist()
    ]
    return {
        "trades": trades,
        "refusals": dict(result.refusals + result.unfit_sessions),
        "days": days,
        "breaks": breaks,
        "cash": [[amount(cash) for cash in row] for row in result.cash.tolist()],
        "extra": {
            "ambiguous_bars": result.ambiguous_bars,
            "stale_exits": result.stale_exits,
            "cash": amount(int(result.cash[-1].sum())),
        },
    }


ANSWER_NAMES = (
    *("", "TIME_CUTOFF", "SESSION_END", "MAX_SIGNALS", "LOCKOUT", "DAILY_LOSS", "SCORE", "BAD_STOP"),
    *("MAX_POSITIONS", "SIZE_ZERO", "LIQUIDITY"),
)


def trade_fields(result, number, dates):
    """Return one trade in the fields of the naive engine's."""
    trade = result.trades[number]
    legs = [row for row in result.leg_rows.tolist() if row[0] == number][1:]
    relative = result.setups.rel_volume[trade.symbol * len(dates) + trade.session]
    return {
        "symbol": result.bars.symbols[trade.symbol],
        "date": dates[trade.session],
        "direction": trade.direction,
        "bar_ts": trade.bar_ts,
        "entry_ts": trade.entry_ts,
        "raw": amount(trade.raw),
        "fill": amount(trade.fill),
        "stop": amount(trade.stop),
        "risk": amount(trade.risk),
        "quantity": trade.shares,
        "entry_fee": amount(trade.entry_fee),
        "targets": [(amount(price), None) for price in trade.targets],
        "legs": [(abs(shares), amount(raw), EXITS[reason]) for _, _, shares, raw, _, _, reason in legs],
        "whole_legs": [
            (ts, abs(shares), amount(raw), amount(fill), amount(fee), EXITS[reason])
            for _, ts, shares, raw, fill, fee, reason in legs
        ],
        "exit_fill": amount(legs[-1][4]),
        "exit_reason": EXITS[trade.exit_reason],
        "exit_ts": trade.exit_ts,
        "pnl": amount(trade.pnl),
        "r": trade.r,
        "r_gross": trade.r_gross,
        "best": amount(trade.best),
        "worst": amount(trade.worst),
        "score": Fraction(trade.score, 100_000_000),
        "relative_volume": relative,
    }


def day_fields(result, k, session):
    """Return one (symbol, session) in the fields of the naive engine's table."""
    setups = result.setups
    high, low, first_open, last_close, volume, count = setups.ranges[k].tolist()
    return {
        "minutes": int(setups.minutes[k]),
        "high": amount(high) if count else None,
        "low": amount(low) if count else None,
        "open": amount(first_open) if count else None,
        "close": amount(last_close) if count else None,
        "volume": volume,
        "missing": int(setups.minutes[k]) - count * result.bars.bar_minutes,
        "reason": setups.reasons[k] or None,
        "relative_volume": setups.rel_volume[k],
        "atr": None if setups.atr[k] < 0 else amount(int(setups.atr[k])),
        "atr5": None if setups.atr5[k] < 0 else amount(int(setups.atr5[k])),
    }
