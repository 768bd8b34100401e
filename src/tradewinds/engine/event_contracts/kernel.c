/* The replay's inner loops: one pass over decision times, against one cash account, in integers only.

The rules of trading are `advance` and what it calls; it steps through every decision time of every market, so there is
nothing clever to be wrong, but for three shortcuts: refusals that cannot change are counted at once (`refuse_rest`), and a
market sleeps until a quote comes that somebody wants (`next_wanted`), or can pay (`next_affordable`).

kernel.py calls what is not static, without Python's lock; to it structures are arrays of words, so each of their fields is one
of 64 bits. Prices are micro-dollars, probabilities and values pico-dollars, times Unix seconds. Compiled
with -fwrapv: integers wrap around. Nothing here allocates, and no divisor can be 0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(void *) == 8, "a pointer is a word");

typedef int64_t i64;
typedef int32_t i32;

#define MICRO 1000000LL
#define PICO_PER_MICRO 1000000LL
#define PICO 1000000000000LL
#define NEVER (1LL << 62)
#define UNLIMITED (1LL << 62)
#define NO_PRICE -999999999 /* in the place of a bid or an ask */

const char source_digest[] = SOURCE_DIGEST; /* of this file, when it was compiled */

enum { YES, NO };

/* Why an order is refused: places in limits.REASONS */
enum { NO_REASON = -1, OPPOSING, LIQUIDITY, MARKET, EVENT, TOTAL, NOTIONAL, ORDERS, CASH, EV, REASONS };

/* Scalars of an account, by place */
enum { S_CASH, S_OPEN, S_OPEN_COST, S_NOW, S_SETTLED, S_MARKED, S_HOLDING, S_FILLS, S_REFUSALS, S_WHERE, S_SETTLEMENTS };

/* What `advance` comes back with */
enum { DONE, BUFFERS_FULL, TOO_LARGE };

typedef struct { /* contracts of a run, by idx */
    const i64 *event;
    const i64 *event_settles; /* by event: when the first of its contracts settles */
    const i64 *p_pico;
    const i64 *first_t, *last_t; /* first and last decision time */
    const i64 *settle_ts;
    const i64 *payout_yes;
    const i64 *day_low, *day_end; /* by event: its civil midnights are days[day_low:day_end] */
    const i64 *days;
} Market;

typedef struct { /* state of an account, by contract idx or event; scalars by the places above */
    i64 *scalars;
    i64 (*held)[2];
    i64 *cost;
    i64 *candle_ts, *candle_used; /* of the last fill's candle, and how many contracts were bought on it */
    i64 *event_contracts, *event_cost, *event_orders, *event_day;
    i64 *passed;  /* until when refusals are counted already (`refuse_rest`) */
    i64 *holding; /* idx of the contracts that are held, the first scalars[S_HOLDING] */
} Account;

typedef struct { /* limits, UNLIMITED where none */
    i64 allow_opposing;
    i64 share, share_base; /* a fraction of a candle's volume; base 0 if there is none */
    i64 per_market, per_event, total_open, notional, orders;
    i64 has_least, least;
    i64 kelly, kelly_base; /* fraction as numerator and base; base 0 if the table says how many */
} Limits;

typedef struct { /* the columns of candles; rows of the window's contract j are [low[j], end[j]) */
    const i64 *e;
    const i32 *bid, *ask;
    const i64 *volume;
    const i64 *low, *end;
} Rows;

typedef struct { /* by code: contracts wanted (0: none), priority as rank + rest/quantity, terms of the fee */
    const i64 *quantity, *rank, *rest;
    const i64 *fee_whole, *fee_part, *fee_base;
} Table;

typedef struct {
    i64 times, idx, side, reason, quote_ts, quantity, price, first, last;
} Stretch; /* of equal refusals */

typedef struct {
    i64 idx, side, quantity, price, fee, t, quote_ts, value;
} Fill;

typedef struct {
    i64 idx, side, quantity, price, ts;
} Settlement; /* what each contract of a side paid */

typedef struct { /* what a replay leaves, row by row */
    Fill *fills;
    Settlement *settlements; /* all of a run; each contract settles once */
    i64 (*counts)[2][REASONS], (*firsts)[2][REASONS]; /* of refusals, and when the first was */
    Stretch *refusals;
    Stretch *stretch; /* by contract: the one that is going on */
    i64 (*marks)[2];  /* by instant: cash and open value */
} Buffers;

typedef struct { /* room for `advance`, by place in the window */
    i64 *active, *position, *wake, *ranked, *side, *code, *wanted, *rank, *rest;
} Scratch;

static inline i64 least_of(i64 a, i64 b) { return a < b ? a : b; }
static inline i64 most_of(i64 a, i64 b) { return a > b ? a : b; }

/* a/b rounded down, and up; b > 0 */
static inline i64 down(i64 a, i64 b) { return a / b - (a % b < 0); }
static inline i64 up(i64 a, i64 b) { return -down(-a, b); }

/* ---- Columns of candles ---- */

