"""A second, deliberately naive implementation of the trading rules: every market at every decision time, in fractions.

Written from the rules alone; it shares no code with the engine (own clocks, windows, fees, limits, equity). Slow and short:
where it and the engine agree, both read the rules the same way.
"""

import bisect
import datetime as dt
import json
import math
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from tests.reference import naive_validations

ZONES = {  # civil zone and standard offset of the series used in tests
    "KXHIGHCHI": ("America/Chicago", -6),
    "KXHIGHMIA": ("America/New_York", -5),
    "KXHIGHNY": ("America/New_York", -5),
    "KXHIGHLAX": ("America/Los_Angeles", -8),
    "KXHIGHTPHX": ("America/Phoenix", -7),
}
DAY = 86_400
ONE = Fraction(1)


def exact(value):
    return None if value is None else Fraction(str(value))


def seconds(moment):
    return int(moment.timestamp())


def fee(multiplier, quantity, price):
    """Order fee in dollars, rounded up to the cent."""
    raw = multiplier * Fraction(7, 100) * quantity * price * (1 - price)
    return Fraction(math.ceil(raw * 100), 100)


def asof(series, day, policy):
    """(day − days_before) at the civil clock's local time; skipped times move on, doubled ones mean the first."""
    hour, minute = map(int, policy["local_time"].split(":"))
    date = day - dt.timedelta(days=policy["days_before"])
    zone = ZoneInfo(ZONES[series][0])
    return int(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=zone, fold=0).timestamp())


class Quote:
    """Top of book at the close of one candle."""

    def __init__(self, row):
        self.end = row["end_period_ts"]
        self.bid, self.ask = exact(row["yes_bid_close"]), exact(row["yes_ask_close"])
        self.volume = exact(row["volume"])
        self.crossed = self.bid is not None and self.ask is not None and self.bid > self.ask

    def yes_ask(self):
        usable = not self.crossed and self.ask is not None and 0 < self.ask < 1
        return self.ask if usable else None

    def no_ask(self):
        usable = not self.crossed and self.bid is not None and 0 < self.bid < 1
        return 1 - self.bid if usable else None


class Market:
    def __init__(self, config, series, day, row, p_yes, candles):
        self.ticker, self.event, self.series = row["market_ticker"], row["event_ticker"], series
        self.key = (series, day)
        self.result = row["result"]
        self.p = p_yes
        self.multiplier = ONE if row["fee_multiplier"] is None else exact(row["fee_multiplier"])
        opened, closed = seconds(row["open_time"]), seconds(row["close_time"])
        self.settles = closed if row["settlement_ts"] is None else seconds(row["settlement_ts"])
        self.pays = {"yes": ONE, "no": Fraction(0), "scalar": exact(row["settlement_value"])}.get(self.result)
        self.start = max(opened, asof(series, day, config["asof_policy"]))
        self.end = min(closed, self.settles)
        if config["trade_window_policy"] == "station_day_end":
            midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
            self.end = min(self.end, midnight - ZONES[series][1] * 3600 + DAY)
        trade_only = config["candles"]["window_policy"] == "TRADE_WINDOW_ONLY"
        earliest = self.start if trade_only else opened
        self.candles = sorted((Quote(r) for r in candles if r["end_period_ts"] >= earliest), key=lambda q: q.end)
        self.ends = [q.end for q in self.candles]

    def quote(self, t, max_age_minutes):
        """The last candle with end ≤ t, if it is not too old."""
        known = bisect.bisect_right(self.ends, t)
        if not known or (max_age_minutes and t - self.ends[known - 1] > max_age_minutes * 60):
            return None
        return self.candles[known - 1]


