"""The replay's inner loops, compiled: one pass over decision times, against one cash account, in integers only.

All functions here are plain Python that numba compiles. The rules of trading are `advance` and what it calls; it steps
through every decision time of every market, so there is nothing clever to be wrong, but for one shortcut (`_refuse_rest`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tradewinds.imports import without

with without(
    "scipy"
):  # numba asks at once whether it is there, and takes a fifth of a second; its linear algebra asks again
    from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code: made when first called, and kept beside this file or in the user's cache folder.

    It runs without the interpreter's lock. No divisor here can be 0.
    """
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # there is no folder to keep it in: every process compiles for itself, in some seconds
        return njit(nogil=True, error_model="numpy")(function)


MICRO = 1_000_000
PICO_PER_MICRO = 1_000_000
PICO = 1_000_000_000_000
NEVER = 1 << 62
NO_PRICE = -999_999_999  # in the place of a bid or an ask: no price of a file, even an impossible one, is below it
YES, NO = 0, 1
NO_REASON = -1
OPPOSING, LIQUIDITY, MARKET, EVENT, TOTAL, NOTIONAL, ORDERS, CASH, EV = range(9)  # places in limits.REASONS
UNLIMITED = 1 << 62

# Scalars of an account, by place
S_CASH, S_OPEN, S_OPEN_COST, S_NOW, S_SETTLED, S_MARKED, S_HOLDING, S_FILLS, S_REFUSALS, S_WHERE = range(10)
SCALARS = 10

# What `advance` comes back with
DONE, BUFFERS_FULL, TOO_LARGE = 0, 1, 2


class Market(NamedTuple):
    """Contracts of a run, by idx; times in Unix seconds."""

    event: np.ndarray
    event_settles: np.ndarray  # by event: when the first of its contracts settles
    p_pico: np.ndarray
    first_t: np.ndarray  # first decision time
    last_t: np.ndarray  # last decision time
    settle_ts: np.ndarray
    payout_yes: np.ndarray
    day_low: np.ndarray  # by event: its civil midnights are days[day_low:day_end]
    day_end: np.ndarray
    days: np.ndarray


class Account(NamedTuple):
    """State of an account, by contract idx or event; scalars by the places above."""

    scalars: np.ndarray
    held: np.ndarray  # (contracts, 2)
    cost: np.ndarray
    candle_ts: np.ndarray  # of the last fill's candle, and how many contracts were bought on it
    candle_used: np.ndarray
    event_contracts: np.ndarray
    event_cost: np.ndarray
    event_orders: np.ndarray
    event_day: np.ndarray
    passed: np.ndarray  # until when refusals are counted already (`_refuse_rest`)
    holding: np.ndarray  # idx of the contracts that are held, the first scalars[S_HOLDING]


def new_account(contracts, events, cash):
    """An account with some cash and nothing else."""
    scalars = np.zeros(SCALARS, np.int64)
    scalars[S_CASH], scalars[S_NOW] = cash, -NEVER
    return Account(
        scalars=scalars,
        held=np.zeros((contracts, 2), np.int64),
        cost=np.zeros(contracts, np.int64),
        candle_ts=np.full(contracts, -NEVER, np.int64),
        candle_used=np.zeros(contracts, np.int64),
        event_contracts=np.zeros(events, np.int64),
        event_cost=np.zeros(events, np.int64),
        event_orders=np.zeros(events, np.int64),
        event_day=np.zeros(events, np.int64),
        passed=np.full(contracts, -NEVER, np.int64),
        holding=np.zeros(contracts, np.int64),
    )


class Limits(NamedTuple):
    """Limits as integers, UNLIMITED where none; `share` is a fraction of a candle's volume, share_base 0 if there is none."""

    allow_opposing: bool
    share: int
    share_base: int
    per_market: int
    per_event: int
    total_open: int
    notional: int
    orders: int
    has_least: bool
    least: int
    kelly: int  # fraction as numerator and base; kelly_base 0 if the table says how many
    kelly_base: int


class Buffers(NamedTuple):
    """What a replay leaves, row by row; refusals are stretches of equal ones if there is `stretch`, else only counted."""

    fills: np.ndarray
    counts: np.ndarray  # (contracts, side, reason), or (0, …): refusals are not counted
    firsts: np.ndarray
    refusals: np.ndarray
    stretch: np.ndarray  # (contracts or 0, fields): the stretch that is going on
    marks: np.ndarray  # (instants, 2): cash and open value


