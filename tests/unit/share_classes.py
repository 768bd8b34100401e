"""The built-in strategies of daily equities as classes, and worlds on which a class is called."""

import contextlib
import dataclasses
import sys

from tests.unit.share_worlds import bars_in, books_add_up, rules_of, tradable_in
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_rules import Exits
from tradewinds.engine.shares.step_ledger import StepLedger
from tradewinds.families.equities_daily.bar_panel import day_of
from tradewinds.strategies.decisions import buy, sell


def micro(price):
    """A shown price in whole millionths, so that thresholds are met exactly where those of the built-in strategies are."""
    return round(price * 10**6)


class MeanReversion:
    """The built-in Mean Reversion: three lower closes that fell 3 % or more, sold at +2 %, at −5 % or after ten days."""

    def on_start(self, parameters):
        self.value = parameters["value"]

    def on_decision(self, view):
        orders, found = [], []
        for share in [share for share in view.markets if share.date == view.date]:
            closes, volumes = [micro(close) for close in view.closes(share, 4)], view.volumes(share, 20)
            if share.held:
                close, price = micro(share.close) * 100, micro(share.price)
                if close >= 102 * price or close <= 95 * price or (view.date - share.entry_date).days >= 10:
                    orders.append(sell(share))
            elif len(volumes) == 20 and closes[0] > closes[1] > closes[2] > closes[3] >= 100_000:
                fall = closes[0] - closes[3]
                if fall * 100 >= 3 * closes[0] and sum(v for v in volumes if v == v) >= 20 * 100_000:
                    found.append((-fall / closes[0], share.ticker))
        return orders + [buy(ticker, value=self.value) for _, ticker in sorted(found)]


class Breakout:
    """The built-in Breakout: above the highest high of 20 bars on high volume, sold at stops or after twenty days."""

    def on_start(self, parameters):
        self.value, self.same_close, self.peaks = parameters["value"], parameters["same_close"], {}

    def on_decision(self, view):
        orders, found = [], []
        for share in [share for share in view.markets if share.date == view.date]:
            close = micro(share.close)
            if share.held:
                peak = self.peaks[share.ticker] = max(self.peaks.get(share.ticker, 0), close)
                stopped = close * 100 <= 97 * micro(share.price) or close * 100 <= 95 * peak
                if stopped or (view.date - share.entry_date).days >= 20:
                    orders.append(sell(share))
                continue
            self.peaks[share.ticker] = close if self.same_close else 0
            *highs, _ = map(micro, view.highs(share, 21))
            *volumes, volume = [v if v == v else 0 for v in view.volumes(share, 21)]
            is_high = len(highs) == 20 and close * 100 >= max(highs) * 101 and close >= 500_000
            if is_high and volume * 200 >= 15 * sum(volumes):
                found.append((-close / max(highs), share.ticker))
        return orders + [buy(ticker, value=self.value) for _, ticker in sorted(found)]


CLASSES = {"Mean Reversion": MeanReversion, "Breakout": Breakout}


class Called:
    """A StepCaller of a class."""

    every_decision_time = False

    def __init__(self, strategy, parameters=None):
        self.strategy, self.parameters = strategy, parameters or {}

    def watched(self):
        return contextlib.nullcontext()

    def start(self):
        if hasattr(self.strategy, "on_start"):
            self.strategy.on_start(self.parameters)

    def decide(self, view):
        wishes = self.strategy.on_decision(view) or ()
        return [wishes] if hasattr(wishes, "_fields") else wishes

    def decide_until(self, moments, view):
        """One call at each moment, up to the first at which the loop has something to do."""
        references = sys.getrefcount(view)
        for _ in moments.each:
            wishes = self.decide(view)
            if wishes or sys.getrefcount(view) != references:
                return wishes
        return None

    def problem(self, what):
        return AssertionError(what)


def called(world, settings, strategy, *, books=True):
    """The result of a world on which a strategy object is called, with its market."""
    bars = bars_in(world, settings)
    market = TradingDays(bars, day_of(settings.start), day_of(settings.end), tradable_in(bars, settings.spans))
    value = float(settings.balance * settings.size_pct / 100)
    rules = dataclasses.replace(rules_of(settings), exits=Exits())
    result = StepLedger(
        market, rules, lambda: Called(strategy, {"value": value, "same_close": settings.same_close}), books=books
    ).run()
    if books:
        books_add_up(market, rules.start_micro, result)
    return result, market