/* Rows of each market, its volume, and how many rows do not follow an earlier one of it. */
void survey(const i32 *place, const i64 *e, const i64 *volume, i64 rows, i64 *low, i64 *end, i64 *traded, i64 *jumps) {
    i64 before = -2;
    for (i64 row = 0; row < rows; row++) {
        i64 i = place[row];
        if (i >= 0) {
            traded[i] += volume[row];
            jumps[i] += i != before || e[row] <= e[row - 1];
            if (i != before)
                low[i] = row;
            end[i] = row + 1;
        }
        before = i;
    }
}

/* The last row that ends by t; low - 1 if there is none. */
i64 row_at(const i64 *e, i64 low, i64 end, i64 t) {
    while (low < end) {
        i64 middle = (low + end) / 2;
        if (e[middle] <= t)
            low = middle + 1;
        else
            end = middle;
    }
    return low - 1;
}

/* For each market, the first of its rows that ends at or after an instant of its own. */
void rows_since(const i64 *e, const i64 *low, const i64 *end, const i64 *since, i64 markets, i64 *found) {
    for (i64 j = 0; j < markets; j++)
        found[j] = row_at(e, low[j], end[j], since[j] - 1) + 1;
}

/* How many candles of some markets end in [start, end) of each. */
i64 present(const i64 *e, const i64 *low, const i64 *end, const i64 *start_ts, const i64 *end_ts, i64 markets) {
    i64 found = 0;
    for (i64 j = 0; j < markets; j++)
        if (start_ts[j] < end_ts[j])
            found += row_at(e, low[j], end[j], end_ts[j] - 1) - row_at(e, low[j], end[j], start_ts[j] - 1);
    return found;
}

/* What a YES costs at a top of book, -1 if it cannot be bought. */
static inline i64 yes_ask(i64 bid, i64 ask) { return 0 < ask && ask < MICRO && bid <= ask ? ask : -1; }

/* What a NO costs at a top of book, -1 if it cannot be bought. */
static inline i64 no_ask(i64 bid, i64 ask) {
    return 0 < bid && bid < MICRO && (ask == NO_PRICE || bid <= ask) ? MICRO - bid : -1;
}

/* Which prices any side costs. */
void seen_prices(const i32 *bid, const i32 *ask, i64 rows, bool *seen) {
    for (i64 row = 0; row < rows; row++) {
        i64 yes = yes_ask(bid[row], ask[row]), no = no_ask(bid[row], ask[row]);
        if (yes >= 0)
            seen[yes] = true;
        if (no >= 0)
            seen[no] = true;
    }
}

/* Codes of the sides of each row: kind × prices + place of the price; the NO sides' kinds follow those of the YES sides. */
void price_codes(const Rows *rows, i64 markets, const i64 *kind, const i32 *place, i64 prices, i64 kinds, i32 *yes_code,
                 i32 *no_code) {
    for (i64 j = 0; j < markets; j++)
        for (i64 row = rows->low[j]; row < rows->end[j]; row++) {
            i64 yes = yes_ask(rows->bid[row], rows->ask[row]), no = no_ask(rows->bid[row], rows->ask[row]);
            yes_code[row] = yes < 0 ? -1 : (i32)(kind[j] * prices + place[yes]);
            no_code[row] = no < 0 ? -1 : (i32)((kinds + kind[j]) * prices + place[no]);
        }
}

/* Codes of both sides of each row by its distinct (contract, YES ask, NO ask), -1 where neither is offered; of each code of the
YES sides the contract's place and both asks (-1: not offered). Those of the NO sides follow. Returns how many a side has.

A hash table (`size` entries, a power of 2) of one contract's quotes at a time, in which entries with a code of an earlier
contract count as free. */
i64 quote_codes(const Rows *rows, i64 markets, i64 size, i64 *keys, i64 *code_at, i32 *yes_code, i32 *no_code,
                i64 *owner, i32 *yes_asks, i32 *no_asks) {
    i64 count = 0;
    for (i64 j = 0; j < markets; j++) {
        i64 first = count;
        for (i64 row = rows->low[j]; row < rows->end[j]; row++) {
            i64 yes = yes_ask(rows->bid[row], rows->ask[row]), no = no_ask(rows->bid[row], rows->ask[row]);
            if (yes < 0 && no < 0)
                continue;
            i64 key = (yes + 1) << 21 | (no + 1);
            i64 at = (key * 0x9E3779B1 >> 11) & (size - 1);
            while (code_at[at] >= first && keys[at] != key)
                at = (at + 1) & (size - 1);
            if (code_at[at] < first) {
                keys[at] = key, code_at[at] = count;
                owner[count] = j, yes_asks[count] = (i32)yes, no_asks[count] = (i32)no;
                count++;
            }
            yes_code[row] = (i32)code_at[at];
        }
    }
    for (i64 j = 0; j < markets; j++)
        for (i64 row = rows->low[j]; row < rows->end[j]; row++)
            no_code[row] = yes_code[row] < 0 ? -1 : yes_code[row] + (i32)count;
    return count;
}