@compiled
def survey(place, e, volume, markets):
    """Rows of each market, its volume, and how many rows do not follow an earlier one of it."""
    low, end = np.zeros(markets, np.int64), np.zeros(markets, np.int64)
    traded, jumps = np.zeros(markets, np.int64), np.zeros(markets, np.int64)
    before = -2
    for row in range(len(place)):
        i = place[row]
        if i >= 0:
            traded[i] += volume[row]
            if i != before or e[row] <= e[row - 1]:
                jumps[i] += 1
            if i != before:
                low[i] = row
            end[i] = row + 1
        before = i
    return low, end, traded, jumps


@compiled
def rows_since(e, low, end, since):
    """For each market, the first of its rows that ends at or after an instant of its own."""
    found = low.copy()
    for j in range(len(low)):
        found[j] += np.searchsorted(e[low[j] : end[j]], since[j])
    return found


@compiled
def yes_ask(bid, ask):
    """What a YES costs at a top of book, -1 if it cannot be bought."""
    return ask if 0 < ask < MICRO and bid <= ask else -1


@compiled
def no_ask(bid, ask):
    """What a NO costs at a top of book, -1 if it cannot be bought."""
    return MICRO - bid if 0 < bid < MICRO and (ask == NO_PRICE or bid <= ask) else -1


@compiled
def seen_prices(bid, ask):
    """Which prices (micro-dollars) any side costs."""
    seen = np.zeros(MICRO, np.bool_)
    for row in range(len(bid)):
        yes, no = yes_ask(bid[row], ask[row]), no_ask(bid[row], ask[row])
        if yes >= 0:
            seen[yes] = True
        if no >= 0:
            seen[no] = True
    return seen


@compiled
def price_codes(bid, ask, low, end, kind, place, prices, kinds):
    """Codes of the sides of each row: kind × prices + place of the price; the NO sides' kinds follow those of the YES sides."""
    yes_code, no_code = np.full(len(bid), -1, np.int32), np.full(len(bid), -1, np.int32)
    for j in range(len(low)):
        for row in range(low[j], end[j]):
            yes, no = yes_ask(bid[row], ask[row]), no_ask(bid[row], ask[row])
            if yes >= 0:
                yes_code[row] = kind[j] * prices + place[yes]
            if no >= 0:
                no_code[row] = (kinds + kind[j]) * prices + place[no]
    return yes_code, no_code


@compiled
def quote_codes(bid, ask, low, end):
    """Codes of the YES and of the NO side of each row, by its distinct (contract, YES ask, NO ask), -1 where neither side is
    offered; and of each code the contract's place and both asks (-1: not offered). The NO sides' codes follow those of the YES
    sides.

    A hash table of one contract's quotes at a time, in which entries with a code of an earlier contract count as free.
    """
    longest = 2
    for j in range(len(low)):
        longest = max(longest, end[j] - low[j])
    size = 4
    while size < 2 * longest:
        size *= 2
    keys, code_at = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    codes = np.full(len(bid), -1, np.int32)
    owner, yes_asks, no_asks = np.empty(len(bid), np.int64), np.empty(len(bid), np.int32), np.empty(len(bid), np.int32)
    count = 0
    for j in range(len(low)):
        first = count
        for row in range(low[j], end[j]):
            yes, no = yes_ask(bid[row], ask[row]), no_ask(bid[row], ask[row])
            if yes < 0 and no < 0:
                continue
            key = (yes + 1) << 21 | (no + 1)
            at = (key * 0x9E3779B1 >> 11) & (size - 1)
            while code_at[at] >= first and keys[at] != key:
                at = (at + 1) & (size - 1)
            if code_at[at] < first:
                keys[at], code_at[at] = key, count
                owner[count], yes_asks[count], no_asks[count] = j, yes, no
                count += 1
            codes[row] = code_at[at]
    no_codes = np.empty(len(codes), np.int32)
    for row in range(len(codes)):
        no_codes[row] = codes[row] + count if codes[row] >= 0 else -1
    return codes, no_codes, owner[:count], yes_asks[:count], no_asks[:count]


