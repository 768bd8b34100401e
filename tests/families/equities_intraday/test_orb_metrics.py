"""Metrics of the opening-range family, against a second computation with fractions from the loop's rows alone."""

import datetime as dt
import itertools
import math
from collections import Counter
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.families.equities_intraday.replayed_worlds import EPOCH, TIMEZONE, exact, replayed, settings
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.families.equities_intraday.metrics import diagnostics, session_metrics

ZONE = ZoneInfo(TIMEZONE)


def six(value):
    return round(value * 10**6)


def naive(made, symbol=None):
    """Return the metrics in R and counts of a run or of one symbol, from fractions."""
    rows = [trade for trade in made.trades if symbol is None or trade.symbol == symbol]
    rows.sort(key=lambda trade: (trade.exit_ts, trade.symbol))  # stable: in order of entries
    net = [Fraction(trade.pnl, trade.risk * trade.shares) for trade in rows]
    total, peak, fall = Fraction(0), Fraction(0), Fraction(0)
    for value in net:
        total += value
        peak = max(peak, total)
        fall = max(fall, peak - total)
    signs = "".join("+" if value > 0 else "-" if value < 0 else "0" for value in net)
    ordered = sorted(net)
    middle = (ordered[(len(net) - 1) // 2] + ordered[len(net) // 2]) / 2 if net else None
    clocks = [dt.datetime.fromtimestamp(trade.bar_ts, ZONE) for trade in rows]
    wins, losses = [t.pnl for t in rows if t.pnl > 0], [t.pnl for t in rows if t.pnl < 0]
    groups = {
        "by_direction": ["long" if trade.direction > 0 else "short" for trade in rows],
        "by_exit_reason": [EXITS[trade.exit_reason] for trade in rows],
        "by_month": [clock.strftime("%Y-%m") for clock in clocks],
        "by_weekday": [clock.strftime("%A") for clock in clocks],
        "by_half_hour": [f"{clock.hour:02}:{'00' if clock.minute < 30 else '30'}" for clock in clocks],
    }
    return {
        "r": {
            "total_r": sum(net, Fraction(0)),
            "total_r_gross": sum((Fraction(t.gross, t.risk * t.shares) for t in rows), Fraction(0)),
            "average_r": sum(net) / len(net) if net else None,
            "median_r": middle,
            "best_r": max(net, default=None),
            "worst_r": min(net, default=None),
            "max_drawdown_r": fall,
        },
        "counts": {
            "max_win_streak": max(map(len, signs.replace("0", "-").split("-"))),
            "max_loss_streak": max(map(len, signs.replace("0", "+").split("+"))),
            "longs": groups["by_direction"].count("long"),
            "shorts": groups["by_direction"].count("short"),
        },
        "ratios": {
            "win_rate": Fraction(len(wins), len(rows)) if rows else None,
            "profit_factor": Fraction(sum(wins), -sum(losses)) if losses else None,
            "payoff": Fraction(sum(wins), len(wins)) / Fraction(-sum(losses), len(losses)) if wins and losses else None,
            "avg_minutes": Fraction(sum(t.exit_ts - t.entry_ts for t in rows), 60 * len(rows)) if rows else None,
        },
        "groups": {name: by_name(keys, net, rows) for name, keys in groups.items()},
        "pnl": sum(trade.pnl for trade in rows),
    }


def by_name(keys, net, rows):
    found = {}
    for key in set(keys):
        own = [i for i, name in enumerate(keys) if name == key]
        found[key] = (len(own), six(sum(net[i] for i in own)), sum(rows[i].pnl for i in own))
    return found


def agree(found, wanted):
    """Compare the product's metrics with the naive ones."""
    for name, value in wanted["r"].items():
        assert (found[name] is None) == (value is None), name
        assert value is None or exact(found[name]) == six(value), name
    assert found["expectancy_r"] == found["average_r"]
    for name, value in wanted["counts"].items():
        assert found[name] == value, name
    for name, value in wanted["ratios"].items():
        assert (found[name] is None) == (value is None), name
        assert value is None or math.isclose(found[name], value, rel_tol=1e-12), name
    for name, groups in wanted["groups"].items():
        made = {
            key: (row["trades"], exact(row["total_r"]), exact(row["total_pnl_usd"])) for key, row in found[name].items()
        }
        assert made == groups, name


@pytest.mark.parametrize("seed", range(8))
def test_metrics_are_those_of_a_second_computation(seed):
    config, study, made, policies = replayed(seed, changes=settings(seed))
    found = session_metrics(config, study, made, policies)
    agree(found, naive(made))
    assert list(found["symbols"]) == list(made.bars.symbols)
    for symbol, name in enumerate(made.bars.symbols):
        own, wanted = found["symbols"][name], naive(made, symbol)
        agree(own, wanted)
        assert own["num_trades"] == sum(trade.symbol == symbol for trade in made.trades)
        assert exact(own["end_balance_usd"]) - exact(own["start_balance_usd"]) == wanted["pnl"]
        assert exact(own["total_pnl_usd"]) == wanted["pnl"]
        if made.accounts > 1:  # each symbol's own account
            assert exact(own["end_balance_usd"]) == int(made.cash[-1, symbol])
    assert sum(exact(own["total_fees_usd"]) for own in found["symbols"].values()) == int(made.leg_rows[:, 5].sum())
    for name, each in policies.items():
        assert exact(found["total_r_by_policy"][name]) == six(naive(each)["r"]["total_r"])
        assert exact(found["total_pnl_by_policy_usd"][name]) == naive(each)["pnl"]
    assert found["total_r_by_policy"][config["trade"]["intrabar"]] == found["total_r"]


def test_the_sharpe_ratio_of_a_symbol_is_of_all_sessions_without_trades_too():
    config, study, made, policies = replayed(3, changes={"risk.account": "per_symbol"})
    for symbol, own in enumerate(session_metrics(config, study, made, policies)["symbols"].values()):
        equity = [made.start_micro, *made.cash[:, symbol].tolist()]
        returns = [b / a - 1 for a, b in itertools.pairwise(equity)]
        mean = sum(returns) / len(returns)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in returns) / (len(returns) - 1))
        assert len(returns) == made.end - made.first
        assert math.isclose(own["sharpe"], mean / deviation * math.sqrt(252), rel_tol=1e-9)
        peak = deepest = 0
        for value in equity:
            peak = max(peak, value)
            deepest = max(deepest, peak - value)
        assert exact(own["max_drawdown_usd"]) == deepest