/* At how many decision times a row is the visible one. */
static i64 times_in_sight(const i64 *e, i64 row, i64 end, i64 first_t, i64 last_t, i64 step, i64 max_age) {
    i64 since = most_of(up(e[row], step) * step, first_t);
    i64 until = least_of(last_t, down(e[row] + max_age, step) * step);
    if (row + 1 < end)
        until = least_of(until, down(e[row + 1] - 1, step) * step);
    return most_of(down(until - since, step) + 1, 0);
}

/* Of some contracts: decision times at which a crossed quote is visible (returned), and the end of the latest candle that is in
force at any, or -1. */
i64 look(const Rows *rows, i64 markets, const i64 *first_t, const i64 *last_t, i64 step, i64 max_age, i64 *latest) {
    const i64 *e = rows->e;
    i64 crossed = 0;
    *latest = -1;
    for (i64 j = 0; j < markets; j++) {
        i64 end = rows->end[j];
        for (i64 row = rows->low[j]; row < end; row++)
            if (rows->ask[row] != NO_PRICE && rows->bid[row] > rows->ask[row])
                crossed += times_in_sight(e, row, end, first_t[j], last_t[j], step, max_age);
        for (i64 row = end - 1; row >= rows->low[j] && e[row] > *latest; row--)
            if (times_in_sight(e, row, end, first_t[j], last_t[j], step, max_age))
                *latest = e[row];
    }
    return crossed;
}

/* ---- Sizes and costs ---- */

/* Whether a × b ≤ c × d, exactly; all from 0 to 2^63. */
bool at_most(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return (unsigned __int128)a * b <= (unsigned __int128)c * d;
}

/* floor(fraction/base × edge/room × equity/price); -1 if it is too large to be exact. */
i64 kelly_quantity(i64 fraction, i64 base, i64 edge, i64 room, i64 price, i64 equity) {
    if (edge <= 0 || equity <= 0)
        return 0;
    double about = (double)fraction / (double)base * ((double)edge / (double)room) * ((double)equity / (double)price);
    if (about >= 9e6 || (double)fraction * (double)equity >= 9e18 || (about + 2) * (double)base * (double)price >= 9e18)
        return -1;
    i64 quantity = (i64)about;
    while (at_most((quantity + 1) * base * price, room, fraction * equity, edge))
        quantity++;
    while (quantity > 0 && !at_most(quantity * base * price, room, fraction * equity, edge))
        quantity--;
    return quantity;
}

/* floor(share/base × volume/100), at most 1 × volume/100, exactly. */
i64 share_of(i64 volume, i64 share, i64 base) {
    if (volume <= 0)
        return 0;
    i64 quantity = (i64)((double)share / (double)base * ((double)volume / 100));
    while (at_most((quantity + 1) * 100, base, share, volume))
        quantity++;
    while (quantity > 0 && !at_most(quantity * 100, base, share, volume))
        quantity--;
    return quantity;
}

typedef struct { /* per contract `whole` + `part`/`base` grids; the cost of an order ends on the balance grid, if any */
    i64 whole, part, base, grid, balance_grid;
} Fee;

/* Fee of an order (costs.FeeRule.fees). */
i64 fee_of(i64 quantity, i64 price, Fee by) {
    i64 fee = (quantity * by.whole + up(quantity * by.part, by.base)) * by.grid;
    if (by.balance_grid) {
        i64 worth = quantity * price;
        fee = up(worth + fee, by.balance_grid) * by.balance_grid - worth;
    }
    return fee;
}

static i64 cost_of(i64 quantity, i64 price, Fee by) { return quantity * price + fee_of(quantity, price, by); }

