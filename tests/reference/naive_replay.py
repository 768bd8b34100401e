"""A second, naive implementation of a whole run of temperature events: every market at every decision time, in fractions.

It is written from the trading rules (docs/trading-rules.md) alone and shares no code with the product: clocks, windows, fees,
limits and equity are its own. It is slow and short. Where it and the product agree, both read the rules in the same way.
"""

import bisect
import csv
import datetime as dt
import functools
import itertools
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from tests.reference import naive_validations
from tests.reference.fast_fractions import Fraction
from tests.reference.parquet_rows import rows_of

ZONES = {  # time zone, and hours of its standard time from UTC, of the series that tests use
    "KXHIGHCHI": ("America/Chicago", -6),
    "KXHIGHMIA": ("America/New_York", -5),
    "KXHIGHNY": ("America/New_York", -5),
    "KXHIGHLAX": ("America/Los_Angeles", -8),
    "KXHIGHTPHX": ("America/Phoenix", -7),
}
DAY = 86_400
ONE = Fraction(1)


@functools.cache  # the same few limits and prices are asked for at every minute
def exact(value):
    """Convert a number to an exact fraction; None stays None."""
    return None if value is None else Fraction(str(value))


def next_second(moment):
    """Convert an instant to Unix seconds; a fraction counts as the next second."""
    return math.ceil(Fraction(moment.microsecond, 10**6)) + int(moment.replace(microsecond=0).timestamp())


def this_second(moment):
    """Convert an instant to Unix seconds; a fraction is dropped."""
    return int(moment.replace(microsecond=0).timestamp())


@functools.cache
def fee(multiplier, quantity, price):
    """Return the fee of an order in dollars, rounded up to the cent.

    Args:
        multiplier: fee multiplier of the market.
        quantity: contracts.
        price: price of one contract in dollars.
    """
    raw = multiplier * Fraction(7, 100) * quantity * price * (1 - price)
    return Fraction(math.ceil(raw * 100), 100)


def fee_of_units(multiplier, units):
    """Return the fee in dollars of one order for single contracts at these prices, rounded up to the cent."""
    raw = sum(multiplier * Fraction(7, 100) * price * (1 - price) for price in units)
    return Fraction(math.ceil(raw * 100), 100)


def books_by_market(path):
    """Read a CSV of order books: by ticker, the books in order of time."""
    rows = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(Path(path).read_text().splitlines()):
        known_at = next_second(dt.datetime.fromisoformat(row["known_at_utc"]))
        rows[row["market_ticker"]][known_at].append(row)
    return {ticker: [BookQuote(*one) for one in sorted(found.items())] for ticker, found in rows.items()}


def asof(series, day, policy):
    """Return the as-of time of an event in Unix seconds: `local_time` of the civil clock, `days_before` days before its date.

    A time that the change of the clocks skips is moved on; of a time that occurs twice it is the first.
    """
    hour, minute = map(int, policy["local_time"].split(":"))
    date = day - dt.timedelta(days=policy["days_before"])
    zone = ZoneInfo(ZONES[series][0])
    return int(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=zone, fold=0).timestamp())


class Quote:
    """Best bid and ask of YES at the end of one candle, from a row of the candle file."""

    def __init__(self, row):
        self.end = row["end_period_ts"]
        self.bid, self.ask = exact(row["yes_bid_close"]), exact(row["yes_ask_close"])
        self.volume = exact(row["volume"])
        self.crossed = self.bid is not None and self.ask is not None and self.bid > self.ask

    def yes_ask(self):
        """Return the price of a YES in dollars; None if it cannot be bought."""
        usable = not self.crossed and self.ask is not None and 0 < self.ask < 1
        return self.ask if usable else None

    def no_ask(self):
        """Return the price of a NO in dollars; None if it cannot be bought."""
        usable = not self.crossed and self.bid is not None and 0 < self.bid < 1
        return 1 - self.bid if usable else None