def test_without_a_trade_every_undefined_figure_is_null():
    config, study, made, policies = replayed(2, changes={"governance.time_cutoff": "09:31"})
    assert made.trades == []
    found = session_metrics(config, study, made, policies)
    for figures in (found, *found["symbols"].values()):
        undefined = {name for name, value in figures.items() if value is None}
        assert undefined >= {"expectancy_r", "average_r", "median_r", "best_r", "worst_r", "win_rate", "payoff"}
        assert undefined >= {"profit_factor", "avg_minutes", "largest_win_usd", "largest_loss_usd"}
        assert figures["total_r"] == figures["max_drawdown_r"] == 0 and figures["by_month"] == {}
    told = diagnostics(config, study, made, policies)
    assert told["median_risk_usd"] is None and told["risk_is_small"] is False
    assert set(told["rejections"]) == {"TIME_CUTOFF"} and told["rejections"]["TIME_CUTOFF"] == told["breaks"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_diagnostics_count_what_was_left_out(seed):
    changes = {"orb.on_gap": ("warn", "skip", "use")[seed], "orb.min_atr_mult": 0.8, "orb.max_atr_mult": 1.5}
    config, study, made, policies = replayed(seed, changes=changes)
    told, sessions = diagnostics(config, study, made, policies), len(made.bars.days)
    assert told["quarantined"] == {"DUPLICATE": 2, "OHLC_ORDER": 4} and told["zero_volume"] == 4
    reasons, incomplete, bars = Counter(), [], 0
    for symbol, name in enumerate(made.bars.symbols):
        for session in range(made.first, made.end):
            k = symbol * sessions + session
            low, high = made.bars.first_row[k : k + 2].tolist()
            minutes = set(made.bars.minute[low:high].tolist())
            bars += len(minutes)
            if not minutes:
                continue
            reasons[made.setups.reasons[k]] += 1
            if missing := set(range(int(made.setups.minutes[k]))) - minutes:
                date = EPOCH + dt.timedelta(days=int(made.bars.days[session]))
                incomplete.append([name, date.isoformat(), len(missing)])
    assert told["bars"] == bars and told["symbol_sessions"] == sum(reasons.values())
    assert told["opening_ranges"]["incomplete"] == len(incomplete) > 0
    assert told["incomplete_ranges"] == (incomplete if config["orb"]["on_gap"] == "warn" else [])
    untraded = {reason: count for reason, count in reasons.items() if reason}
    assert told["untraded_sessions"] == dict(sorted(untraded.items()))
    judged = reasons[""] + reasons["OR_INVALID"]
    rate = session_metrics(config, study, made, policies)["or_valid_rate"]
    assert reasons["OR_INVALID"] > 0 and rate == reasons[""] / judged
    config["orb"]["enable_validity_filter"] = False
    assert session_metrics(config, study, made, policies)["or_valid_rate"] is None


@pytest.mark.parametrize(("ticks", "small"), [(0, False), (1, False), (10, True)])
def test_a_risk_of_fewer_than_ten_slippages_is_said_to_be_small(ticks, small):
    costs = {"tick": 0.01, "slippage_ticks": ticks, "slippage_bps": 0, "commission_per_share": 0, "min_commission": 0}
    told = diagnostics(*replayed(1, changes={"costs": costs}))
    assert told["median_slippage_usd"] == ticks / 100 and 0.1 < told["median_risk_usd"] < 1
    assert told["risk_is_small"] is small