class NaiveRun:
    """Everything a run results in, found the slow way."""

    def __init__(self, config, catalogs, candles, probabilities, climate=()):
        self.config, self.risk = config, config["risk"]
        self.cash = exact(self.risk["start_balance_usd"])
        self.start_balance = self.cash
        self.rejections, self.skipped, self.trades = Counter(), {}, []
        self.open = []  # trades not settled yet
        self.scored = []
        self.failed = Counter()  # events by validation
        self.highs = naive_validations.final_highs(climate)
        p_rows = {r["market_ticker"]: r for r in pq.read_table(probabilities).to_pylist()}
        self.markets = self._load(catalogs, candles, p_rows)

    def _load(self, catalogs, candles, p_rows):
        replayed = []
        for series in self.config["series_tickers"]:
            listed = defaultdict(list)
            for row in pq.read_table(catalogs[series]).to_pylist():
                listed[row["climate_date"]].append(row)
            day = self.config["date_start_local"]
            while day <= self.config["date_end_local"]:
                replayed += self._event(series, day, listed[day], candles[series, day], p_rows)
                day += dt.timedelta(days=1)
        return sorted(replayed, key=lambda m: m.ticker)

    def _event(self, series, day, rows, path, p_rows):
        if not all(naive_validations.is_of(series, day, row["event_ticker"]) for row in rows):
            self.skipped[series, day] = "DATE_MAPPING"  # so there is no as-of time, no window, and nothing to score
            return []
        p_yes = {ticker: exact(row["p_yes"]) for ticker, row in p_rows.items()}
        table = pq.read_table(path).to_pylist() if Path(path).exists() else []
        by_market = defaultdict(list)
        for row in table:
            by_market[row["market_ticker"]].append(row)
        markets = [
            Market(self.config, series, day, r, p_yes.get(r["market_ticker"]), by_market[r["market_ticker"]])
            for r in rows
        ]
        self.scored += [
            (m.ticker, m.p, m.result == "yes") for m in markets if m.p is not None and m.result in ("yes", "no")
        ]
        reason = (
            "NO_EVENT"
            if not markets
            else "UNSETTLED"
            if any(m.pays is None for m in markets)
            else "MISSING_QUOTES"
            if not table
            else "MISSING_PROBABILITIES"
            if all(m.p is None for m in markets)
            else self._quarantine(series, day, rows, p_rows, table, path)
        )
        if reason:
            self.skipped[series, day] = reason
            return []
        for m in markets:
            if m.p is None:
                self.rejections["NO_PROBABILITY"] += 1
            elif m.start >= m.end:
                self.rejections["EMPTY_WINDOW"] += 1
        return markets

    def _quarantine(self, series, day, rows, p_rows, candles, path):
        """The reason of the first validation that fails and is not only told."""
        asof_ts = asof(series, day, self.config["asof_policy"])
        known = [p_rows[r["market_ticker"]] for r in rows if r["market_ticker"] in p_rows]
        said = json.loads(pq.read_metadata(path).metadata[b"tradewinds"])
        report = self.highs.get((naive_validations.STATIONS[series], day))
        failed = naive_validations.failures(self.config, series, day, asof_ts, rows, known, candles, said, report)
        self.failed.update(failed)
        rule = self.config["on_missing"]["validation"]
        told = {name: rule if isinstance(rule, str) else rule.get(name, "skip") for name in failed}
        return next((f"VALIDATION:{name}" for name in failed if told[name] == "skip"), None)

    def tradable(self):
        return [m for m in self.markets if m.p is not None and m.start < m.end]

    def run(self):
        step = self.config["cadence_minutes"] * 60
        able = self.tradable()
        if able:
            t = -(-min(m.start for m in able) // step) * step
            while t < max(m.end for m in able):
                self.settle(t)
                self.decide(t, [m for m in able if m.start <= t < m.end])
                t += step
        self.settle(math.inf)
        return self

    def settle(self, t):
        due = sorted(
            (x for x in self.open if x["market"].settles <= t), key=lambda x: (x["market"].settles, x["market"].ticker)
        )
        for trade in due:
            trade["payout"] = trade["qty"] * self.payout(trade)
            self.cash += trade["payout"]
            self.open.remove(trade)

    @staticmethod
    def payout(trade):
        return trade["market"].pays if trade["side"] == "BUY_YES" else 1 - trade["market"].pays

    def decide(self, t, markets):
        equity = self.cash + sum(x["qty"] * x["price"] for x in self.open)
        wishes = []
        for m in markets:
            quote = m.quote(t, self.config["max_quote_age_minutes"])
            if quote is None:
                continue
            if quote.crossed:
                self.rejections["CROSSED_QUOTE"] += 1
                continue
            sides = [
                self.wish(m, side, p, ask, equity)
                for side, p, ask in (
                    ("BUY_YES", m.p, quote.yes_ask()),
                    ("BUY_NO", 1 - m.p, quote.no_ask()),
                )
            ]
            good = [s for s in sides if s]
            if good:
                best = max(good, key=lambda s: s[0])  # of equal ones the first: YES
                wishes.append((-best[0], m.ticker, m, quote, *best[1:]))
        for _, _, m, quote, side, p, ask, quantity in sorted(wishes, key=lambda w: w[:2]):
            self.order(t, m, quote, side, p, ask, quantity)

    def wish(self, m, side, p, ask, equity):
        """(net EV, side, p, ask, quantity) if the side is a candidate."""
        if ask is None:
            return None
        quantity = self.size(p, ask, equity)
        if quantity < 1:
            return None
        net = p - ask - fee(m.multiplier, quantity, ask) / quantity
        return (net, side, p, ask, quantity) if net > exact(self.risk["min_ev_per_contract"]) else None

    def size(self, p, ask, equity):
        if self.risk["sizing"] == "fixed_qty":
            return self.risk["fixed_qty"]
        if self.risk["sizing"] == "ev_proportional":
            edge = p - ask - Fraction(7, 100) * ask * (1 - ask)
            return math.floor(exact(self.risk["contracts_per_dollar_ev"]) * edge)
        return math.floor(exact(self.risk["kelly_fraction"]) * (p - ask) / (1 - ask) * equity / ask)

    def order(self, t, m, quote, side, p, ask, quantity):
        reason, quantity = self.limited(t, m, quote, side, ask, quantity)
        if reason is None:
            cost = fee(m.multiplier, quantity, ask)
            if p - ask - cost / quantity > exact(self.risk["min_ev_per_contract"]):
                return self.fill(t, m, quote, side, p, ask, quantity, cost)
            reason = "EV_THRESHOLD"
        self.rejections[reason] += 1
        return None

    def limited(self, t, m, quote, side, ask, quantity):
        risk = self.risk
        mine = [x for x in self.open if x["market"] is m]
        event = [x for x in self.open if x["market"].key == m.key]
        if not risk["allow_opposing"] and any(x["side"] != side for x in mine):
            return "OPPOSING_POSITION", 0
        if risk["max_volume_share"] is not None:
            bought = sum(x["qty"] for x in self.trades if x["market"] is m and x["quote_ts"] == quote.end)
            quantity = min(quantity, math.floor(exact(risk["max_volume_share"]) * quote.volume) - bought)
            if quantity <= 0:
                return "LIQUIDITY", 0
        for reason, limit, held in (
            ("MAX_CONTRACTS_PER_MARKET", risk["max_contracts_per_market"], mine),
            ("MAX_CONTRACTS_PER_EVENT", risk["max_contracts_per_event"], event),
            ("MAX_TOTAL_OPEN_CONTRACTS", risk["max_total_open_contracts"], self.open),
        ):
            if limit is not None:
                quantity = min(quantity, limit - sum(x["qty"] for x in held))
                if quantity <= 0:
                    return reason, 0
        if risk["max_notional_per_event_usd"] is not None:
            room = exact(risk["max_notional_per_event_usd"]) - sum(x["qty"] * x["price"] for x in event)
            quantity = min(quantity, math.floor(room / ask))
            if quantity <= 0:
                return "MAX_NOTIONAL_PER_EVENT_USD", 0
        if risk["max_trades_per_event_per_day"] is not None:
            today = [
                x
                for x in self.trades
                if x["market"].key == m.key and self.civil(m, x["decision_ts"]) == self.civil(m, t)
            ]
            if len(today) >= risk["max_trades_per_event_per_day"]:
                return "MAX_TRADES_PER_EVENT_PER_DAY", 0
        while quantity and quantity * ask + fee(m.multiplier, quantity, ask) > self.cash:
            quantity -= 1
        return (None, quantity) if quantity else ("INSUFFICIENT_CASH", 0)

    @staticmethod
    def civil(m, t):
        return dt.datetime.fromtimestamp(t, ZoneInfo(ZONES[m.series][0])).date()

    def fill(self, t, m, quote, side, p, ask, quantity, cost):
        self.cash -= quantity * ask + cost
        assert self.cash >= 0
        trade = {
            "market": m,
            "side": side,
            "qty": quantity,
            "price": ask,
            "fee": cost,
            "decision_ts": t,
            "quote_ts": quote.end,
            "gross": p - ask,
            "net": p - ask - cost / quantity,
        }
        self.trades.append(trade)
        self.open.append(trade)

    def equity_points(self):
        """Start, every 00:00Z inside, every settlement instant, the end: after settlements, before decisions."""
        able = self.tradable()
        if not able:
            return []
        start = min(m.start for m in able)
        settled = {m.settles for m in self.markets}
        end = max(settled)
        times = {start, end} | {s for s in settled if s >= start}
        times |= set(range(-(-start // DAY) * DAY, end, DAY))
        return [(t, *self.worth(t)) for t in sorted(times)]

    def worth(self, t):
        done = [x for x in self.trades if x["decision_ts"] < t]
        paid = sum(x["payout"] for x in done if x["market"].settles <= t)
        cash = self.start_balance - sum(x["qty"] * x["price"] + x["fee"] for x in done) + paid
        value = Fraction(0)
        for x in done:
            if x["market"].settles > t:
                quote = x["market"].quote(t, self.config["max_quote_age_minutes"])
                if quote:
                    other = quote.no_ask() if x["side"] == "BUY_YES" else quote.yes_ask()
                    value += x["qty"] * (1 - other) if other is not None else 0
        return cash, value