@compiled
def look(e, bid, ask, low, end, first_t, last_t, step, max_age):
    """Of some contracts: (decision times at which a crossed quote is visible, end of the latest candle that is in force at any,
    or -1)."""
    crossed, latest = 0, -1
    for j in range(len(low)):
        for row in range(low[j], end[j]):
            if ask[row] != NO_PRICE and bid[row] > ask[row]:
                crossed += _times(e, row, end[j], first_t[j], last_t[j], step, max_age)
        for row in range(end[j] - 1, low[j] - 1, -1):
            if e[row] <= latest:
                break
            if _times(e, row, end[j], first_t[j], last_t[j], step, max_age):
                latest = e[row]
                break
    return crossed, latest


@compiled
def _times(e, row, end, first_t, last_t, step, max_age):
    """At how many decision times a row is the visible one."""
    since = max(-(-e[row] // step) * step, first_t)
    until = min(last_t, (e[row] + max_age) // step * step)
    if row + 1 < end:
        until = min(until, (e[row + 1] - 1) // step * step)
    return max((until - since) // step + 1, 0)


@compiled
def present(e, low, end, start_ts, end_ts):
    """How many candles of some markets end in [start, end) of each."""
    found = 0
    for j in range(len(low)):
        rows = e[low[j] : end[j]]
        if start_ts[j] < end_ts[j]:
            found += np.searchsorted(rows, end_ts[j]) - np.searchsorted(rows, start_ts[j])
    return found


@compiled
def _product(a, b):
    """a × b of two integers from 0 to 2^63 as (high, low) words of 64 bits."""
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    x, y = np.uint64(a), np.uint64(b)
    x_low, x_high, y_low, y_high = x & mask, x >> half, y & mask, y >> half
    bottom = x_low * y_low
    middle = x_high * y_low + (bottom >> half)
    other = x_low * y_high + (middle & mask)
    return x_high * y_high + (middle >> half) + (other >> half), (other << half) | (bottom & mask)


@compiled
def _at_most(a, b, c, d):
    """Whether a × b ≤ c × d, exactly."""
    left_high, left_low = _product(a, b)
    right_high, right_low = _product(c, d)
    return left_high < right_high or (left_high == right_high and left_low <= right_low)


@compiled
def kelly_quantity(fraction, base, edge, room, price, equity):
    """floor(fraction/base × edge/room × equity/price); -1 if it is too large to be exact."""
    if edge <= 0 or equity <= 0:
        return 0
    about = fraction / base * (edge / room) * (equity / price)
    if about >= 9e6 or fraction * float(equity) >= 9e18 or (about + 2) * base * price >= 9e18:
        return -1
    quantity = int(about)
    while _at_most((quantity + 1) * base * price, room, fraction * equity, edge):
        quantity += 1
    while quantity > 0 and not _at_most(quantity * base * price, room, fraction * equity, edge):
        quantity -= 1
    return quantity


@compiled
def share_of(volume, share, base):
    """floor(share/base × volume/100), at most 1 × volume/100, exactly."""
    if volume <= 0:
        return 0
    quantity = int(share / base * (volume / 100))
    while _at_most((quantity + 1) * 100, base, share, volume):
        quantity += 1
    while quantity > 0 and not _at_most(quantity * 100, base, share, volume):
        quantity -= 1
    return quantity


@compiled
def _fee(quantity, price, whole, part, base, grid, balance_grid):
    """Fee of an order, micro-dollars (costs.FeeRule.fees)."""
    fee = (quantity * whole - (-(quantity * part)) // base) * grid
    if balance_grid:
        worth = quantity * price
        fee = -((-(worth + fee)) // balance_grid) * balance_grid - worth
    return fee


@compiled
def _affordable(quantity, price, cash, whole, part, base, grid, balance_grid):
    """Largest quantity up to a wanted one whose cost with fee is within cash (cost grows with quantity)."""
    if quantity * price > cash:
        quantity = cash // price
        if quantity == 0:
            return 0
    if quantity * price + _fee(quantity, price, whole, part, base, grid, balance_grid) <= cash:
        return quantity
    low, high = 0, quantity
    while high - low > 1:
        middle = (low + high) // 2
        if middle * price + _fee(middle, price, whole, part, base, grid, balance_grid) <= cash:
            low = middle
        else:
            high = middle
    return low


@compiled
def _row_at(e, low, end, t):
    """The last row that ends by t; low - 1 if there is none."""
    first, last = low, end
    while first < last:
        middle = (first + last) // 2
        if e[middle] <= t:
            first = middle + 1
        else:
            last = middle
    return first - 1


@compiled
def _settle(ts, market, account, order):
    """Pay out everything that settles by an instant, and free what it held of the limits."""
    s = account.scalars
    while s[S_SETTLED] < len(order) and market.settle_ts[order[s[S_SETTLED]]] <= ts:
        i = order[s[S_SETTLED]]
        s[S_SETTLED] += 1
        yes, no = account.held[i, YES], account.held[i, NO]
        if yes == 0 and no == 0:
            continue
        event = market.event[i]
        s[S_CASH] += yes * market.payout_yes[i] + no * (MICRO - market.payout_yes[i])
        s[S_OPEN] -= yes + no
        s[S_OPEN_COST] -= account.cost[i]
        account.event_contracts[event] -= yes + no
        account.event_cost[event] -= account.cost[i]
        account.held[i, YES] = account.held[i, NO] = account.cost[i] = 0
        for k in range(s[S_HOLDING]):
            if account.holding[k] == i:
                s[S_HOLDING] -= 1
                account.holding[k] = account.holding[s[S_HOLDING]]
                break


@compiled
def _mark(ts, rows, member, account, max_age):
    """What the open contracts would fetch at the quotes visible at an instant; nothing where there is none."""
    value = 0
    for k in range(account.scalars[S_HOLDING]):
        i = account.holding[k]
        j = member[i]
        row = _row_at(rows.e, rows.low[j], rows.end[j], ts)
        if row < rows.low[j] or ts - rows.e[row] > max_age:
            continue
        yes, no = yes_ask(rows.bid[row], rows.ask[row]), no_ask(rows.bid[row], rows.ask[row])
        if no >= 0:
            value += account.held[i, YES] * (MICRO - no)  # YES is sold at the bid
        if yes >= 0:
            value += account.held[i, NO] * (MICRO - yes)
    return value


@compiled
def _pass(ts, market, account, order, instants, out, rows, member, max_age):
    """Everything that happens by an instant and is no decision: settlements, and the worth of the account after them."""
    s = account.scalars
    while s[S_MARKED] < len(instants) and instants[s[S_MARKED]] <= ts:
        k = s[S_MARKED]
        _settle(instants[k], market, account, order)
        out.marks[k, 0] = s[S_CASH]
        out.marks[k, 1] = _mark(instants[k], rows, member, account, max_age)
        s[S_MARKED] += 1
    _settle(ts, market, account, order)


@compiled
def _next_due(scalars, settle_ts, order, instants):
    """When `_pass` has something to do next."""
    due = NEVER
    if scalars[S_MARKED] < len(instants):
        due = instants[scalars[S_MARKED]]
    if scalars[S_SETTLED] < len(order):
        due = min(due, settle_ts[order[scalars[S_SETTLED]]])
    return due


@compiled
def _wanted(yes, no, quantity):
    """Whether any side of a row is wanted (by its codes)."""
    return (yes >= 0 and quantity[yes] > 0) or (no >= 0 and quantity[no] > 0)


@compiled
def _next_wanted(row, end, earliest, step, e, yes_code, no_code, quantity):
    """The next row of which any side is wanted, and the decision time at which it comes into sight."""
    while row < end and not _wanted(yes_code[row], no_code[row], quantity):
        row += 1
    if row == end:
        return end - 1, NEVER
    return row, max(-(-e[row] // step) * step, earliest)


@compiled
def _next_affordable(row, end, earliest, step, due, cash, e, bid, ask, yes_code, no_code, quantity, rank, rest):
    """As `_next_wanted`, but rows are passed over whose order a cash that only falls before `due` cannot pay; at `due` the row
    then in sight is looked at again."""
    while row < end and e[row] < due:
        yes, no = yes_code[row], no_code[row]
        if _wanted(yes, no, quantity):
            price = MICRO - bid[row] if _prefers_no(yes, no, quantity, rank, rest) else ask[row]
            if price <= cash:
                return row, max(-(-e[row] // step) * step, earliest)
        row += 1
    return row - 1, max(-(-due // step) * step, earliest)


@compiled
def _full(yes_held, no_held, side, in_event, limits):
    """The reason for which no order can be filled until something of the event settles, or NO_REASON."""
    if not limits.allow_opposing and (yes_held if side == NO else no_held):
        return OPPOSING
    if limits.share_base:  # asked before the limits of market and event
        return NO_REASON
    if yes_held + no_held >= limits.per_market:
        return MARKET
    if in_event >= limits.per_event:
        return EVENT
    return NO_REASON


@compiled
def _room(i, side, quantity, price, volume, quote_ts, t, market, account, limits):
    """(reason or NO_REASON, quantity) after all limits but the cash."""
    s, event = account.scalars, market.event[i]
    if not limits.allow_opposing and account.held[i, 1 - side]:
        return OPPOSING, 0
    if limits.share_base:
        used = account.candle_used[i] if account.candle_ts[i] == quote_ts else 0
        quantity = min(quantity, share_of(volume, limits.share, limits.share_base) - used)
        if quantity <= 0:
            return LIQUIDITY, 0
    quantity = min(quantity, limits.per_market - account.held[i, YES] - account.held[i, NO])
    if quantity <= 0:
        return MARKET, 0
    quantity = min(quantity, limits.per_event - account.event_contracts[event])
    if quantity <= 0:
        return EVENT, 0
    quantity = min(quantity, limits.total_open - s[S_OPEN])
    if quantity <= 0:
        return TOTAL, 0
    quantity = min(quantity, (limits.notional - account.event_cost[event]) // price)
    if quantity <= 0:
        return NOTIONAL, 0
    if limits.orders < UNLIMITED:
        day = account.event_day[event]
        while market.day_low[event] + day < market.day_end[event] and market.days[market.day_low[event] + day] <= t:
            day += 1
            account.event_orders[event] = 0
        account.event_day[event] = day
        if account.event_orders[event] >= limits.orders:
            return ORDERS, 0
    return NO_REASON, quantity


@compiled
def _count(place, side, reason, t, times, counts, firsts):
    """Count some refusals, the first of them at t."""
    if counts[place, side, reason] == 0 or t < firsts[place, side, reason]:
        firsts[place, side, reason] = t
    counts[place, side, reason] += times


@compiled
def _refuse_rest(
    t, until, step, max_age, row, end, last_t, e, yes_code, no_code, table, reasons, place, counts, firsts
):
    """Count the refusals of a market of which no side can be bought, at all its decision times in [t, until).

    Args:
        row: the visible one at t; reasons: of YES and NO; place: in counts and firsts.
    """
    quantity, rank, rest = table.quantity, table.rank, table.rest
    yes_count = no_count = 0
    yes_first = no_first = NEVER
    while t < until and t <= last_t:
        while row + 1 < end and e[row + 1] <= t:
            row += 1
        yes, no = yes_code[row], no_code[row]
        if t - e[row] <= max_age and _wanted(yes, no, quantity):
            if _prefers_no(yes, no, quantity, rank, rest):
                no_count += 1
                no_first = min(no_first, t)
            else:
                yes_count += 1
                yes_first = min(yes_first, t)
        t += step
    if yes_count:
        _count(place, YES, reasons[YES], yes_first, yes_count, counts, firsts)
    if no_count:
        _count(place, NO, reasons[NO], no_first, no_count, counts, firsts)


@compiled
def _prefers_no(yes, no, quantity, rank, rest):
    """Of two offers (by their codes) of which at least one is wanted, whether it is the NO."""
    if no < 0 or quantity[no] == 0:
        return False
    if yes < 0 or quantity[yes] == 0:
        return True
    return _before(rank[no], rest[no], quantity[no], 1, rank[yes], rest[yes], quantity[yes], 0)


@compiled
def _note(i, side, reason, t, step, quote_ts, quantity, price, out, scalars):
    """Keep a refusal apart, for a full audit: prolong the stretch of equal ones, or begin another."""
    now = out.stretch[i]  # times, idx, side, reason, quote_ts, quantity, price, first, last
    if (
        now[0]
        and now[2] == side
        and now[3] == reason
        and now[4] == quote_ts
        and now[5] == quantity
        and now[8] == t - step
    ):
        now[0] += 1
        now[8] = t
        return
    if now[0]:
        out.refusals[scalars[S_REFUSALS]] = now
        scalars[S_REFUSALS] += 1
    now[0], now[1], now[2], now[3], now[4] = 1, i, side, reason, quote_ts
    now[5], now[6], now[7], now[8] = quantity, price, t, t


@compiled
def _buy(i, side, quantity, price, fee, t, quote_ts, value, market, account, out):
    """Book a fill."""
    s, event = account.scalars, market.event[i]
    if account.held[i, YES] == 0 and account.held[i, NO] == 0:
        account.holding[s[S_HOLDING]] = i
        s[S_HOLDING] += 1
    s[S_CASH] -= quantity * price + fee
    s[S_OPEN] += quantity
    s[S_OPEN_COST] += quantity * price
    account.held[i, side] += quantity
    account.cost[i] += quantity * price
    account.event_contracts[event] += quantity
    account.event_cost[event] += quantity * price
    account.event_orders[event] += 1
    if account.candle_ts[i] != quote_ts:
        account.candle_ts[i] = quote_ts
        account.candle_used[i] = 0
    account.candle_used[i] += quantity
    row = out.fills[s[S_FILLS]]
    row[0], row[1], row[2], row[3], row[4] = i, side, quantity, price, fee
    row[5], row[6], row[7] = t, quote_ts, value
    s[S_FILLS] += 1


@compiled
def _before(rank, rest, quantity, i, rank2, rest2, quantity2, i2):
    """Whether an order goes before another: by rank + rest/quantity, the highest first, then by ticker."""
    if rank != rank2:
        return rank > rank2
    here, there = rest * quantity2, rest2 * quantity
    return here > there if here != there else i < i2


@compiled
def _kelly_side(code, p, price, equity, table, limits, grid, balance_grid):
    """(contracts wanted, their net value) of a side under Kelly sizing; -1 contracts if that is too large to be exact."""
    gross = p - price * PICO_PER_MICRO
    if code < 0 or gross <= limits.least:
        return 0, 0
    quantity = kelly_quantity(limits.kelly, limits.kelly_base, gross, PICO - price * PICO_PER_MICRO, price, equity)
    if quantity <= 0:
        return quantity, 0
    if quantity * float(table.fee_base[code]) >= 9e18:
        return -1, 0
    fee = _fee(quantity, price, table.fee_whole[code], table.fee_part[code], table.fee_base[code], grid, balance_grid)
    value = gross * quantity - fee * PICO_PER_MICRO
    return (quantity, value) if value > limits.least * quantity else (0, 0)


@compiled
def _kelly_choice(yes, no, p, bid, ask, equity, table, limits, grid, balance_grid):
    """(side, contracts, rank, rest) of what Kelly sizing wants of a quote: 0 contracts for nothing, -1 for too many."""
    yes_wanted, yes_value = _kelly_side(yes, p, ask, equity, table, limits, grid, balance_grid)
    no_wanted, no_value = _kelly_side(no, PICO - p, MICRO - bid, equity, table, limits, grid, balance_grid)
    if yes_wanted < 0 or no_wanted < 0:
        return YES, -1, 0, 0
    yes_rank, yes_rest = yes_value // max(yes_wanted, 1), yes_value % max(yes_wanted, 1)
    no_rank, no_rest = no_value // max(no_wanted, 1), no_value % max(no_wanted, 1)
    if no_wanted and (not yes_wanted or _before(no_rank, no_rest, no_wanted, 1, yes_rank, yes_rest, yes_wanted, 0)):
        return NO, no_wanted, no_rank, no_rest
    return YES, yes_wanted, yes_rank, yes_rest


@compiled
def _insert(j, ranked, found, rank, rest, wanted, window_idx):
    """Put an order in its place among the ranked ones."""
    k = found
    while k > 0:
        other = ranked[k - 1]
        if not _before(
            rank[j], rest[j], wanted[j], window_idx[j], rank[other], rest[other], wanted[other], window_idx[other]
        ):
            break
        ranked[k] = other
        k -= 1
    ranked[k] = j


@compiled
def _order(
    i, side, quantity, price, code, t, quote_ts, volume, grid, balance_grid, market, table, limits, account, out
):
    """Fill an order as far as the limits let it; NO_REASON, or why not."""
    reason, quantity = _room(i, side, quantity, price, volume, quote_ts, t, market, account, limits)
    if reason != NO_REASON:
        return reason
    whole, part, base = table.fee_whole[code], table.fee_part[code], table.fee_base[code]
    quantity = _affordable(quantity, price, account.scalars[S_CASH], whole, part, base, grid, balance_grid)
    if quantity == 0:
        return CASH
    fee = _fee(quantity, price, whole, part, base, grid, balance_grid)
    p = market.p_pico[i] if side == YES else PICO - market.p_pico[i]
    value = (p - price * PICO_PER_MICRO) * quantity - fee * PICO_PER_MICRO
    if limits.has_least and value <= limits.least * quantity:
        return EV
    _buy(i, side, quantity, price, fee, t, quote_ts, value, market, account, out)
    return NO_REASON


@compiled
def advance(until, step, max_age, eras, market, order, window_idx, by_start, member, rows, yes_code, no_code, table, limits, account, instants, out):  # noqa: E501  # fmt: skip
    """Replay all decision times before `until`; DONE, or what is in the way.

    After BUFFERS_FULL empty the buffers and call again: it goes on where it stopped.

    Args:
        eras: (n, 3) since when, grid and balance grid of the fee rule; order: idx of all contracts by settlement and ticker;
        window_idx: idx of the window's contracts; by_start: their places by first decision time; member: place in the window
        by idx; instants: when the account's worth is noted.
    """
    # Fields of tuples are slow to reach in the innermost loop: it reads plain arrays.
    s, held, event_contracts = account.scalars, account.held, account.event_contracts
    e, bid, ask, low, end = rows.e, rows.bid, rows.ask, rows.low, rows.end
    first_t, last_t, event_of, p_pico = market.first_t, market.last_t, market.event, market.p_pico
    table_quantity, table_rank, table_rest = table.quantity, table.rank, table.rest
    counts, firsts = out.counts, out.firsts
    audit, counted = len(out.stretch) > 0, len(counts) > 0
    # Both sides of a market that is full stay so until something of its event settles: its refusals are counted at once.
    leaps = not audit and limits.kelly_base == 0 and len(eras) == 1 and limits.share_base == 0
    reasons = np.zeros(2, np.int64)
    # A market whose quote nobody wants is looked at again when one comes that is wanted. (Kelly's wishes and those of another
    # era of the fee rule change without a new quote.)
    sleeps = limits.kelly_base == 0 and len(eras) == 1
    until_t = -(-until // step) * step
    # limits that come before the cash, beyond those of market and event
    others = min(limits.total_open, limits.notional, limits.orders)
    only_cash = others >= UNLIMITED and limits.share_base == 0
    count = len(window_idx)
    active, position, wake = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    ranked, side_of, code_of = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    wanted, rank, rest = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    t = s[S_NOW]
    alive = upcoming = era = 0
    due = _next_due(s, market.settle_ts, order, instants)
    while True:
        if alive == 0:
            while upcoming < count and last_t[window_idx[by_start[upcoming]]] < t:
                upcoming += 1
            if upcoming == count or max(t, first_t[window_idx[by_start[upcoming]]]) >= until:
                break
            t = max(t, first_t[window_idx[by_start[upcoming]]])
        elif t >= until:
            break
        while upcoming < count and first_t[window_idx[by_start[upcoming]]] <= t:
            j = by_start[upcoming]
            upcoming += 1
            if last_t[window_idx[j]] >= t and account.passed[window_idx[j]] < until:
                active[alive] = j
                position[j], wake[j] = _row_at(e, low[j], end[j], t), t
                alive += 1
        s[S_NOW] = t
        if s[S_FILLS] + alive > len(out.fills) or (audit and s[S_REFUSALS] + alive > len(out.refusals)):
            return BUFFERS_FULL
        if t >= due:
            _pass(t, market, account, order, instants, out, rows, member, max_age)
            due = _next_due(s, market.settle_ts, order, instants)
        while era + 1 < len(eras) and eras[era + 1, 0] <= t:
            era += 1
        grid, balance_grid, shift = eras[era, 1], eras[era, 2], era * table.era_rows
        equity = s[S_CASH] + s[S_OPEN_COST]
        found = a = 0
        soonest, busy = NEVER, False
        while a < alive:
            j = active[a]
            i = window_idx[j]
            if last_t[i] < t:
                alive -= 1
                active[a] = active[alive]
                continue
            a += 1
            if wake[j] > t:
                soonest = min(soonest, wake[j])
                continue
            row = position[j]
            while row + 1 < end[j] and e[row + 1] <= t:
                row += 1
            position[j] = row
            if row < low[j] or t - e[row] > max_age or not _wanted(yes_code[row], no_code[row], table_quantity):
                if sleeps:
                    position[j], wake[j] = _next_wanted(
                        row + 1, end[j], t + step, step, e, yes_code, no_code, table_quantity
                    )
                    soonest = min(soonest, wake[j])
                    continue
                if row < low[j] or t - e[row] > max_age:
                    continue
            yes, no = yes_code[row], no_code[row]
            yes, no = (yes + shift if yes >= 0 else -1), (no + shift if no >= 0 else -1)
            if limits.kelly_base:
                side, quantity, own_rank, own_rest = _kelly_choice(
                    yes, no, p_pico[i], bid[row], ask[row], equity, table, limits, grid, balance_grid
                )
                if quantity < 0:
                    s[S_WHERE] = i
                    return TOO_LARGE
                if quantity == 0:
                    continue
                code = yes if side == YES else no
            else:
                if not _wanted(yes, no, table_quantity):
                    continue
                side = NO if _prefers_no(yes, no, table_quantity, table_rank, table_rest) else YES
                code = yes if side == YES else no
                quantity, own_rank, own_rest = table_quantity[code], table_rank[code], table_rest[code]
            price = ask[row] if side == YES else MICRO - bid[row]
            if s[S_CASH] < price and sleeps and not counted and not audit:  # refused for whatever reason
                position[j], wake[j] = _next_affordable(
                    row + 1, end[j], t + step, step, due, s[S_CASH], e, bid, ask, yes_code, no_code, table_quantity, table_rank, table_rest)  # noqa: E501  # fmt: skip
                soonest = min(soonest, wake[j])
                continue
            busy = True
            in_event = event_contracts[event_of[i]]
            reason = _full(held[i, YES], held[i, NO], side, in_event, limits)
            if reason == NO_REASON:
                side_of[j], code_of[j], wanted[j], rank[j], rest[j] = side, code, quantity, own_rank, own_rest
                _insert(j, ranked, found, rank, rest, wanted, window_idx)
                found += 1
                continue
            reasons[side], reasons[1 - side] = reason, _full(held[i, YES], held[i, NO], 1 - side, in_event, limits)
            if leaps and reasons[1 - side] != NO_REASON and market.event_settles[event_of[i]] > last_t[i]:
                if counted:
                    _refuse_rest(t, until, step, max_age, row, end[j], last_t[i], e, yes_code, no_code, table, reasons, i, counts, firsts)  # noqa: E501  # fmt: skip
                account.passed[i] = until
                a, alive = a - 1, alive - 1
                active[a] = active[alive]
            elif audit:
                _note(i, side, reason, t, step, e[row], quantity, price, out, s)
            elif counted:
                _count(i, side, reason, t, 1, counts, firsts)
        for k in range(found):
            j = ranked[k]
            i, side, row = window_idx[j], side_of[j], position[j]
            price = ask[row] if side == YES else MICRO - bid[row]
            if only_cash and s[S_CASH] < price and event_contracts[event_of[i]] < limits.per_event:
                reason = CASH
            else:
                reason = _order(i, side, wanted[j], price, code_of[j], t, e[row], rows.volume[row], grid, balance_grid, market, table, limits, account, out)  # noqa: E501  # fmt: skip
            if reason == NO_REASON:
                continue
            if audit:
                _note(i, side, reason, t, step, e[row], wanted[j], price, out, s)
            elif counted:
                _count(i, side, reason, t, 1, counts, firsts)
        if busy or not sleeps:
            t += step
        else:  # nothing is wanted before one of them wakes, or another market begins
            if upcoming < count:
                soonest = min(soonest, first_t[window_idx[by_start[upcoming]]])
            t = max(t + step, min(soonest, until_t))
    s[S_NOW] = until_t
    _pass(until - 1, market, account, order, instants, out, rows, member, max_age)
    return DONE
