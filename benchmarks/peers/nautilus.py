"""The common workload in nautilus_trader: a binary option per market, quote ticks in one stream, market orders.

Contracts settle by their expiry. A NO is bought as a YES sold at the bid: the same cash flow less a dollar at entry, which a
margin account allows. That account does not reserve the cost of a NO, so the strategy keeps the rule's balance itself.
Trades, prices and fees are read from the engine's own fills. An expired market closes at its last quote, so a quote of 0 or 1
is added before its expiry.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import nautilus_trader
import numpy as np
import pyarrow.compute as pc
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import InstrumentClose, QuoteTick
from nautilus_trader.model.enums import (
    AccountType,
    AssetClass,
    InstrumentCloseType,
    OmsType,
    OrderSide,
    TimeInForce,
)
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from benchmarks.peers.process import Stopwatch, arguments, tell
from benchmarks.peers.workload import FEES, MIN_EDGE, PER_EVENT, PER_MARKET, Market, Workload

VENUE = Venue("KALSHI")
NANO = 1_000_000_000
SIZE = 1000  # contracts at each price, so many that they are never the limit
ONE = Quantity.from_int(1)


class QuadraticFee(FeeModel):
    """The exchange's fee of an order, rounded up to the cent."""

    def get_commission(self, order, fill_qty, fill_px, instrument):  # noqa: D102 (documented in the base class)
        return Money(FEES[round(float(fill_px) * 100)] * int(fill_qty) / 100, USD)


class Rule(Strategy):
    """The common workload's rule; `markets` by instrument id."""

    def __init__(self, markets: dict[InstrumentId, Market], cash: int) -> None:
        super().__init__(StrategyConfig(strategy_id="RULE-1"))
        self.markets, self.cash = markets, cash
        self.in_market: Counter = Counter()
        self.in_event: Counter = Counter()
        self.owed: Counter = Counter()  # cents, by event
        self.to_settle = sorted({(m.end_ts * NANO, m.event) for m in markets.values()}, reverse=True)
        self.fills: list[OrderFilled] = []

    def on_start(self) -> None:
        """Subscribe to all markets."""
        for instrument_id in self.markets:
            self.subscribe_quote_ticks(instrument_id)

    def on_order_filled(self, event: OrderFilled) -> None:
        """Keep every fill of the engine, those of expiries too, which the engine's cache of orders lacks."""
        self.fills.append(event)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Buy by the rule."""
        market, now = self.markets[tick.instrument_id], tick.ts_init
        if now >= market.end_ts * NANO:
            return
        while self.to_settle and self.to_settle[-1][0] <= now:
            self.cash += self.owed[self.to_settle.pop()[1]]
        price, side = round(tick.ask_price.as_double() * 100), OrderSide.BUY
        if market.p_cents - price - FEES[price] <= MIN_EDGE:
            price, side = 100 - round(tick.bid_price.as_double() * 100), OrderSide.SELL
            if 100 - market.p_cents - price - FEES[price] <= MIN_EDGE:
                return
        cost = price + FEES[price]
        if self.in_market[market.ticker] < PER_MARKET and self.in_event[market.event] < PER_EVENT and self.cash >= cost:
            self.in_market[market.ticker] += 1
            self.in_event[market.event] += 1
            self.cash -= cost
            self.owed[market.event] += 100 if (side == OrderSide.BUY) == market.won else 0
            self.submit_order(self.order_factory.market(tick.instrument_id, side, ONE, TimeInForce.IOC))


def option(market: Market) -> BinaryOption:
    """Return the binary option of a market."""
    return BinaryOption(
        instrument_id=InstrumentId(Symbol(market.ticker), VENUE),
        raw_symbol=Symbol(market.ticker),
        asset_class=AssetClass.ALTERNATIVE,
        currency=USD,
        price_precision=2,
        size_precision=0,
        price_increment=Price(0.01, 2),
        size_increment=ONE,
        activation_ns=0,
        expiration_ns=(market.end_ts + 3600) * NANO,
        ts_event=0,
        ts_init=0,
    )


def stream(work: Workload, ids: dict[str, InstrumentId]) -> list:
    """Return settlements and quotes in order of time.

    At one instant settlements are first, then quotes by event and market.
    """
    data = []
    for market in work.markets:
        end, worth = market.end_ts * NANO, Price(float(market.won), 2)
        size = Quantity.from_int(SIZE)
        data.append(QuoteTick(ids[market.ticker], worth, worth, size, size, end, end))
        closes = InstrumentCloseType.CONTRACT_EXPIRED
        data.append(InstrumentClose(ids[market.ticker], worth, closes, end, end))
    for event in range(len(work.files)):
        quotes = work.quotes(event)
        quotes = quotes.filter(pc.and_(quotes["bid"].is_valid(), quotes["ask"].is_valid()))
        for ticker in quotes["ticker"].unique().to_pylist():
            of_market = quotes.filter(pc.equal(quotes["ticker"], ticker))
            bid, ask = (of_market[name].to_numpy() / 100 for name in ("bid", "ask"))
            times, sizes = (
                of_market["ts"].to_numpy().astype(np.uint64) * np.uint64(NANO),
                np.full(len(bid), float(SIZE)),
            )
            data += QuoteTick.from_raw_arrays_to_list(ids[ticker], 2, 0, bid, ask, sizes, sizes, times, times)
    data.sort(key=lambda item: item.ts_init)  # a stable sort: the order of the list holds within an instant
    return data


def simulate(folder: Path, cash: int, events: int | None) -> None:
    """Replay the workload and print the figures; `events` is the number of events, None for all."""
    watch = Stopwatch()
    work = Workload(folder, events)
    # venue, instruments, data and strategy
    settings = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    engine = BacktestEngine(settings)
    engine.add_venue(
        VENUE,
        OmsType.NETTING,
        AccountType.MARGIN,
        [Money(1_000_000, USD)],
        base_currency=USD,
        default_leverage=Decimal(1),
        fee_model=QuadraticFee(),
    )
    options = [option(market) for market in work.markets]
    for instrument in options:
        engine.add_instrument(instrument)
    ids = {market.ticker: instrument.id for market, instrument in zip(work.markets, options, strict=True)}
    engine.add_data(stream(work, ids), sort=False)
    rule = Rule({ids[market.ticker]: market for market in work.markets}, cash)
    engine.add_strategy(rule)
    watch.lap("load")
    engine.run()
    watch.lap("simulate")
    if engine.cache.positions_open():
        raise RuntimeError("positions are open after settlement")
    # cash flow, fees and number of contracts from the engine's fills
    flow = sum(float(f.last_px) * int(f.last_qty) * (-1 if f.order_side == OrderSide.BUY else 1) for f in rule.fills)
    fees = sum(float(fill.commission) for fill in rule.fills)
    ends = {ids[market.ticker]: market.end_ts * NANO for market in work.markets}
    bought = sum(int(fill.last_qty) for fill in rule.fills if fill.ts_event < ends[fill.instrument_id])
    positions = engine.cache.positions_closed() + engine.cache.position_snapshots()
    realised = round(100 * sum(float(position.realized_pnl) for position in positions))
    version = nautilus_trader.__version__
    tell(version, work.rows, bought, 100 * (flow - fees), 100 * fees, watch, positions_pnl_cents=realised)


if __name__ == "__main__":
    given = arguments(__doc__)
    if given.mode != "shared":
        raise SystemExit("only the shared balance is written down for this engine")
    simulate(given.folder, given.cash, given.events)
