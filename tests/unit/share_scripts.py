"""Scripts that the ledger of classes and its naive second implementation follow on the same random worlds."""

import datetime as dt
import random
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from tests.reference.naive_share_steps import exactly
from tests.unit.test_share_ledger import MONDAY
from tradewinds.engine.shares.bars import WHOLE_DAYS
from tradewinds.families.equities_daily.bar_panel import day_of
from tradewinds.strategies.decisions import buy, cancel, limit, sell

MICRO = Decimal("0.000001")


def script_of(seed, log):
    """A function of what is visible, which draws its orders from the seed, and writes to `log` what it saw."""

    def script(date, shares, waiting, cash, reserved):
        log.append((date, shares, waiting, cash, reserved))
        rng = random.Random(f"{seed} {date}")
        wishes = []
        for symbol, (_, close, held, price, _) in shares.items():
            chance = rng.random()
            until = None
            if rng.random() < 0.4:
                until = date + dt.timedelta(days=rng.randrange(1, 6)), rng.randrange(2)
            if chance < 0.07:
                wishes.append(("cancel", symbol))
            elif chance < 0.3 or (held and chance < 0.35):
                sold = rng.choice([None, None, held // 2, held, held * 3 + 1, 0])
                at = (price or close) * Decimal(rng.choice(["0.9", "1", "1.01", "1.05"]))
                at = rng.choice([None, at.quantize(MICRO, ROUND_UP)])
                wishes.append(("sell", symbol, sold, None, at, at and until))
            elif chance < 0.6:
                quantity = rng.choice([None, 0, 1, rng.randrange(2000)])
                value = (
                    None if quantity is not None else Decimal(rng.choice(["0", "12.5", "900", "5000.25", "1000000"]))
                )
                at = (close * Decimal(rng.choice(["0.95", "0.99", "1", "1.01"]))).quantize(MICRO, ROUND_DOWN)
                at = rng.choice([None, at])
                wishes.append(("buy", symbol, quantity, value, at, at and until))
        return wishes

    return script


class Follows:
    """A strategy class's object that follows a script."""

    def __init__(self, script):
        self.script = script

    def on_decision(self, view):
        shares = {
            s.ticker: (s.date, exactly(s.close), round(s.held), exactly(s.price), s.entry_date) for s in view.markets
        }
        waiting = [(o.ticker, o.is_sale, exactly(o.price)) for o in view.orders]
        asked = self.script(view.date, shares, waiting, exactly(view.cash), exactly(view.reserved))
        return [self.order(view, *wish) for wish in asked]

    @staticmethod
    def order(view, kind, symbol, quantity=None, value=None, at=None, until=None):
        if kind == "cancel":
            return cancel(symbol)
        if kind == "buy":
            order = buy(symbol, quantity, value=None if value is None else float(value))
        else:
            order = sell(view.market(symbol), quantity)
        if at is None:
            return order
        if until is not None:
            date, which = until
            until = (WHOLE_DAYS.open_ts, WHOLE_DAYS.close_ts)[which](day_of(date))
        return limit(order, float(at), until)


def random_case(seed):
    """Settings of a run, drawn from a seed."""
    rng = random.Random(seed)
    spans = {}
    for symbol in rng.sample(["S0", "S1", "S2"], rng.randrange(4)):
        days = [MONDAY + dt.timedelta(days=day) for day in sorted(rng.sample(range(126), 4))]
        spans[symbol] = [tuple(days[:2]), tuple(days[2:])]
    return {
        "strategy": rng.choice(["Mean Reversion", "Breakout"]),
        "start": MONDAY + dt.timedelta(days=rng.randrange(41)),
        "end": MONDAY + dt.timedelta(days=rng.randrange(60, 126)),
        "balance": rng.choice([Decimal(1000), Decimal("12345.67"), Decimal(100_000)]),
        "size_pct": rng.choice([Decimal(10), Decimal("33.3"), Decimal(100)]),
        "max_positions": rng.randint(1, 4),
        "commission_pct": rng.choice([Decimal(0), Decimal("0.1"), Decimal("1.25")]),
        "slippage_pct": rng.choice([Decimal(0), Decimal("0.1"), Decimal("0.037")]),
        "min_commission": rng.choice([Decimal(0), Decimal("9.50")]),
        "same_close": rng.random() < 0.5,
        "spans": spans,
        "missing_days": rng.choice([1, 2, 3, 5, 20, None]),
        "volume_share": rng.choice([None, None, Decimal("0.1"), Decimal("0.001"), Decimal("0.000007")]),
    }