/* Largest quantity up to a wanted one whose cost with fee is within cash (cost grows with quantity). */
i64 affordable(i64 quantity, i64 price, i64 cash, Fee by) {
    if (quantity * price > cash) {
        quantity = down(cash, price);
        if (quantity == 0)
            return 0;
    }
    if (cost_of(quantity, price, by) <= cash)
        return quantity;
    i64 low = 0, high = quantity;
    while (high - low > 1) {
        i64 middle = (low + high) / 2;
        if (cost_of(middle, price, by) <= cash)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- The account ---- */

/* Pay out everything that settles by an instant, and free what it held of the limits. `rows` takes a row for each side that is
paid, if it is not NULL. */
void settle(i64 ts, const Market *market, const Account *account, const i64 *order, i64 contracts, Settlement *rows) {
    i64 *s = account->scalars;
    while (s[S_SETTLED] < contracts && market->settle_ts[order[s[S_SETTLED]]] <= ts) {
        i64 i = order[s[S_SETTLED]++];
        i64 yes = account->held[i][YES], no = account->held[i][NO], event = market->event[i];
        if (yes == 0 && no == 0)
            continue;
        s[S_CASH] += yes * market->payout_yes[i] + no * (MICRO - market->payout_yes[i]);
        if (rows && yes)
            rows[s[S_SETTLEMENTS]++] = (Settlement){i, YES, yes, market->payout_yes[i], market->settle_ts[i]};
        if (rows && no)
            rows[s[S_SETTLEMENTS]++] = (Settlement){i, NO, no, MICRO - market->payout_yes[i], market->settle_ts[i]};
        s[S_OPEN] -= yes + no;
        s[S_OPEN_COST] -= account->cost[i];
        account->event_contracts[event] -= yes + no;
        account->event_cost[event] -= account->cost[i];
        account->held[i][YES] = account->held[i][NO] = account->cost[i] = 0;
        i64 k = 0;
        while (account->holding[k] != i)
            k++;
        account->holding[k] = account->holding[--s[S_HOLDING]];
    }
}

/* What the open contracts would fetch at the quotes visible at an instant; nothing where there is none. */
static i64 open_value(i64 ts, const Rows *rows, const i64 *member, const Account *account, i64 max_age) {
    i64 value = 0;
    for (i64 k = 0; k < account->scalars[S_HOLDING]; k++) {
        i64 i = account->holding[k], j = member[i];
        i64 row = row_at(rows->e, rows->low[j], rows->end[j], ts);
        if (row < rows->low[j] || ts - rows->e[row] > max_age)
            continue;
        i64 yes = yes_ask(rows->bid[row], rows->ask[row]), no = no_ask(rows->bid[row], rows->ask[row]);
        if (no >= 0)
            value += account->held[i][YES] * (MICRO - no); /* YES is sold at the bid */
        if (yes >= 0)
            value += account->held[i][NO] * (MICRO - yes);
    }
    return value;
}

/* Book a fill. */
void buy(const Fill *fill, const Market *market, const Account *account, Fill *fills) {
    i64 *s = account->scalars, i = fill->idx, event = market->event[i], worth = fill->quantity * fill->price;
    if (account->held[i][YES] == 0 && account->held[i][NO] == 0)
        account->holding[s[S_HOLDING]++] = i;
    s[S_CASH] -= worth + fill->fee;
    s[S_OPEN] += fill->quantity;
    s[S_OPEN_COST] += worth;
    account->held[i][fill->side] += fill->quantity;
    account->cost[i] += worth;
    account->event_contracts[event] += fill->quantity;
    account->event_cost[event] += worth;
    account->event_orders[event]++;
    if (account->candle_ts[i] != fill->quote_ts) {
        account->candle_ts[i] = fill->quote_ts;
        account->candle_used[i] = 0;
    }
    account->candle_used[i] += fill->quantity;
    fills[s[S_FILLS]++] = *fill;
}

/* ---- Limits ---- */

/* The reason for which no order can be filled until something of the event settles, or NO_REASON. */
i64 full(i64 yes_held, i64 no_held, i64 side, i64 in_event, const Limits *limits) {
    if (!limits->allow_opposing && (side == NO ? yes_held : no_held))
        return OPPOSING;
    if (limits->share_base) /* asked before the limits of market and event */
        return NO_REASON;
    if (yes_held + no_held >= limits->per_market)
        return MARKET;
    return in_event >= limits->per_event ? EVENT : NO_REASON;
}

/* Whether an event has orders left for the day of an instant. */
static bool orders_left(i64 event, i64 t, const Market *market, const Account *account, i64 orders) {
    i64 day = account->event_day[event];
    while (market->day_low[event] + day < market->day_end[event] && market->days[market->day_low[event] + day] <= t) {
        day++;
        account->event_orders[event] = 0;
    }
    account->event_day[event] = day;
    return account->event_orders[event] < orders;
}

/* Cut an order's quantity to all limits but the cash; NO_REASON, or why nothing is left. */
i64 room(i64 i, i64 side, i64 price, i64 volume, i64 quote_ts, i64 t, const Market *market, const Account *account,
         const Limits *limits, i64 *quantity) {
    i64 event = market->event[i];
    const i64 *held = account->held[i];
    if (!limits->allow_opposing && held[1 - side])
        return OPPOSING;
    if (limits->share_base) {
        i64 used = account->candle_ts[i] == quote_ts ? account->candle_used[i] : 0;
        *quantity = least_of(*quantity, share_of(volume, limits->share, limits->share_base) - used);
        if (*quantity <= 0)
            return LIQUIDITY;
    }
    const i64 left[] = {
        [MARKET] = limits->per_market - held[YES] - held[NO],
        [EVENT] = limits->per_event - account->event_contracts[event],
        [TOTAL] = limits->total_open - account->scalars[S_OPEN],
        [NOTIONAL] = down(limits->notional - account->event_cost[event], price),
    };
    for (i64 reason = MARKET; reason <= NOTIONAL; reason++) {
        *quantity = least_of(*quantity, left[reason]);
        if (*quantity <= 0)
            return reason;
    }
    if (limits->orders < UNLIMITED && !orders_left(event, t, market, account, limits->orders))
        return ORDERS;
    return NO_REASON;
}

/* ---- Wishes ---- */

/* Whether an order goes before another: by rank + rest/quantity, the highest first, then by ticker. */
bool before(i64 rank, i64 rest, i64 quantity, i64 i, i64 rank2, i64 rest2, i64 quantity2, i64 i2) {
    if (rank != rank2)
        return rank > rank2;
    i64 here = rest * quantity2, there = rest2 * quantity;
    return here != there ? here > there : i < i2;
}

/* Whether any side of a row is wanted (by its codes). */
static inline bool any_wanted(i64 yes, i64 no, const i64 *quantity) {
    return (yes >= 0 && quantity[yes] > 0) || (no >= 0 && quantity[no] > 0);
}

/* Of two offers (by their codes) of which at least one is wanted, whether it is the NO. */
static inline bool prefers_no(i64 yes, i64 no, const Table *table) {
    const i64 *quantity = table->quantity, *rank = table->rank, *rest = table->rest;
    if (no < 0 || quantity[no] == 0)
        return false;
    if (yes < 0 || quantity[yes] == 0)
        return true;
    return before(rank[no], rest[no], quantity[no], 1, rank[yes], rest[yes], quantity[yes], 0);
}

typedef struct {
    i64 side, quantity, rank, rest;
} Wish; /* of a quote: 0 contracts for nothing, -1 for too many to be exact */

/* (contracts wanted, their net value) of a side under Kelly sizing; -1 contracts if that is too large to be exact. */
static i64 kelly_side(i64 code, i64 p, i64 price, i64 equity, const Table *table, const Limits *limits, const i64 *era,
                      i64 *value) {
    i64 gross = p - price * PICO_PER_MICRO;
    *value = 0;
    if (code < 0 || gross <= limits->least)
        return 0;
    i64 quantity =
        kelly_quantity(limits->kelly, limits->kelly_base, gross, PICO - price * PICO_PER_MICRO, price, equity);
    if (quantity <= 0)
        return quantity;
    if ((double)quantity * (double)table->fee_base[code] >= 9e18)
        return -1;
    Fee by = {table->fee_whole[code], table->fee_part[code], table->fee_base[code], era[1], era[2]};
    *value = gross * quantity - fee_of(quantity, price, by) * PICO_PER_MICRO;
    return *value > limits->least * quantity ? quantity : 0;
}

/* What Kelly sizing wants of a quote. */
static Wish kelly_wish(i64 yes, i64 no, i64 p, i64 bid, i64 ask, i64 equity, const Table *table, const Limits *limits,
                       const i64 *era) {
    const i64 code[] = {yes, no}, chance[] = {p, PICO - p}, price[] = {ask, MICRO - bid};
    Wish of[2];
    for (i64 side = YES; side <= NO; side++) {
        i64 value, wanted = kelly_side(code[side], chance[side], price[side], equity, table, limits, era, &value);
        if (wanted < 0)
            return (Wish){side, -1, 0, 0};
        i64 rank = down(wanted ? value : 0, most_of(wanted, 1));
        of[side] = (Wish){side, wanted, rank, wanted ? value - rank * wanted : 0};
    }
    bool prefers = of[NO].quantity && (!of[YES].quantity || before(of[NO].rank, of[NO].rest, of[NO].quantity, 1,
                                                                   of[YES].rank, of[YES].rest, of[YES].quantity, 0));
    return of[prefers ? NO : YES];
}

/* The next row of which any side is wanted (returned), and the decision time at which it comes into sight. */
static i64 next_wanted(i64 row, i64 end, i64 earliest, i64 step, const i64 *e, const i32 *yes_code, const i32 *no_code,
                       const i64 *quantity, i64 *wake) {
    while (row < end && !any_wanted(yes_code[row], no_code[row], quantity))
        row++;
    *wake = row == end ? NEVER : most_of(up(e[row], step) * step, earliest);
    return row == end ? end - 1 : row;
}

/* As `next_wanted`, but rows are passed over whose order a cash that only falls before `due` cannot pay; at `due` the row then in
sight is looked at again. */
static i64 next_affordable(i64 row, i64 end, i64 earliest, i64 step, i64 due, i64 cash, const Rows *rows,
                           const i32 *yes_code, const i32 *no_code, const Table *table, i64 *wake) {
    const i64 *e = rows->e;
    for (; row < end && e[row] < due; row++) {
        i64 yes = yes_code[row], no = no_code[row];
        if (!any_wanted(yes, no, table->quantity))
            continue;
        if ((prefers_no(yes, no, table) ? MICRO - rows->bid[row] : rows->ask[row]) <= cash) {
            *wake = most_of(up(e[row], step) * step, earliest);
            return row;
        }
    }
    *wake = most_of(up(due, step) * step, earliest);
    return row - 1;
}

/* ---- Refusals ---- */

/* Count some refusals of a contract, the first of them at t. */
static inline void count(i64 i, i64 side, i64 reason, i64 t, i64 times, const Buffers *out) {
    if (out->counts[i][side][reason] == 0 || t < out->firsts[i][side][reason])
        out->firsts[i][side][reason] = t;
    out->counts[i][side][reason] += times;
}

/* Count the refusals of a market of which no side can be bought, at all its decision times in [t, until).

row: the visible one at t; reason: of YES and NO. */
static void refuse_rest(i64 i, i64 t, i64 until, i64 step, i64 max_age, i64 row, i64 end, i64 last_t, const i64 *e,
                        const i32 *yes_code, const i32 *no_code, const Table *table, const i64 *reason,
                        const Buffers *out) {
    i64 times[2] = {0, 0}, first[2] = {NEVER, NEVER};
    for (; t < until && t <= last_t; t += step) {
        while (row + 1 < end && e[row + 1] <= t)
            row++;
        i64 yes = yes_code[row], no = no_code[row];
        if (t - e[row] > max_age || !any_wanted(yes, no, table->quantity))
            continue;
        i64 side = prefers_no(yes, no, table) ? NO : YES;
        if (times[side]++ == 0)
            first[side] = t;
    }
    for (i64 side = YES; side <= NO; side++)
        if (times[side])
            count(i, side, reason[side], first[side], times[side], out);
}

/* Keep a refusal apart, for a full audit: prolong the stretch of equal ones, or begin another. */
static void note(i64 i, i64 side, i64 reason, i64 t, i64 step, i64 quote_ts, i64 quantity, i64 price,
                 const Buffers *out, i64 *scalars) {
    Stretch *now = &out->stretch[i];
    if (now->times && now->side == side && now->reason == reason && now->quote_ts == quote_ts &&
        now->quantity == quantity && now->last == t - step) {
        now->times++;
        now->last = t;
        return;
    }
    if (now->times)
        out->refusals[scalars[S_REFUSALS]++] = *now;
    *now = (Stretch){1, i, side, reason, quote_ts, quantity, price, t, t};
}

/* ---- The pass ---- */

typedef struct { /* all that a replay looks at */
    i64 until, step, max_age;
    const i64 (*eras)[3]; /* since when, grid and balance grid of the fee rule */
    i64 era_count, era_rows;
    const Market *market;
    const i64 *order; /* idx of all contracts by settlement and ticker */
    i64 contracts;
    const i64 *window_idx; /* idx of the window's contracts */
    const i64 *by_start;   /* their places by first decision time */
    i64 window;
    const i64 *member; /* place in the window by idx */
    const Rows *rows;
    const i32 *yes_code, *no_code;
    const Table *table;
    const Limits *limits;
    const Account *account;
    const i64 *instants; /* when the account's worth is noted */
    i64 instant_count;
    const Buffers *out;
    i64 fill_rows, refusal_rows;
    i64 counted, audit; /* whether refusals are counted, or kept as stretches */
    i64 booked;         /* whether settlements leave rows */
    const Scratch *scratch;
} Pass;

/* Everything that happens by an instant and is no decision: settlements, and the worth of the account after them. */
static void pass_time(i64 ts, const Pass *p) {
    i64 *s = p->account->scalars;
    Settlement *rows = p->booked ? p->out->settlements : NULL;
    for (; s[S_MARKED] < p->instant_count && p->instants[s[S_MARKED]] <= ts; s[S_MARKED]++) {
        i64 instant = p->instants[s[S_MARKED]];
        settle(instant, p->market, p->account, p->order, p->contracts, rows);
        p->out->marks[s[S_MARKED]][0] = s[S_CASH];
        p->out->marks[s[S_MARKED]][1] = open_value(instant, p->rows, p->member, p->account, p->max_age);
    }
    settle(ts, p->market, p->account, p->order, p->contracts, rows);
}

/* When `pass_time` has something to do next. */
static i64 next_due(const Pass *p) {
    const i64 *s = p->account->scalars;
    i64 due = s[S_MARKED] < p->instant_count ? p->instants[s[S_MARKED]] : NEVER;
    return s[S_SETTLED] < p->contracts ? least_of(due, p->market->settle_ts[p->order[s[S_SETTLED]]]) : due;
}

/* Put the order of place j among the ranked ones. */
static void insert(i64 j, i64 found, const Scratch *by, const i64 *window_idx) {
    i64 k = found;
    for (; k > 0; k--) {
        i64 other = by->ranked[k - 1];
        if (!before(by->rank[j], by->rest[j], by->wanted[j], window_idx[j], by->rank[other], by->rest[other],
                    by->wanted[other], window_idx[other]))
            break;
        by->ranked[k] = other;
    }
    by->ranked[k] = j;
}

/* Fill an order as far as the limits let it; NO_REASON, or why not. */
static i64 order(i64 j, i64 side, i64 price, i64 t, const i64 *era, const Pass *p) {
    i64 i = p->window_idx[j], row = p->scratch->position[j], code = p->scratch->code[j];
    i64 quantity = p->scratch->wanted[j], quote_ts = p->rows->e[row];
    i64 reason = room(i, side, price, p->rows->volume[row], quote_ts, t, p->market, p->account, p->limits, &quantity);
    if (reason != NO_REASON)
        return reason;
    Fee by = {p->table->fee_whole[code], p->table->fee_part[code], p->table->fee_base[code], era[1], era[2]};
    quantity = affordable(quantity, price, p->account->scalars[S_CASH], by);
    if (quantity == 0)
        return CASH;
    i64 fee = fee_of(quantity, price, by), chance = p->market->p_pico[i];
    i64 value = ((side == YES ? chance : PICO - chance) - price * PICO_PER_MICRO) * quantity - fee * PICO_PER_MICRO;
    if (p->limits->has_least && value <= p->limits->least * quantity)
        return EV;
    buy(&(Fill){i, side, quantity, price, fee, t, quote_ts, value}, p->market, p->account, p->out->fills);
    return NO_REASON;
}

typedef struct { /* where a pass is */
    const Pass *p;
    const Scratch *by;
    i64 t;
    i64 alive;      /* how many markets are: the first places of by->active */
    i64 upcoming;   /* place in by_start of the next that begins */
    i64 found;      /* orders of this instant: the first places of by->ranked */
    i64 soonest;    /* when the first of those that sleep wakes */
    i64 due;        /* when `pass_time` has something to do */
    const i64 *era; /* of the fee rule, and where its rows of the table begin */
    i64 era_at, shift;
    i64 equity; /* cash and what the open contracts cost, for Kelly sizing */
    bool busy;  /* something is wanted that the account could pay */
    bool one_era, sleeps, leaps, only_cash;
} Walk;

/* Which shortcuts a pass may take. */
static Walk start(const Pass *p) {
    const Limits *limits = p->limits;
    Walk w = {.p = p, .by = p->scratch, .t = p->account->scalars[S_NOW], .due = next_due(p), .era = p->eras[0]};
    w.one_era = p->era_count == 1;
    /* A market whose quote nobody wants is looked at again when one comes that is wanted. (Kelly's wishes and those of
    another era of the fee rule change without a new quote.) */
    w.sleeps = limits->kelly_base == 0 && w.one_era;
    /* Both sides of a market that is full stay so until something of its event settles: its refusals are counted at once. */
    w.leaps = w.sleeps && !p->audit && limits->share_base == 0;
    /* no limit that comes before the cash, beyond those of market and event */
    w.only_cash = least_of(limits->total_open, least_of(limits->notional, limits->orders)) >= UNLIMITED &&
                  limits->share_base == 0;
    return w;
}

/* When the next market begins, NEVER if none does; those that are over before t are left out. */
static i64 next_start(Walk *w) {
    const Pass *p = w->p;
    while (w->upcoming < p->window && p->market->last_t[p->window_idx[p->by_start[w->upcoming]]] < w->t)
        w->upcoming++;
    return w->upcoming < p->window ? p->market->first_t[p->window_idx[p->by_start[w->upcoming]]] : NEVER;
}

/* Take in the markets that have begun. */
static void begin_markets(Walk *w) {
    const Pass *p = w->p;
    while (next_start(w) <= w->t) {
        i64 j = p->by_start[w->upcoming++];
        if (p->account->passed[p->window_idx[j]] < p->until) {
            w->by->active[w->alive++] = j;
            w->by->position[j] = row_at(p->rows->e, p->rows->low[j], p->rows->end[j], w->t);
            w->by->wake[j] = w->t;
        }
    }
}

/* Settle what is due, and go to the era of the fee rule. */
static void arrive(Walk *w) {
    const Pass *p = w->p;
    if (w->t >= w->due) {
        pass_time(w->t, p);
        w->due = next_due(p);
    }
    while (w->era_at + 1 < p->era_count && p->eras[w->era_at + 1][0] <= w->t)
        w->era_at++;
    w->era = p->eras[w->era_at];
    w->shift = w->era_at * p->era_rows;
    w->equity = p->account->scalars[S_CASH] + p->account->scalars[S_OPEN_COST];
    w->found = 0, w->soonest = NEVER, w->busy = false;
}

/* What is wanted of a row in this era. */
static Wish wish_of(const Walk *w, i64 i, i64 row, i64 *yes, i64 *no) {
    const Pass *p = w->p;
    const Table *table = p->table;
    *yes = p->yes_code[row] < 0 ? -1 : p->yes_code[row] + w->shift;
    *no = p->no_code[row] < 0 ? -1 : p->no_code[row] + w->shift;
    if (p->limits->kelly_base)
        return kelly_wish(*yes, *no, p->market->p_pico[i], p->rows->bid[row], p->rows->ask[row], w->equity, table,
                          p->limits, w->era);
    if (!any_wanted(*yes, *no, table->quantity))
        return (Wish){0};
    i64 side = prefers_no(*yes, *no, table) ? NO : YES, code = side == YES ? *yes : *no;
    return (Wish){side, table->quantity[code], table->rank[code], table->rest[code]};
}

/* Keep or count a refusal, as the run wants it. */
static void refuse(const Walk *w, i64 i, i64 side, i64 reason, i64 row, i64 quantity, i64 price) {
    const Pass *p = w->p;
    if (p->audit)
        note(i, side, reason, w->t, p->step, p->rows->e[row], quantity, price, p->out, p->account->scalars);
    else if (p->counted)
        count(i, side, reason, w->t, 1, p->out);
}

/* What becomes of an active market at an instant: it goes to sleep, or stays awake; it has nothing before `until`, and goes; it
wants more contracts than are exact. */
enum { ASLEEP, AWAKE, GONE, INEXACT };

/* Look at the quote of an active market; rank the order that somebody wants, or refuse it. */
static int look_at(Walk *w, i64 j) {
    const Pass *p = w->p;
    const Scratch *by = w->by;
    const i64 *e = p->rows->e, *s = p->account->scalars;
    i64 i = p->window_idx[j], row = by->position[j], end = p->rows->end[j], later = w->t + p->step, yes, no;
    while (row + 1 < end && e[row + 1] <= w->t)
        row++;
    by->position[j] = row;
    bool visible = row >= p->rows->low[j] && w->t - e[row] <= p->max_age;
    if (w->sleeps && !(visible && any_wanted(p->yes_code[row], p->no_code[row], p->table->quantity))) {
        by->position[j] =
            next_wanted(row + 1, end, later, p->step, e, p->yes_code, p->no_code, p->table->quantity, &by->wake[j]);
        return ASLEEP;
    }
    if (!visible)
        return AWAKE;
    Wish wish = wish_of(w, i, row, &yes, &no);
    if (wish.quantity <= 0)
        return wish.quantity < 0 ? INEXACT : AWAKE;
    i64 side = wish.side, price = side == YES ? p->rows->ask[row] : MICRO - p->rows->bid[row];
    if (s[S_CASH] < price && w->sleeps && !p->counted && !p->audit) { /* refused for whatever reason */
        by->position[j] = next_affordable(row + 1, end, later, p->step, w->due, s[S_CASH], p->rows, p->yes_code,
                                          p->no_code, p->table, &by->wake[j]);
        return ASLEEP;
    }
    w->busy = true;
    i64 event = p->market->event[i], in_event = p->account->event_contracts[event], reason[2];
    const i64 *held = p->account->held[i];
    reason[side] = full(held[YES], held[NO], side, in_event, p->limits);
    if (reason[side] == NO_REASON) {
        by->side[j] = side, by->code[j] = side == YES ? yes : no;
        by->wanted[j] = wish.quantity, by->rank[j] = wish.rank, by->rest[j] = wish.rest;
        insert(j, w->found++, by, p->window_idx);
        return AWAKE;
    }
    reason[1 - side] = full(held[YES], held[NO], 1 - side, in_event, p->limits);
    if (w->leaps && reason[1 - side] != NO_REASON && p->market->event_settles[event] > p->market->last_t[i]) {
        if (p->counted)
            refuse_rest(i, w->t, p->until, p->step, p->max_age, row, end, p->market->last_t[i], e, p->yes_code,
                        p->no_code, p->table, reason, p->out);
        p->account->passed[i] = p->until;
        return GONE;
    }
    refuse(w, i, side, reason[side], row, wish.quantity, price);
    return AWAKE;
}

/* Look at all active markets; false if one wants more contracts than are exact. */
static bool look_around(Walk *w) {
    const Pass *p = w->p;
    const Scratch *by = w->by;
    for (i64 a = 0; a < w->alive;) {
        i64 j = by->active[a], i = p->window_idx[j];
        int state = p->market->last_t[i] < w->t ? GONE : by->wake[j] > w->t ? ASLEEP : look_at(w, j);
        if (state == INEXACT) {
            p->account->scalars[S_WHERE] = i;
            return false;
        }
        if (state == ASLEEP)
            w->soonest = least_of(w->soonest, by->wake[j]);
        if (state == GONE)
            by->active[a] = by->active[--w->alive];
        else
            a++;
    }
    return true;
}

/* Fill the ranked orders of an instant, the best first. */
static void fill_ranked(const Walk *w) {
    const Pass *p = w->p;
    for (i64 k = 0; k < w->found; k++) {
        i64 j = w->by->ranked[k], i = p->window_idx[j], side = w->by->side[j], row = w->by->position[j];
        i64 price = side == YES ? p->rows->ask[row] : MICRO - p->rows->bid[row], reason = CASH;
        bool event_full = p->account->event_contracts[p->market->event[i]] >= p->limits->per_event;
        if (!w->only_cash || p->account->scalars[S_CASH] >= price || event_full)
            reason = order(j, side, price, w->t, w->era, p);
        if (reason != NO_REASON)
            refuse(w, i, side, reason, row, w->by->wanted[j], price);
    }
}

/* Replay all decision times before `until`; DONE, or what is in the way.

After BUFFERS_FULL empty the buffers and call again: it goes on where it stopped. */
i64 advance(const Pass *p) {
    i64 *s = p->account->scalars;
    const i64 until_t = up(p->until, p->step) * p->step;
    Walk w = start(p);
    for (;;) {
        if (w.alive == 0)
            w.t = most_of(w.t, next_start(&w));
        if (w.t >= p->until)
            break;
        begin_markets(&w);
        s[S_NOW] = w.t;
        if (s[S_FILLS] + w.alive > p->fill_rows || (p->audit && s[S_REFUSALS] + w.alive > p->refusal_rows))
            return BUFFERS_FULL;
        arrive(&w);
        if (!look_around(&w))
            return TOO_LARGE;
        fill_ranked(&w);
        if (w.busy || !w.sleeps)
            w.t += p->step;
        else /* nothing is wanted before one of them wakes, or another market begins */
            w.t = most_of(w.t + p->step, least_of(least_of(w.soonest, next_start(&w)), until_t));
    }
    s[S_NOW] = until_t;
    pass_time(p->until - 1, p);
    return DONE;
}