class BookQuote:
    """An order book, from the rows of a user's file: the price of every single contract of both sides, the cheapest first."""

    crossed = False

    def __init__(self, known_at, rows):
        self.end = known_at
        self.units = {"BUY_YES": [], "BUY_NO": []}
        for row in rows:
            price, size = exact(row["price"]), math.floor(exact(row["size"]))
            side = "BUY_YES" if row["side"] in ("no", "ask") else "BUY_NO"
            # a bid for one side is an offer of the other at the rest of a dollar
            self.units[side] += [price if row["side"] == "ask" else 1 - price] * size
        for units in self.units.values():
            units.sort()

    def yes_ask(self):
        """Return the lowest price of a YES in dollars; None if there is none."""
        return min(self.units["BUY_YES"], default=None)

    def no_ask(self):
        """Return the lowest price of a NO in dollars; None if there is none."""
        return min(self.units["BUY_NO"], default=None)


class NaiveMarket:
    """One market of an event: its probability, trade window, settlement and quotes.

    Args:
        config: a resolved config.
        series: ticker of the series.
        day: climate date of the event.
        row: row of the catalog.
        p_rows: rows of the market's probabilities.
        candles: rows of the market's candles.
        books: its order books, which are its quotes from the first one on.
    """

    def __init__(self, config, series, day, row, p_rows, candles, books=()):
        self.ticker, self.event, self.series = row["market_ticker"], row["event_ticker"], series
        self.key = (series, day)
        self.result = row["result"]
        self.multiplier = ONE if row["fee_multiplier"] is None else exact(row["fee_multiplier"])
        opened, closed = next_second(row["open_time"]), this_second(row["close_time"])
        self.settles = next_second(row["settlement_ts"] or row["close_time"])
        self.pays = {"yes": ONE, "no": Fraction(0), "scalar": exact(row["settlement_value"])}.get(self.result)
        self.start = max(opened, asof(series, day, config["asof_policy"]))
        self.end = min(closed, self.settles)
        if config["trade_window_policy"] == "station_day_end":
            midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
            self.end = min(self.end, midnight - ZONES[series][1] * 3600 + DAY)
        # the last probability known at the window's start, and those that become known in it; with one as-of time there is
        # one, which is in force even if it was known later (a validation looks at that)
        known = sorted(((p["known_at_ts"], exact(p["p_yes"])) for p in p_rows), key=lambda one: one[0])
        if not naive_validations.is_latest(config):
            known = [(-math.inf, p) for _, p in known]
        self.timeline = [one for one in known if one[0] <= self.start][-1:]
        self.begins = self.start if self.timeline else None
        self.timeline += [one for one in known if self.start < one[0] < self.end]
        self.p = self.timeline[0][1] if self.timeline else None
        if self.begins is None and self.timeline:
            self.begins = self.timeline[0][0]
        trade_only = config["candles"]["window_policy"] == "TRADE_WINDOW_ONLY"
        earliest = self.start if trade_only else opened
        self.candles = sorted((Quote(r) for r in candles if r["end_period_ts"] >= earliest), key=lambda q: q.end)
        books = [book for book in books if book.end >= earliest]
        if books:
            self.candles = [q for q in self.candles if q.end < books[0].end] + books
        self.ends = [q.end for q in self.candles]

    def p_at(self, t):
        """Return P(YES) in force at an instant: the last one known by then; None before the first."""
        return next((p for known_at, p in reversed(self.timeline) if known_at <= t), None)

    def quote(self, t, max_age_minutes):
        """Return the quote in force at an instant: the last candle with end ≤ t; None without one or if it is too old."""
        known = bisect.bisect_right(self.ends, t)
        if not known or (max_age_minutes and t - self.ends[known - 1] > max_age_minutes * 60):
            return None
        return self.candles[known - 1]


def ladders_of(markets):
    """Return the probabilities of an event's markets at every whole minute from when all have one until the last change."""
    if any(m.p is None for m in markets):
        return []
    first = max(m.begins for m in markets)
    last = max(first, *(known_at for m in markets for known_at, _ in m.timeline))
    first = -(-first // 60) * 60
    return [[m.p_at(t) for m in markets] for t in range(first, max(first, last + 59) + 1, 60)]


class NaiveRun:
    """One run over the files of a config; `run` replays it.

    Args:
        config: a resolved config.
        catalogs: path of each series' catalog.
        candles: path of each (series, date)'s candle file.
        probabilities: path of the table of probabilities.
        climate: paths of climate reports.

    Attributes:
        trades: filled orders as dicts, in order of time; `closings` are the payments (instant, contracts, dollars each).
        rejections: number of refused orders by reason.
        skipped: reason of each skipped (series, date).
        scored: (ticker, P(YES), whether YES won) of every market with a probability and a yes/no result.
        failed: number of events that failed each validation.
    """

    def __init__(self, config, catalogs, candles, probabilities, climate=()):
        self.config, self.risk = config, config["risk"]
        self.cash = exact(self.risk["start_balance_usd"])
        self.start_balance = self.cash
        self.rejections, self.skipped, self.trades = Counter(), {}, []
        self.open = []  # trades not settled yet
        self.scored = []
        self.failed = Counter()  # events by validation
        self.judged = {}  # by ticker, (quote, equity, candidates) of the latest decision
        levels = (config.get("liquidity") or {}).get("levels")
        self.books = books_by_market(levels) if levels else {}
        self.highs = naive_validations.final_highs(climate)
        p_rows = defaultdict(list)
        for row in rows_of(probabilities):
            p_rows[row["market_ticker"]].append(row)
        self.markets = self._load(catalogs, candles, p_rows)

    def _load(self, catalogs, candles, p_rows):
        """Return the markets of all events that are replayed, by ticker."""
        replayed = []
        for series in self.config["series_tickers"]:
            listed = defaultdict(list)
            for row in rows_of(catalogs[series]):
                listed[row["climate_date"]].append(row)
            day = self.config["date_start_local"]
            while day <= self.config["date_end_local"]:
                replayed += self._event(series, day, listed[day], candles[series, day], p_rows)
                day += dt.timedelta(days=1)
        return sorted(replayed, key=lambda m: m.ticker)

    def _event(self, series, day, rows, path, p_rows):
        """Return the markets of one event; an empty list if the event is skipped."""
        if not all(naive_validations.is_of(series, day, row["event_ticker"]) for row in rows):
            self.skipped[series, day] = "DATE_MAPPING"  # without a date there is no as-of time, no window and no score
            return []
        # its markets
        table = rows_of(path) if Path(path).exists() else []
        by_market = defaultdict(list)
        for row in table:
            by_market[row["market_ticker"]].append(row)
        markets = [
            NaiveMarket(
                *(self.config, series, day, r, p_rows.get(r["market_ticker"], []), by_market[r["market_ticker"]]),
                books=self.books.get(r["market_ticker"], ()),
            )
            for r in rows
        ]
        # the forecast is scored whether or not the event is replayed
        self.scored += [
            (m.ticker, m.p, m.result == "yes") for m in markets if m.p is not None and m.result in ("yes", "no")
        ]
        # the first reason that keeps the event out
        reason = (
            "NO_EVENT"
            if not markets
            else "UNSETTLED"
            if any(m.pays is None for m in markets)
            else "MISSING_QUOTES"
            if not table
            else "MISSING_PROBABILITIES"
            if all(m.p is None for m in markets)
            else self._quarantine(series, day, rows, markets, p_rows, table, path)
        )
        if reason:
            self.skipped[series, day] = reason
            return []
        # markets that are not traded
        for m in markets:
            if m.p is None:
                self.rejections["NO_PROBABILITY"] += 1
            elif m.start >= m.end:
                self.rejections["EMPTY_WINDOW"] += 1
            elif any(t % (self.config["cadence_minutes"] * 60) == 0 for t in range(m.start, min(m.begins, m.end))):
                self.rejections["NO_PROBABILITY"] += 1  # at its first decision times
        return markets

    def _quarantine(self, series, day, rows, markets, p_rows, candles, path):
        """Return the reason of the first failed validation that skips the event; None if there is none."""
        asof_ts = asof(series, day, self.config["asof_policy"])
        known = [p for r in rows for p in p_rows.get(r["market_ticker"], [])]
        meta = json.loads(pq.read_metadata(path).metadata[b"tradewinds"])
        report = self.highs.get((naive_validations.STATIONS[series], day))
        failed = naive_validations.failures(
            self.config, series, day, asof_ts, rows, known, candles, meta, report, ladders_of(markets)
        )
        self.failed.update(failed)
        rule = self.config["on_missing"]["validation"]
        actions = {name: rule if isinstance(rule, str) else rule.get(name, "skip") for name in failed}
        return next((f"VALIDATION:{name}" for name in failed if actions[name] == "skip"), None)

    def tradable(self):
        """Return the markets with a probability and a trade window."""
        return [m for m in self.markets if m.p is not None and m.start < m.end]

    def run(self):
        """Go through all decision times, then settle everything; returns self."""
        step = self.config["cadence_minutes"] * 60
        able = self.tradable()
        if able:
            t = -(-min(m.begins for m in able) // step) * step
            while t < max(m.end for m in able):
                self.settle(t)
                self.decide(t, [m for m in able if m.begins <= t < m.end])
                t += step
        self.settle(math.inf)
        return self

    def settle(self, t):
        """Pay out every open trade whose market settles at `t` or before."""
        due = sorted(
            (x for x in self.open if x["market"].settles <= t), key=lambda x: (x["market"].settles, x["market"].ticker)
        )
        for trade in due:
            self.close(trade, trade["left"], self.payout(trade), trade["market"].settles, trade["market"].result)
            self.open.remove(trade)

    def close(self, trade, quantity, each, t, result):
        """Pay some contracts of a trade, each a number of dollars; the last payment names the trade's result and end."""
        trade["left"] -= quantity
        trade["payout"] += quantity * each
        trade["closings"].append((t, quantity, each))
        trade["result"], trade["ended"] = result, t
        self.cash += quantity * each

    def net(self, t, trade):
        """Close a new trade's contracts against those of the other side, the oldest first: a pair is worth a dollar."""
        for other in [x for x in self.open if x["market"] is trade["market"] and x["side"] != trade["side"]]:
            pairs = min(other["left"], trade["left"])
            if pairs:
                self.close(other, pairs, 1 - trade["price"], t, "netted")
                self.close(trade, pairs, trade["price"], t, "netted")
        self.open = [x for x in self.open if x["left"]]

    @staticmethod
    def payout(trade):
        """Return what one contract of a trade pays at settlement, in dollars."""
        return trade["market"].pays if trade["side"] == "BUY_YES" else 1 - trade["market"].pays

    def decide(self, t, markets):
        """Choose an order per market, then place the orders: highest net expected value first, then by ticker."""
        equity = self.cash + sum(x["left"] * x["price"] for x in self.open)
        orders = []
        for m in markets:
            quote = m.quote(t, self.config["max_quote_age_minutes"])
            if quote is None:
                continue
            if quote.crossed:
                self.rejections["CROSSED_QUOTE"] += 1
                continue
            seen, p_now = self.judged.get(m.ticker), m.p_at(t)
            if seen is None or seen[0] is not quote or seen[1] != (equity, p_now):  # an order depends on nothing else
                sides = (("BUY_YES", p_now, quote.yes_ask()), ("BUY_NO", 1 - p_now, quote.no_ask()))
                found = [self.candidate(m, side, p, ask, equity) for side, p, ask in sides]
                seen = self.judged[m.ticker] = (quote, (equity, p_now), [candidate for candidate in found if candidate])
            candidates = seen[2]
            if candidates:
                net, *order = max(candidates, key=lambda candidate: candidate[0])  # of equal ones the first: YES
                orders.append((-net, m.ticker, m, quote, *order))
        for _, _, m, quote, side, p, ask, quantity in sorted(orders, key=lambda order: order[:2]):
            self.order(t, m, quote, side, p, ask, quantity)

    def candidate(self, m, side, p, ask, equity):
        """Return (net expected value, side, p, ask, quantity) of an order; None if it is not worth placing.

        Args:
            m: the market.
            side: BUY_YES or BUY_NO.
            p: probability that the side wins.
            ask: price of one contract in dollars; None if it cannot be bought.
            equity: cash plus the entry cost of open trades, in dollars.
        """
        if ask is None:
            return None
        quantity = self.size(p, ask, equity)
        if quantity < 1:
            return None
        net = p - ask - fee(m.multiplier, quantity, ask) / quantity
        return (net, side, p, ask, quantity) if net > exact(self.risk["min_ev_per_contract"]) else None

    def size(self, p, ask, equity):
        """Return the contracts to order; below 1 for none."""
        if self.risk["sizing"] == "fixed_qty":
            return self.risk["fixed_qty"]
        if self.risk["sizing"] == "ev_proportional":
            edge = p - ask - Fraction(7, 100) * ask * (1 - ask)
            return math.floor(exact(self.risk["contracts_per_dollar_ev"]) * edge)
        return math.floor(exact(self.risk["kelly_fraction"]) * (p - ask) / (1 - ask) * equity / ask)

    def order(self, t, m, quote, side, p, ask, quantity):
        """Fill an order as far as the limits allow, or count its refusal."""
        units = self.units(m, quote, side, p) if isinstance(quote, BookQuote) else None
        reason, quantity = self.limited(t, m, quote, side, ask, quantity, units)
        if reason is None:
            units = [ask] * quantity if units is None else units[:quantity]
            if p - (sum(units) + fee_of_units(m.multiplier, units)) / quantity > exact(
                self.risk["min_ev_per_contract"]
            ):
                return self.fill(t, m, quote, side, p, units)
            reason = "EV_THRESHOLD"
        self.rejections[reason] += 1
        return None

    def units(self, m, book, side, p):
        """Return the single contracts of a book that are not taken and worth their price and their fee before rounding."""
        taken = sum(
            x["qty"] for x in self.trades if x["market"] is m and x["side"] == side and x["quote_ts"] == book.end
        )
        least, rate = exact(self.risk["min_ev_per_contract"]), m.multiplier * Fraction(7, 100)
        left = itertools.groupby(book.units[side][taken:])  # by price
        return [price for each, same in left if p - each - rate * each * (1 - each) > least for price in same]

    def limited(self, t, m, quote, side, ask, quantity, units):
        """Apply the limits to an order, in their order; `units` are the contracts of a book that it may have.

        Returns:
            (None, contracts that are left), or (reason of the refusal, 0).
        """
        risk = self.risk
        opposing = sum(x["left"] for x in self.open if x["market"] is m and x["side"] != side)
        if risk["allow_opposing"] is False and opposing:
            return "OPPOSING_POSITION", 0
        # no more than a book shows, or of one candle no more than a share of its volume
        if units is not None:
            quantity = min(quantity, len(units))
            if quantity <= 0:
                return "ORDER_BOOK", 0
        elif risk["max_volume_share"] is not None:
            bought = sum(x["qty"] for x in self.trades if x["market"] is m and x["quote_ts"] == quote.end)
            quantity = min(quantity, math.floor(exact(risk["max_volume_share"]) * quote.volume) - bought)
            if quantity <= 0:
                return "LIQUIDITY", 0
        # pairs with the other side are free of the limits on what is held; the rest meets what the pairs leave
        free = min(quantity, opposing) if risk["allow_opposing"] is True else 0
        rest, held = quantity - free, self.held_after(m, side, free)
        # open contracts
        for reason, limit, counted in (
            ("MAX_CONTRACTS_PER_MARKET", risk["max_contracts_per_market"], lambda other: other is m),
            ("MAX_CONTRACTS_PER_EVENT", risk["max_contracts_per_event"], lambda other: other.key == m.key),
            ("MAX_TOTAL_OPEN_CONTRACTS", risk["max_total_open_contracts"], lambda other: True),
        ):
            if limit is not None:
                rest = max(0, min(rest, limit - sum(n for other, n, _ in held if counted(other))))
                if free + rest == 0:
                    return reason, 0
        # entry cost of the event's open contracts
        if risk["max_notional_per_event_usd"] is not None:
            cost = sum(n * price for other, n, price in held if other.key == m.key)
            room = exact(risk["max_notional_per_event_usd"]) - cost
            rest = max(0, min(rest, math.floor(room / ask))) if units is None else rest
            while units is not None and rest and sum(units[free : free + rest]) > room:
                rest -= 1
            if free + rest == 0:
                return "MAX_NOTIONAL_PER_EVENT_USD", 0
        quantity = free + rest
        # orders of the event on the civil day
        if risk["max_trades_per_event_per_day"] is not None:
            today = [
                x
                for x in self.trades
                if x["counts"] and x["market"].key == m.key and self.civil(m, x["decision_ts"]) == self.civil(m, t)
            ]
            if len(today) >= risk["max_trades_per_event_per_day"]:
                return "MAX_TRADES_PER_EVENT_PER_DAY", 0

        # cash
        def cost(count):
            if units is None:
                return count * ask + fee(m.multiplier, count, ask)
            return sum(units[:count]) + fee_of_units(m.multiplier, units[:count])

        while quantity and cost(quantity) > self.cash:
            quantity -= 1
        return (None, quantity) if quantity else ("INSUFFICIENT_CASH", 0)

    def held_after(self, m, side, pairs):
        """Return (market, contracts, price) of what is held once an order of `side` has closed some pairs, oldest first."""
        rows = []
        for x in self.open:
            gone = min(pairs, x["left"]) if x["market"] is m and x["side"] != side else 0
            pairs -= gone
            rows.append((x["market"], x["left"] - gone, x["price"]))
        return rows

    @staticmethod
    def civil(m, t):
        """Return the civil date of a market's station at an instant."""
        return dt.datetime.fromtimestamp(t, ZoneInfo(ZONES[m.series][0])).date()

    def fill(self, t, m, quote, side, p, units):
        """Buy single contracts, and keep a trade for each price, with what it adds to the order's fee."""
        before = []
        for ask in sorted(set(units)):
            here = [price for price in units if price == ask]
            cost = fee_of_units(m.multiplier, before + here) - fee_of_units(m.multiplier, before)
            self.fill_at(t, m, quote, side, p, ask, len(here), cost, counts=not before)
            before += here

    def fill_at(self, t, m, quote, side, p, ask, quantity, cost, *, counts):
        """Buy at one price; counts: whether it is the first price of its order."""
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
            "left": quantity,
            "payout": Fraction(0),
            "closings": [],
            "counts": counts,
        }
        self.trades.append(trade)
        self.open.append(trade)
        if self.risk["allow_opposing"] is True:
            self.net(t, trade)

    def equity_points(self):
        """Return (instant, cash, liquidation value) at the start, every 00:00 UTC, every settlement and the end.

        A point is after the settlements of its instant and before its decisions.
        """
        able = self.tradable()
        if not able:
            return []
        start = min(m.begins for m in able)
        settled = {m.settles for m in self.markets}
        end = max(settled)
        times = {start, end} | {s for s in settled if s >= start}
        times |= set(range(-(-start // DAY) * DAY, end, DAY))
        return [(t, *self.worth(t)) for t in sorted(times)]

    def worth(self, t):
        """Return (cash, liquidation value of the open contracts at the visible quotes) at an instant, in dollars."""
        done = [x for x in self.trades if x["decision_ts"] < t]
        paid = sum(
            n * each for x in done for when, n, each in x["closings"] if when < t or when == x["market"].settles == t
        )
        cash = self.start_balance - sum(x["qty"] * x["price"] + x["fee"] for x in done) + paid
        value = Fraction(0)
        for x in done:
            if x["market"].settles > t:
                quote = x["market"].quote(t, self.config["max_quote_age_minutes"])
                if quote:
                    other = quote.no_ask() if x["side"] == "BUY_YES" else quote.yes_ask()
                    left = x["qty"] - sum(n for when, n, _ in x["closings"] if when < t)
                    value += left * (1 - other) if other is not None else 0
        return cash, value
