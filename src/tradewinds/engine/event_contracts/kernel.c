/* The replay's inner loops: one pass over decision times, against one cash account, in integers only.

`advance` and the functions it calls hold the rules of trading. They step through every decision time of every market, with
four shortcuts: refusals that cannot change are counted at once (`refuse_until`), a market sleeps until its next wanted quote
(`next_wanted`) or its next affordable one (`next_affordable`), and where refusals are not recorded a candle with less volume than
one contract needs counts as one without a wanted quote (`least_volume`).

kernel.py calls the functions that are not static, with Python's lock released. It passes structures as arrays of words, so
each field of those structures has 64 bits. Prices are micro-units of money, probabilities and values pico-units, times Unix
seconds, volumes contracts x 100. Compiled with -fwrapv: integers wrap around. Nothing here allocates, and no divisor can be 0.

A wanted order may be of any size: until limits and cash have reduced it, its amounts are held in 128 bits (`wide`). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(void *) == 8, "a pointer is a word");

typedef int64_t i64;
typedef int32_t i32;
typedef __int128 wide;

#define MICRO 1000000LL
#define PICO_PER_MICRO 1000000LL
#define PICO 1000000000000LL
#define NEVER (1LL << 62)
#define UNLIMITED (1LL << 62)
#define MOST_OPEN                                                                                                      \
    (1LL << 42)  /* contracts held at once: their payout, in micro-units of micro-contracts, fits into 64 bits */
#define BLOCK 64 /* rows of which the lowest price is known; kernel_structures.py has the same */
#define NO_PRICE -999999999 /* instead of a bid or an ask */

const char source_digest[] = SOURCE_DIGEST; /* SHA-256 of this file when it was compiled */

enum { YES, NO };

/* What becomes of an order while the other side of its market is held */
enum { REFUSED, HELD, NETTED };

/* Why an order is refused: indices into limits.REFUSAL_REASONS */
enum { NO_REASON = -1, OPPOSING, LIQUIDITY, BOOK, MARKET, EVENT, TOTAL, NOTIONAL, ORDERS, CASH, EV, REASON_COUNT };
enum { TOO_MANY_OPEN = REASON_COUNT }; /* no refusal: the account would hold more than MOST_OPEN contracts */

/* Indices into an account's scalars; kernel_structures.py has the same */
enum {
    S_CASH,        /* micro-units */
    S_OPEN,        /* contracts held, of all markets and both sides */
    S_OPEN_COST,   /* what they cost without fees, micro-units */
    S_NOW,         /* next decision time to replay */
    S_SETTLED,     /* contracts that are settled: the first ones of by_settlement */
    S_MARKED,      /* instants of this pass at which equity is recorded already */
    S_HOLDING,     /* contracts of which any is held: entries in use of `holding` */
    S_FILLS,       /* rows in use of the buffer of fills */
    S_REFUSALS,    /* rows in use of the buffer of refusals */
    S_TOO_LARGE,   /* idx of the contract whose order made `advance` return TOO_LARGE */
    S_SETTLEMENTS, /* rows in use of the settlements */
    S_LOTS         /* lots in use: purchases so far, where opposing sides are netted */
};

/* Return values of `advance` */
enum { DONE, BUFFERS_FULL, TOO_LARGE };

typedef struct { /* columns of a run's contracts, by idx (index among the sorted tickers) */
    const i64 *event;
    const i64 *event_settles;    /* by event: when the first of its contracts settles */
    const i64 *first_t, *last_t; /* first and last decision time */
    const i64 *settle_ts;
    const i64 *payout_yes;
    const i64 *first_midnight, *end_midnight; /* by event: its civil midnights are days[first_midnight:end_midnight] */
    const i64 *days;
} MarketColumns;

typedef struct { /* state of an account, by contract idx or event; scalars by the indices above */
    i64 *scalars;
    i64 (*held)[2];
    i64 *cost;
    i64 *candle_ts, *candle_used; /* end of the last fill's candle, contracts bought on that candle */
    i64 (*taken)[2];              /* of candle_used, contracts of YES and of NO */
    i64 *event_contracts, *event_cost, *event_orders, *event_day;
    i64 *passed;  /* end of the time for which refusals are counted already (`refuse_until`) */
    i64 *holding; /* idx of the held contracts: the first scalars[S_HOLDING] entries */
    /* where opposing sides are netted: every purchase of the run, in order of time, and the open ones of each contract */
    i64 *lot_quantity, *lot_price, *next_lot; /* what is left of it, its price, the contract's next lot */
    i64 *oldest_lot, *newest_lot;             /* by contract; set while it is held */
} Account;

typedef struct {                         /* limits of a run, UNLIMITED where there is none */
    i64 opposing;                        /* REFUSED, HELD or NETTED */
    i64 volume_share, volume_share_base; /* fraction of a candle's volume; base 0: no such limit */
    i64 per_market, per_event, total_open, notional, orders;
    i64 has_min_ev, min_ev; /* whether an order that limits reduced must still exceed min_ev; pico-units a contract */
    i64 kelly, kelly_base;  /* fraction as numerator and base; base 0: quantities stand in WantedTable */
} Limits;

typedef struct {         /* columns of candles; live contract j has rows [first_row[j], end_row[j]) */
    const i64 *end_ts;   /* from when the row is visible: the end of its candle, or a later change of the probability */
    const i64 *quote_ts; /* end of the candle that its quote is of */
    const i32 *bid, *ask;
    const i64 *volume;
    const i64 *first_row, *end_row;
} CandleRows;

typedef struct { /* order books of contracts, by idx; those without snapshots have none */
    const i64 *first_snapshot, *end_snapshot;
    const i64 *known_at; /* by snapshot */
    const i64 *
        first_level; /* offers of snapshot n to buyers of YES: levels from 2n to 2n + 1, of NO: from 2n + 1 to 2n + 2 */
    const i64 *price, *size;     /* by level, the lowest price of a side first; whole contracts */
    const i64 *rate, *rate_base; /* by idx: rate of the fee as a fraction */
} Books;

typedef struct
{ /* by code: probability of the side, contracts wanted (0: none), priority rank + rank_remainder/quantity,
                    terms of the fee */
    const i64 *chance, *quantity, *rank, *rank_remainder;
    const i64 *fee_whole, *fee_part, *fee_base;
} WantedTable;

typedef struct {
    i64 times, idx, side, reason, quote_ts, quantity, price, first, last;
} RefusalStretch; /* equal refusals at consecutive decision times */

typedef struct {
    i64 idx, side, quantity, price, fee, t, quote_ts, netted;
} Fill; /* netted: how many of its contracts make pairs with held ones of the other side */

typedef struct {
    i64 idx, side, quantity, price, ts;
} Settlement; /* price: payout of one contract of the side */

typedef struct { /* output of a replay, row by row */
    Fill *fills;
    Settlement *settlements;                                    /* of the whole run; each contract settles once */
    i64 (*counts)[2][REASON_COUNT], (*firsts)[2][REASON_COUNT]; /* refusals, and the time of the first */
    RefusalStretch *refusals;
    RefusalStretch *stretch; /* by contract: the stretch that may still grow */
    i64 (*marks)[2];         /* by instant: cash, open value */
} Buffers;

typedef struct { /* working memory of `advance`, by place in live_idx */
    i64 *active, *position, *wake, *ranked, *side, *code, *wanted, *rank, *rank_remainder;
} Scratch;

static inline i64 least_of(i64 a, i64 b) { return a < b ? a : b; }
static inline i64 most_of(i64 a, i64 b) { return a > b ? a : b; }

/* a/b rounded down, and up; b > 0 */
static inline i64 down(i64 a, i64 b) { return a / b - (a % b < 0); }
static inline i64 up(i64 a, i64 b) { return -down(-a, b); }

/* ---- Columns of candles ---- */

/* Find each market's rows, total volume, and number of rows that do not directly follow an earlier row of the market.

market_index: of each row's market, below 0 for markets that were not asked for. */
void survey(const i32 *market_index, const i64 *end_ts, const i64 *volume, i64 rows, i64 *first_row, i64 *end_row,
            i64 *traded, i64 *jumps) {
    for (i64 first = 0, end; first < rows; first = end) {
        i64 i = market_index[first], sum = volume[first], late = 0;
        for (end = first + 1; end < rows && market_index[end] == i; end++) {
            sum += volume[end];
            late += end_ts[end] <= end_ts[end - 1];
        }
        if (i < 0)
            continue;
        traded[i] += sum;
        jumps[i] += 1 + late;
        first_row[i] = first;
        end_row[i] = end;
    }
}

/* Return the last row in [first_row, end_row) that ends by t; first_row - 1 if there is none. */
i64 row_at(const i64 *end_ts, i64 first_row, i64 end_row, i64 t) {
    i64 low = first_row, high = end_row;
    while (low < high) {
        i64 middle = (low + high) / 2;
        if (end_ts[middle] <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* Find, for each market, its first row that ends at or after since[j]. */
void rows_since(const i64 *end_ts, const i64 *first_row, const i64 *end_row, const i64 *since, i64 markets,
                i64 *first_since) {
    for (i64 j = 0; j < markets; j++)
        first_since[j] = row_at(end_ts, first_row[j], end_row[j], since[j] - 1) + 1;
}

/* Count the candles that end in [since_ts[j], until_ts[j]) of each market j, over all markets. */
i64 count_candles(const i64 *end_ts, const i64 *first_row, const i64 *end_row, const i64 *since_ts, const i64 *until_ts,
                  i64 markets) {
    i64 count = 0;
    for (i64 j = 0; j < markets; j++)
        if (since_ts[j] < until_ts[j])
            count += row_at(end_ts, first_row[j], end_row[j], until_ts[j] - 1) -
                     row_at(end_ts, first_row[j], end_row[j], since_ts[j] - 1);
    return count;
}

/* Return the price of a YES at a top of book, -1 if it cannot be bought. */
static inline i64 yes_ask(i64 bid, i64 ask) { return 0 < ask && ask < MICRO && bid <= ask ? ask : -1; }

/* Return the price of a NO at a top of book, -1 if it cannot be bought. */
static inline i64 no_ask(i64 bid, i64 ask) {
    return 0 < bid && bid < MICRO && (ask == NO_PRICE || bid <= ask) ? MICRO - bid : -1;
}

/* Find the lowest price at which each side of any row can be bought, for each BLOCK of rows; MICRO where none can.

It says what `yes_ask` and `no_ask` say in 32 bits and without a branch, so that the compiler takes several rows at once. */
void lowest_prices(const i32 *bid, const i32 *ask, i64 rows, i32 (*lowest)[2]) {
    for (i64 first = 0; first < rows; first += BLOCK) {
        i32 low_yes = MICRO, low_no = MICRO;
        for (i64 row = first, end = least_of(first + BLOCK, rows); row < end; row++) {
            i32 b = bid[row], a = ask[row];
            i32 yes = (0 < a) & (a < MICRO) & (b <= a) ? a : MICRO;
            i32 no = (0 < b) & (b < MICRO) & ((a == NO_PRICE) | (b <= a)) ? MICRO - b : MICRO;
            low_yes = yes < low_yes ? yes : low_yes;
            low_no = no < low_no ? no : low_no;
        }
        lowest[first / BLOCK][YES] = low_yes, lowest[first / BLOCK][NO] = low_no;
    }
}

/* Find the highest price at which any code of a group is wanted; -1 where none is.

first_code, end_code: by group; its codes are first_code, first_code + stride and so on before end_code. */
void highest_wanted(const i64 *price, const i64 *quantity, const i64 *first_code, const i64 *end_code, i64 stride,
                    i64 groups, i64 *highest) {
    for (i64 group = 0; group < groups; group++) {
        highest[group] = -1;
        for (i64 code = first_code[group]; code < end_code[group]; code += stride)
            if (quantity[code] > 0 && price[code] > highest[group])
                highest[group] = price[code];
    }
}

/* Return the index of a price, numbered as they come, times the stride. price_index, prices, count: as for `price_codes`. */
static inline i32 index_of_price(i32 price, i64 stride, i32 *price_index, i64 *prices, i64 *count) {
    if (price_index[price] < 0) {
        price_index[price] = (i32)(*count * stride);
        prices[(*count)++] = price;
    }
    return price_index[price];
}

/* Give each row a code per side: index of its price * 2 * kinds + kind, -1 where the side is not offered.

The kinds of the NO sides follow those of the YES sides; prices are numbered as they come. price_index: by price in micro-units,
-1; the same when the function returns. prices: receives the price of each index. Returns their number. */
i64 price_codes(const CandleRows *rows, i64 markets, const i64 *kind, i64 kinds, i32 *restrict price_index,
                i64 *restrict prices, i32 *restrict yes_code, i32 *restrict no_code) {
    const i32 *restrict bid = rows->bid, *restrict ask = rows->ask;
    i64 count = 0, stride = 2 * kinds;
    price_index[0] = 0; /* stands for a side that is not offered, and is never counted */
    for (i64 j = 0; j < markets; j++) {
        i32 yes_kind = (i32)kind[j], no_kind = (i32)(kinds + kind[j]);
        for (i64 row = rows->first_row[j], end = rows->end_row[j]; row < end; row++) {
            /* `yes_ask` and `no_ask` without a branch, and 0 where a side is not offered */
            i32 b = bid[row], a = ask[row];
            i32 yes = (0 < a) & (a < MICRO) & (b <= a) ? a : 0;
            i32 no = (0 < b) & (b < MICRO) & ((a == NO_PRICE) | (b <= a)) ? MICRO - b : 0;
            i32 yes_index = index_of_price(yes, stride, price_index, prices, &count);
            i32 no_index = index_of_price(no, stride, price_index, prices, &count);
            yes_code[row] = yes ? yes_index + yes_kind : -1;
            no_code[row] = no ? no_index + no_kind : -1;
        }
    }
    price_index[0] = -1;
    for (i64 n = 0; n < count; n++)
        price_index[prices[n]] = -1;
    return count;
}

typedef struct {
    i64 key, code;
} Quote; /* entry of a hash table */

/* Give each row a code per side by its distinct (contract, YES ask, NO ask), -1 where neither side is offered.

owner, yes_asks, no_asks: by code of the YES sides, the contract's index and both asks (-1: not offered). The codes of the NO
sides follow those of the YES sides. Returns the number of codes of one side.

The hash table (`size` entries, a power of 2) holds one contract's quotes at a time: entries with a code of an earlier
contract count as free. */
i64 quote_codes(const CandleRows *rows, i64 markets, i64 size, Quote *table, i32 *yes_code, i32 *no_code, i64 *owner,
                i32 *yes_asks, i32 *no_asks) {
    i64 count = 0;
    for (i64 j = 0; j < markets; j++) {
        i64 first = count, last_key = -1;
        i32 last_code = -1;
        for (i64 row = rows->first_row[j]; row < rows->end_row[j]; row++) {
            i64 yes = yes_ask(rows->bid[row], rows->ask[row]), no = no_ask(rows->bid[row], rows->ask[row]);
            if (yes < 0 && no < 0) {
                yes_code[row] = -1;
                continue;
            }
            i64 key = (yes + 1) << 21 | (no + 1);
            if (key != last_key) {
                i64 at = (key * 0x9E3779B1 >> 11) & (size - 1);
                while (table[at].code >= first && table[at].key != key)
                    at = (at + 1) & (size - 1);
                if (table[at].code < first) {
                    table[at] = (Quote){key, count};
                    owner[count] = j, yes_asks[count] = (i32)yes, no_asks[count] = (i32)no;
                    count++;
                }
                last_key = key, last_code = (i32)table[at].code;
            }
            yes_code[row] = last_code;
        }
    }
    for (i64 j = 0; j < markets; j++)
        for (i64 row = rows->first_row[j]; row < rows->end_row[j]; row++)
            no_code[row] = yes_code[row] < 0 ? -1 : yes_code[row] + (i32)count;
    return count;
}

/* Count the decision times at which a row is the visible one. */
static i64 times_visible(const i64 *end_ts, i64 row, i64 end_row, i64 first_t, i64 last_t, i64 step, i64 max_age) {
    i64 since = most_of(up(end_ts[row], step) * step, first_t);
    i64 until = least_of(last_t, down(end_ts[row] + max_age, step) * step);
    if (row + 1 < end_row)
        until = least_of(until, down(end_ts[row + 1] - 1, step) * step);
    return most_of(down(until - since, step) + 1, 0);
}

/* Return whether a bid is above its ask. */
static inline i32 is_crossed(i32 bid, i32 ask) { return (ask != NO_PRICE) & (bid > ask); }

/* Count the decision times of all contracts at which a crossed quote is visible.

latest: receives the end of the latest candle that is visible at any decision time, or -1. */
i64 count_crossed(const CandleRows *rows, i64 markets, const i64 *first_t, const i64 *last_t, i64 step, i64 max_age,
                  i64 *latest) {
    const i64 *end_ts = rows->end_ts;
    i64 crossed = 0;
    *latest = -1;
    for (i64 j = 0; j < markets; j++) {
        i64 end_row = rows->end_row[j];
        for (i64 row = rows->first_row[j]; row < end_row;) {
            /* several rows at once, since nearly none is crossed */
            i64 end = least_of(row + BLOCK, end_row);
            i32 any = 0;
            for (i64 k = row; k < end; k++)
                any |= is_crossed(rows->bid[k], rows->ask[k]);
            for (; any && row < end; row++)
                if (is_crossed(rows->bid[row], rows->ask[row]))
                    crossed += times_visible(end_ts, row, end_row, first_t[j], last_t[j], step, max_age);
            row = end;
        }
        for (i64 row = end_row - 1; row >= rows->first_row[j] && end_ts[row] > *latest; row--)
            if (times_visible(end_ts, row, end_row, first_t[j], last_t[j], step, max_age))
                *latest = end_ts[row];
    }
    return crossed;
}

/* ---- Sizes and costs ---- */

/* Return whether a × b ≤ c × d, exactly; all from 0 to 2^63. */
bool at_most(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return (unsigned __int128)a * b <= (unsigned __int128)c * d;
}

typedef struct {
    unsigned __int128 high;
    uint64_t low;
} Product; /* high × 2^64 + low */

/* Return a × b × c, all from 0 to 2^63. */
static Product product(uint64_t a, uint64_t b, uint64_t c) {
    unsigned __int128 ab = (unsigned __int128)a * b, low = (unsigned __int128)(uint64_t)ab * c;
    return (Product){(ab >> 64) * c + (low >> 64), (uint64_t)low};
}

/* Return whether one product is at most another. */
static bool product_at_most(Product one, Product other) {
    return one.high != other.high ? one.high < other.high : one.low <= other.low;
}

/* Return floor(fraction/base × edge/room × equity/price) of a fraction up to 1 and an edge up to the room; then no result is
above equity/price. */
i64 kelly_quantity(i64 fraction, i64 base, i64 edge, i64 room, i64 price, i64 equity) {
    if (edge <= 0 || equity <= 0)
        return 0;
    /* a guess in floating point, which is right or almost, and then exact steps to the result */
    long double guess = (long double)fraction / base * ((long double)edge / room) * ((long double)equity / price);
    i64 quantity = (i64)guess;
    Product stake = product(fraction, equity, edge);
    while (product_at_most(product(quantity + 1, base, (uint64_t)price * room), stake))
        quantity++;
    while (quantity > 0 && !product_at_most(product(quantity, base, (uint64_t)price * room), stake))
        quantity--;
    return quantity;
}

/* Return floor(share/base × volume/100), exactly; share/base is at most 1. */
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

typedef struct { /* per contract whole + part/base grids; an order's cost is rounded up to balance_grid, if not 0 */
    i64 whole, part, base, grid, balance_grid;
} Fee;

/* Return a/b rounded down, which fits into 64 bits; b > 0. */
static inline i64 down_wide(wide a, i64 b) { return a == (i64)a ? down((i64)a, b) : (i64)(a / b - (a % b < 0)); }

/* Return a/b rounded up; a ≥ 0, b > 0. Most amounts fit into 64 bits, which are divided faster. */
static inline wide up_wide(wide a, i64 b) { return a == (i64)a ? up((i64)a, b) : (a + b - 1) / b; }

/* Return the fee of an order (FeeRule.fees in fees.py). */
wide fee_of(i64 quantity, i64 price, Fee terms) {
    wide fee = ((wide)quantity * terms.whole + up_wide((wide)quantity * terms.part, terms.base)) * terms.grid;
    if (terms.balance_grid) {
        wide value = (wide)quantity * price;
        fee = up_wide(value + fee, terms.balance_grid) * terms.balance_grid - value;
    }
    return fee;
}

static wide cost_of(i64 quantity, i64 price, Fee terms) {
    return (wide)quantity * price + fee_of(quantity, price, terms);
}

/* Return the expected value of an order after its fee, in pico-units. gross: of one contract before the fee. */
static wide value_of(i64 gross, i64 quantity, i64 price, Fee terms) {
    return (wide)gross * quantity - fee_of(quantity, price, terms) * PICO_PER_MICRO;
}

/* Return the largest quantity, up to a wanted one, whose cost with fee is within cash. Cost grows with quantity. */
i64 affordable(i64 quantity, i64 price, i64 cash, Fee terms) {
    quantity = least_of(quantity, down(cash, price));
    if (quantity <= 0)
        return 0;
    if (cost_of(quantity, price, terms) <= cash)
        return quantity;
    i64 low = 0, high = quantity;
    while (high - low > 1) {
        i64 middle = low + (high - low) / 2;
        if (cost_of(middle, price, terms) <= cash)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- Order books ---- */

typedef struct { /* rate of a fee as a fraction, and how it is rounded: see Fee */
    i64 rate, rate_base, grid, balance_grid;
} RateTerms;

typedef struct { /* what a book offers to an order, the best price first */
    const i64 *price, *size;
    i64 levels; /* that are good enough for the order */
    i64 gone;   /* contracts that the account took already, from the best ones on */
    RateTerms terms;
} Ladder;

/* Return what is left of a level. gone: contracts that are gone of it and the levels behind it; less those of the level. */
static i64 left_of_level(i64 size, i64 *gone) {
    i64 here = least_of(size, *gone);
    *gone -= here;
    return size - here;
}

/* Return how many contracts are left. */
static i64 ladder_size(const Ladder *ladder) {
    i64 gone = ladder->gone, left = 0;
    for (i64 level = 0; level < ladder->levels; level++)
        left += left_of_level(ladder->size[level], &gone);
    return left;
}

/* Return what the best contracts cost without fees. */
static wide ladder_value(const Ladder *ladder, i64 quantity) {
    i64 gone = ladder->gone;
    wide value = 0;
    for (i64 level = 0; quantity > 0; level++) {
        i64 part = least_of(quantity, left_of_level(ladder->size[level], &gone));
        value += (wide)part * ladder->price[level];
        quantity -= part;
    }
    return value;
}

/* Return the fee of an order that buys the best contracts (FeeRule.of_parts in fees.py). */
static wide ladder_fee(const Ladder *ladder, i64 quantity) {
    const RateTerms *terms = &ladder->terms;
    i64 gone = ladder->gone, base = terms->rate_base * MICRO * terms->grid;
    wide value = 0, amount = 0, fee = 0;
    for (i64 level = 0; quantity > 0; level++) {
        i64 price = ladder->price[level], part = least_of(quantity, left_of_level(ladder->size[level], &gone));
        wide here = (wide)part * terms->rate * (price * (MICRO - price));
        value += (wide)part * price;
        amount += here;
        fee += up_wide(here, base) * terms->grid;
        quantity -= part;
    }
    if (terms->balance_grid)
        return up_wide(value + fee, terms->balance_grid) * terms->balance_grid - value;
    return up_wide(amount, base) * terms->grid;
}

/* Return the largest quantity, up to a wanted one, of which the contracts after the first ones cost no more than some money
without fees; with_fee: all contracts and their fee. The cost grows with the quantity. */
static i64 ladder_within(const Ladder *ladder, i64 first, i64 quantity, i64 money, bool with_fee) {
    wide free = ladder_value(ladder, first);
    i64 low = first, high = quantity + 1;
    while (high - low > 1) {
        i64 middle = low + (high - low) / 2;
        wide cost = ladder_value(ladder, middle) + (with_fee ? ladder_fee(ladder, middle) : -free);
        if (cost <= money)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- The account ---- */

/* Take a contract out of the held ones: the last of them moves to its entry. */
static void stop_holding(i64 i, const Account *account) {
    i64 *count = &account->scalars[S_HOLDING], k = 0;
    while (account->holding[k] != i)
        k++;
    account->holding[k] = account->holding[--*count];
}

/* Pay out every contract that settles by ts, and release its share of the limits.

by_settlement: idx of all contracts by settlement time and ticker; rows: receives a row per side that is paid, or NULL. */
void settle(i64 ts, const MarketColumns *market, const Account *account, const i64 *by_settlement, i64 contracts,
            Settlement *rows) {
    i64 *s = account->scalars;
    while (s[S_SETTLED] < contracts && market->settle_ts[by_settlement[s[S_SETTLED]]] <= ts) {
        i64 i = by_settlement[s[S_SETTLED]++];
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
        stop_holding(i, account);
    }
}

/* Return the liquidation value of the open contracts at the quotes visible at ts; 0 where no quote is visible. */
static i64 open_value(i64 ts, const CandleRows *rows, const i64 *member, const Account *account, i64 max_age) {
    i64 value = 0;
    for (i64 k = 0; k < account->scalars[S_HOLDING]; k++) {
        i64 i = account->holding[k], j = member[i];
        i64 row = row_at(rows->end_ts, rows->first_row[j], rows->end_row[j], ts);
        if (row < rows->first_row[j] || ts - rows->quote_ts[row] > max_age)
            continue;
        i64 yes = yes_ask(rows->bid[row], rows->ask[row]), no = no_ask(rows->bid[row], rows->ask[row]);
        if (no >= 0)
            value += account->held[i][YES] * (MICRO - no); /* YES is sold at the bid */
        if (yes >= 0)
            value += account->held[i][NO] * (MICRO - yes);
    }
    return value;
}

/* Return what the oldest held contracts of a market cost, `quantity` of them, without fees. Where sides are netted. */
static i64 oldest_cost(i64 i, i64 quantity, const Account *account) {
    i64 cost = 0;
    for (i64 lot = account->oldest_lot[i]; quantity > 0; lot = account->next_lot[lot]) {
        i64 part = least_of(quantity, account->lot_quantity[lot]);
        cost += part * account->lot_price[lot];
        quantity -= part;
    }
    return cost;
}

/* Add contracts to what is held of a side and to the use of the limits, or take some away (below 0); cost: without fees. */
static void change_holding(i64 i, i64 side, i64 quantity, i64 cost, i64 event, const Account *account) {
    account->held[i][side] += quantity;
    account->cost[i] += cost;
    account->scalars[S_OPEN] += quantity;
    account->scalars[S_OPEN_COST] += cost;
    account->event_contracts[event] += quantity;
    account->event_cost[event] += cost;
}

/* Close `netted` pairs of an order and the oldest held contracts of the other side: each pays one unit of money. */
static void close_pairs(i64 i, i64 held_side, i64 netted, i64 event, const Account *account) {
    change_holding(i, held_side, -netted, -oldest_cost(i, netted, account), event, account);
    for (i64 left = netted; left > 0;) {
        i64 lot = account->oldest_lot[i], part = least_of(left, account->lot_quantity[lot]);
        left -= part;
        account->lot_quantity[lot] -= part;
        if (account->lot_quantity[lot] == 0)
            account->oldest_lot[i] = account->next_lot[lot];
    }
    account->scalars[S_CASH] += netted * MICRO;
    if (account->held[i][held_side] == 0)
        stop_holding(i, account);
}

/* Add a lot to those of a contract. was_held: whether it has open ones. */
static void add_lot(i64 i, i64 quantity, i64 price, bool was_held, const Account *account) {
    i64 lot = account->scalars[S_LOTS]++;
    account->lot_quantity[lot] = quantity;
    account->lot_price[lot] = price;
    if (was_held)
        account->next_lot[account->newest_lot[i]] = lot;
    else
        account->oldest_lot[i] = lot;
    account->newest_lot[i] = lot;
}

/* Book a fill: cash, holdings and use of the limits. What makes pairs with the other side is closed at once. */
void buy(const Fill *fill, const MarketColumns *market, const Account *account, const Limits *limits, Fill *fills) {
    i64 *s = account->scalars, i = fill->idx, side = fill->side, event = market->event[i];
    s[S_CASH] -= fill->quantity * fill->price + fill->fee;
    if (fill->netted)
        close_pairs(i, 1 - side, fill->netted, event, account);
    i64 kept = fill->quantity - fill->netted;
    bool was_held = account->held[i][YES] || account->held[i][NO];
    if (kept && !was_held)
        account->holding[s[S_HOLDING]++] = i;
    if (kept && limits->opposing == NETTED)
        add_lot(i, kept, fill->price, was_held, account);
    change_holding(i, side, kept, kept * fill->price, event, account);
    account->event_orders[event]++;
    if (account->candle_ts[i] != fill->quote_ts) {
        account->candle_ts[i] = fill->quote_ts;
        account->candle_used[i] = account->taken[i][YES] = account->taken[i][NO] = 0;
    }
    account->candle_used[i] += fill->quantity;
    account->taken[i][side] += fill->quantity;
    fills[s[S_FILLS]++] = *fill;
}

/* ---- Limits ---- */

/* Return the reason for which no order can be filled until a contract of the event settles, or NO_REASON.

Where sides are netted, any order may make room for another one: nothing is known beforehand. */
i64 full_reason(i64 yes_held, i64 no_held, i64 side, i64 in_event, const Limits *limits) {
    if (limits->opposing == NETTED)
        return NO_REASON;
    if (limits->opposing == REFUSED && (side == NO ? yes_held : no_held))
        return OPPOSING;
    if (limits->volume_share_base) /* LIQUIDITY is judged before the limits of market and event */
        return NO_REASON;
    if (yes_held + no_held >= limits->per_market)
        return MARKET;
    return in_event >= limits->per_event ? EVENT : NO_REASON;
}

/* Return whether an event has orders left for the civil day of t. */
static bool orders_left(i64 event, i64 t, const MarketColumns *market, const Account *account, i64 orders) {
    i64 day = account->event_day[event];
    while (market->first_midnight[event] + day < market->end_midnight[event] &&
           market->days[market->first_midnight[event] + day] <= t) {
        day++;
        account->event_orders[event] = 0;
    }
    account->event_day[event] = day;
    return account->event_orders[event] < orders;
}

/* Reduce an order's quantity to all limits but cash. Returns NO_REASON, or the reason for which nothing is left.

ladder: what the market's book offers, in place of a share of the volume; NULL: the market has no book. Contracts that make pairs
with the other side are free of the limits on what is held, which the rest meets as if the pairs were closed already. */
i64 cut_to_limits(i64 i, i64 side, i64 price, i64 volume, i64 quote_ts, i64 t, const MarketColumns *market,
                  const Account *account, const Limits *limits, const Ladder *ladder, i64 *quantity) {
    i64 event = market->event[i], other_held = account->held[i][1 - side];
    if (limits->opposing == REFUSED && other_held)
        return OPPOSING;
    if (ladder) {
        *quantity = least_of(*quantity, ladder_size(ladder));
        if (*quantity <= 0)
            return BOOK;
    } else if (limits->volume_share_base) {
        i64 used = account->candle_ts[i] == quote_ts ? account->candle_used[i] : 0;
        *quantity = least_of(*quantity, share_of(volume, limits->volume_share, limits->volume_share_base) - used);
        if (*quantity <= 0)
            return LIQUIDITY;
    }
    i64 netted = limits->opposing == NETTED ? least_of(*quantity, other_held) : 0;
    i64 rest = *quantity - netted, freed_cost = netted ? oldest_cost(i, netted, account) : 0;
    const i64 money = limits->notional - (account->event_cost[event] - freed_cost);
    const i64 left[] = {
        [MARKET] = limits->per_market - (account->held[i][YES] + account->held[i][NO] - netted),
        [EVENT] = limits->per_event - (account->event_contracts[event] - netted),
        [TOTAL] = limits->total_open - (account->scalars[S_OPEN] - netted),
        [NOTIONAL] = ladder ? ladder_within(ladder, netted, *quantity, money, false) - netted : down(money, price),
    };
    for (i64 reason = MARKET; reason <= NOTIONAL; reason++) {
        rest = most_of(least_of(rest, left[reason]), 0);
        if (netted + rest == 0)
            return reason;
    }
    *quantity = netted + rest;
    if (limits->orders < UNLIMITED && !orders_left(event, t, market, account, limits->orders))
        return ORDERS;
    return NO_REASON;
}

/* ---- Wanted orders ---- */

/* Return whether an order goes before another: by rank + remainder/quantity, the highest first, then by idx. */
bool before(i64 rank, i64 remainder, i64 quantity, i64 i, i64 rank2, i64 remainder2, i64 quantity2, i64 i2) {
    if (rank != rank2)
        return rank > rank2;
    wide here = (wide)remainder * quantity2, there = (wide)remainder2 * quantity;
    return here != there ? here > there : i < i2;
}

/* Return whether any side of a row is wanted. yes, no: its codes. */
static inline bool any_wanted(i64 yes, i64 no, const i64 *quantity) {
    return (yes >= 0 && quantity[yes] > 0) || (no >= 0 && quantity[no] > 0);
}

/* Return whether the NO side goes before the YES side, where at least one is wanted. yes, no: their codes. */
static inline bool prefers_no(i64 yes, i64 no, const WantedTable *table) {
    const i64 *quantity = table->quantity, *rank = table->rank, *rank_remainder = table->rank_remainder;
    if (no < 0 || quantity[no] == 0)
        return false;
    if (yes < 0 || quantity[yes] == 0)
        return true;
    return before(rank[no], rank_remainder[no], quantity[no], 1, rank[yes], rank_remainder[yes], quantity[yes], 0);
}

typedef struct {
    i64 side, quantity, rank, rank_remainder;
} WantedOrder; /* at a quote; quantity 0: nothing is wanted */

/* Return the contracts wanted of a side under Kelly sizing. value: receives their expected value after the fee. */
static i64 kelly_side(i64 code, i64 price, i64 equity, const WantedTable *table, const Limits *limits, const i64 *era,
                      wide *value) {
    *value = 0;
    if (code < 0)
        return 0;
    i64 gross = table->chance[code] - price * PICO_PER_MICRO;
    if (gross <= limits->min_ev)
        return 0;
    i64 quantity =
        kelly_quantity(limits->kelly, limits->kelly_base, gross, PICO - price * PICO_PER_MICRO, price, equity);
    Fee terms = {table->fee_whole[code], table->fee_part[code], table->fee_base[code], era[1], era[2]};
    *value = value_of(gross, quantity, price, terms);
    return *value > (wide)limits->min_ev * quantity ? quantity : 0;
}

/* Return the order that Kelly sizing wants at a quote. */
static WantedOrder kelly_order(i64 yes, i64 no, i64 bid, i64 ask, i64 equity, const WantedTable *table,
                               const Limits *limits, const i64 *era) {
    const i64 code[] = {yes, no}, price[] = {ask, MICRO - bid};
    WantedOrder orders[2];
    for (i64 side = YES; side <= NO; side++) {
        wide value;
        i64 wanted = kelly_side(code[side], price[side], equity, table, limits, era, &value);
        i64 rank = wanted ? down_wide(value, wanted) : 0;
        orders[side] = (WantedOrder){side, wanted, rank, wanted ? (i64)(value - (wide)rank * wanted) : 0};
    }
    bool prefers =
        orders[NO].quantity &&
        (!orders[YES].quantity || before(orders[NO].rank, orders[NO].rank_remainder, orders[NO].quantity, 1,
                                         orders[YES].rank, orders[YES].rank_remainder, orders[YES].quantity, 0));
    return orders[prefers ? NO : YES];
}

/* Return the next row with a wanted side and enough volume; the last row if there is none.

highest: by side, the highest price at which the market's side is wanted at all: a block of rows whose lowest price is above
it needs no look. wake: receives the decision time at which the returned row becomes visible, or NEVER. */
static i64 next_wanted(i64 row, i64 end_row, i64 earliest, i64 step, i64 least_volume, const CandleRows *rows,
                       const i32 (*lowest)[2], const i64 *highest, const i32 *yes_code, const i32 *no_code,
                       const i64 *quantity, i64 *wake) {
    const i64 *end_ts = rows->end_ts, *volume = rows->volume;
    for (bool found = false; row < end_row && !found;) {
        i64 block = row / BLOCK, end_of_block = least_of(end_row, (block + 1) * BLOCK);
        if (lowest[block][YES] > highest[YES] && lowest[block][NO] > highest[NO])
            row = end_of_block;
        while (row < end_of_block &&
               !(found = volume[row] >= least_volume && any_wanted(yes_code[row], no_code[row], quantity)))
            row++;
    }
    *wake = row == end_row ? NEVER : most_of(up(end_ts[row], step) * step, earliest);
    return row == end_row ? end_row - 1 : row;
}

/* Return the next row whose order costs no more than cash, among those that end before `due`; else the last of those.

Until `due` cash only falls, so the other rows need no look. wake: receives the decision time at which the returned row is to
be judged, at the latest that of `due`. */
static i64 next_affordable(i64 row, i64 end_row, i64 earliest, i64 step, i64 due, i64 cash, const CandleRows *rows,
                           const i32 (*lowest)[2], const i32 *yes_code, const i32 *no_code, const WantedTable *table,
                           i64 *wake) {
    const i64 *end_ts = rows->end_ts;
    for (; row < end_row && end_ts[row] < due; row++) {
        /* a whole block in which nothing is that cheap */
        if (row % BLOCK == 0 && row + BLOCK <= end_row && lowest[row / BLOCK][YES] > cash &&
            lowest[row / BLOCK][NO] > cash && end_ts[row + BLOCK - 1] < due) {
            row += BLOCK - 1;
            continue;
        }
        i64 yes = yes_code[row], no = no_code[row];
        if (!any_wanted(yes, no, table->quantity))
            continue;
        if ((prefers_no(yes, no, table) ? MICRO - rows->bid[row] : rows->ask[row]) <= cash) {
            *wake = most_of(up(end_ts[row], step) * step, earliest);
            return row;
        }
    }
    *wake = most_of(up(due, step) * step, earliest);
    return row - 1;
}

/* ---- Refusals ---- */

/* Add a number of equal refusals of a contract, the first of them at t. */
static inline void count_refusals(i64 i, i64 side, i64 reason, i64 t, i64 times, const Buffers *out) {
    if (out->counts[i][side][reason] == 0 || t < out->firsts[i][side][reason])
        out->firsts[i][side][reason] = t;
    out->counts[i][side][reason] += times;
}

/* Count the refusals of a market of which no side can be bought, at all its decision times in [t, until).

row: the one visible at t; reason: by side, YES and NO. */
static void refuse_until(i64 i, i64 t, i64 until, i64 step, i64 max_age, i64 row, i64 end_row, i64 last_t,
                         const CandleRows *rows, const i32 *yes_code, const i32 *no_code, const WantedTable *table,
                         const i64 *reason, const Buffers *out) {
    i64 times[2] = {0, 0}, first[2] = {NEVER, NEVER};
    for (; t < until && t <= last_t; t += step) {
        while (row + 1 < end_row && rows->end_ts[row + 1] <= t)
            row++;
        i64 yes = yes_code[row], no = no_code[row];
        if (t - rows->quote_ts[row] > max_age || !any_wanted(yes, no, table->quantity))
            continue;
        i64 side = prefers_no(yes, no, table) ? NO : YES;
        if (times[side]++ == 0)
            first[side] = t;
    }
    for (i64 side = YES; side <= NO; side++)
        if (times[side])
            count_refusals(i, side, reason[side], first[side], times[side], out);
}

/* Record a refusal for a full audit: extend the contract's stretch of equal refusals, or begin another. */
static void extend_stretch(i64 i, i64 side, i64 reason, i64 t, i64 step, i64 quote_ts, i64 quantity, i64 price,
                           const Buffers *out, i64 *scalars) {
    RefusalStretch *now = &out->stretch[i];
    if (now->times && now->side == side && now->reason == reason && now->quote_ts == quote_ts &&
        now->quantity == quantity && now->last == t - step) {
        now->times++;
        now->last = t;
        return;
    }
    if (now->times)
        out->refusals[scalars[S_REFUSALS]++] = *now;
    *now = (RefusalStretch){1, i, side, reason, quote_ts, quantity, price, t, t};
}

/* ---- The pass ---- */

typedef struct { /* the arguments of `advance`; kernel.py's advance builds it */
    i64 until, step, max_age;
    const i64 (*eras)[3]; /* eras of the fee rule: start, grid, balance grid */
    i64 era_count, era_rows;
    const MarketColumns *market;
    const i64 *by_settlement; /* idx of all contracts by settlement and ticker */
    i64 contracts;
    const i64 *live_idx; /* idx of the live contracts, whose candles this pass has */
    const i64 *by_start; /* places in live_idx, by first decision time */
    i64 live_count;
    const i64 *member; /* by idx, place in live_idx, or -1 */
    const CandleRows *rows;
    const i32 (*lowest)[2];  /* by BLOCK of rows: the lowest price of each side */
    const i64 (*highest)[2]; /* by live contract: the highest price at which each side is wanted */
    const i32 *yes_code, *no_code;
    const WantedTable *table;
    const Limits *limits;
    const Books *books; /* NULL: no market has a book */
    i64 most_levels;    /* of a side of a book, at least 1: the most fills of an order */
    const Account *account;
    const i64 *instants; /* when equity is recorded */
    i64 instant_count;
    const Buffers *out;
    i64 fill_rows, refusal_rows;
    i64 counted, audit; /* whether refusals are counted, or kept as stretches */
    i64 booked;         /* whether settlements are recorded */
    const Scratch *scratch;
} Pass;

/* Settle all contracts due by ts, and record equity at every instant up to ts, after the settlements of that instant. */
static void settle_and_mark(i64 ts, const Pass *pass) {
    i64 *s = pass->account->scalars;
    Settlement *rows = pass->booked ? pass->out->settlements : NULL;
    for (; s[S_MARKED] < pass->instant_count && pass->instants[s[S_MARKED]] <= ts; s[S_MARKED]++) {
        i64 instant = pass->instants[s[S_MARKED]];
        settle(instant, pass->market, pass->account, pass->by_settlement, pass->contracts, rows);
        pass->out->marks[s[S_MARKED]][0] = s[S_CASH];
        pass->out->marks[s[S_MARKED]][1] = open_value(instant, pass->rows, pass->member, pass->account, pass->max_age);
    }
    settle(ts, pass->market, pass->account, pass->by_settlement, pass->contracts, rows);
}

/* Return when `settle_and_mark` has something to do next. */
static i64 next_due(const Pass *pass) {
    const i64 *s = pass->account->scalars;
    i64 due = s[S_MARKED] < pass->instant_count ? pass->instants[s[S_MARKED]] : NEVER;
    return s[S_SETTLED] < pass->contracts ? least_of(due, pass->market->settle_ts[pass->by_settlement[s[S_SETTLED]]])
                                          : due;
}

/* Insert the order of contract j among the first ranked_count ranked ones. */
static void insert_ranked(i64 j, i64 ranked_count, const Scratch *scratch, const i64 *live_idx) {
    i64 k = ranked_count;
    for (; k > 0; k--) {
        i64 other = scratch->ranked[k - 1];
        if (!before(scratch->rank[j], scratch->rank_remainder[j], scratch->wanted[j], live_idx[j], scratch->rank[other],
                    scratch->rank_remainder[other], scratch->wanted[other], live_idx[other]))
            break;
        scratch->ranked[k] = other;
    }
    scratch->ranked[k] = j;
}

/* Return whether a market's quote is of its order book. Before its first snapshot it is of a candle. */
static inline bool in_book(i64 i, i64 quote_ts, const Books *books) {
    return books && books->first_snapshot[i] < books->end_snapshot[i] &&
           books->known_at[books->first_snapshot[i]] <= quote_ts;
}

/* Return what the book in force offers to an order of market j.

A level is good enough if a contract of it is still worth more than min_ev after its fee, before rounding; without min_ev if it
costs no more than the visible price, which is what the strategy was asked about. */
static Ladder ladder_of(i64 j, i64 side, i64 price, const i64 *era, const Pass *pass) {
    const Books *books = pass->books;
    i64 i = pass->live_idx[j], quote_ts = pass->rows->quote_ts[pass->scratch->position[j]];
    i64 chance = pass->table->chance[pass->scratch->code[j]], rate = books->rate[i], base = books->rate_base[i];
    i64 snapshot = row_at(books->known_at, books->first_snapshot[i], books->end_snapshot[i], quote_ts);
    i64 first = books->first_level[2 * snapshot + side], end = books->first_level[2 * snapshot + side + 1],
        level = first;
    for (; level < end; level++) {
        i64 here = books->price[level];
        wide worth = ((wide)chance - (wide)here * PICO_PER_MICRO - pass->limits->min_ev) * base;
        if (pass->limits->has_min_ev ? worth <= (wide)rate * (here * (MICRO - here)) : here > price)
            break;
    }
    i64 gone = pass->account->candle_ts[i] == quote_ts ? pass->account->taken[i][side] : 0;
    return (Ladder){books->price + first, books->size + first, level - first, gone, {rate, base, era[1], era[2]}};
}

/* Book an order that buys the best contracts of a book: a fill for every level, which together count as one order. */
static void buy_levels(i64 j, i64 side, i64 quantity, i64 t, const Ladder *ladder, const Pass *pass) {
    const Account *account = pass->account;
    i64 i = pass->live_idx[j], quote_ts = pass->rows->quote_ts[pass->scratch->position[j]],
        event = pass->market->event[i];
    i64 gone = ladder->gone, bought = 0, paid = 0, orders = account->event_orders[event] + 1;
    for (i64 level = 0; bought < quantity; level++) {
        i64 part = least_of(quantity - bought, left_of_level(ladder->size[level], &gone));
        if (part == 0)
            continue;
        bought += part;
        i64 fee = (i64)ladder_fee(ladder, bought) - paid;
        paid += fee;
        i64 netted = pass->limits->opposing == NETTED ? least_of(part, account->held[i][1 - side]) : 0;
        buy(&(Fill){i, side, part, ladder->price[level], fee, t, quote_ts, netted}, pass->market, account, pass->limits,
            pass->out->fills);
    }
    account->event_orders[event] = orders;
}

/* Fill an order from its market's book, as `fill_order`. */
static i64 fill_from_book(i64 j, i64 side, i64 price, i64 t, const i64 *era, const Pass *pass) {
    i64 i = pass->live_idx[j], quote_ts = pass->rows->quote_ts[pass->scratch->position[j]],
        quantity = pass->scratch->wanted[j];
    Ladder ladder = ladder_of(j, side, price, era, pass);
    i64 reason =
        cut_to_limits(i, side, price, 0, quote_ts, t, pass->market, pass->account, pass->limits, &ladder, &quantity);
    if (reason != NO_REASON)
        return reason;
    quantity = ladder_within(&ladder, 0, quantity, pass->account->scalars[S_CASH], true);
    if (quantity == 0)
        return CASH;
    wide spent = ladder_value(&ladder, quantity) + ladder_fee(&ladder, quantity);
    wide value = (wide)pass->table->chance[pass->scratch->code[j]] * quantity - spent * PICO_PER_MICRO;
    if (pass->limits->has_min_ev && value <= (wide)pass->limits->min_ev * quantity)
        return EV;
    if (quantity > MOST_OPEN - pass->account->scalars[S_OPEN])
        return TOO_MANY_OPEN;
    buy_levels(j, side, quantity, t, &ladder, pass);
    return NO_REASON;
}

/* Fill an order as far as limits and cash allow. Returns NO_REASON, the reason for its refusal, or TOO_MANY_OPEN. */
static i64 fill_order(i64 j, i64 side, i64 price, i64 t, const i64 *era, const Pass *pass) {
    i64 i = pass->live_idx[j], row = pass->scratch->position[j], code = pass->scratch->code[j];
    if (in_book(i, pass->rows->quote_ts[row], pass->books))
        return fill_from_book(j, side, price, t, era, pass);
    i64 quantity = pass->scratch->wanted[j], quote_ts = pass->rows->quote_ts[row];
    i64 reason = cut_to_limits(i, side, price, pass->rows->volume[row], quote_ts, t, pass->market, pass->account,
                               pass->limits, NULL, &quantity);
    if (reason != NO_REASON)
        return reason;
    Fee terms = {pass->table->fee_whole[code], pass->table->fee_part[code], pass->table->fee_base[code], era[1],
                 era[2]};
    quantity = affordable(quantity, price, pass->account->scalars[S_CASH], terms);
    if (quantity == 0)
        return CASH;
    i64 gross = pass->table->chance[code] - price * PICO_PER_MICRO;
    if (pass->limits->has_min_ev && value_of(gross, quantity, price, terms) <= (wide)pass->limits->min_ev * quantity)
        return EV;
    if (quantity > MOST_OPEN - pass->account->scalars[S_OPEN])
        return TOO_MANY_OPEN;
    i64 netted = pass->limits->opposing == NETTED ? least_of(quantity, pass->account->held[i][1 - side]) : 0;
    i64 fee = (i64)fee_of(quantity, price, terms);
    buy(&(Fill){i, side, quantity, price, fee, t, quote_ts, netted}, pass->market, pass->account, pass->limits,
        pass->out->fills);
    return NO_REASON;
}

typedef struct { /* state of a pass */
    const Pass *pass;
    const Scratch *scratch;
    i64 t;
    i64 alive;                              /* active markets: the first entries of scratch->active */
    i64 upcoming;                           /* index in by_start of the next market that begins */
    i64 ranked_count;                       /* orders of this instant: the first entries of scratch->ranked */
    i64 soonest;                            /* when the first sleeping market wakes */
    i64 due;                                /* when `settle_and_mark` has something to do */
    const i64 *era;                         /* current era of the fee rule */
    i64 era_index, era_shift;               /* era_shift: first row of the era in WantedTable */
    i64 equity;                             /* cash plus cost of the open contracts, for Kelly sizing */
    bool busy;                              /* an order is wanted that the account could pay */
    i64 least_volume;                       /* of a candle on which anything can be bought, if no refusal is recorded */
    Limits full;                            /* the limits by which a market is full */
    bool netted;                            /* opposing sides are netted: any fill may free cash and room */
    bool one_era, sleeps, leaps, only_cash; /* the shortcuts: see `start_pass` */
} Progress;

/* Return the least volume of which a share is a whole contract. */
static i64 volume_of_one(i64 share, i64 base) {
    wide volume = share > 0 ? up_wide((wide)base * 100, share) : NEVER;
    return volume < NEVER ? (i64)volume : NEVER;
}

/* Return the state at the beginning of a pass, with the shortcuts that it may take. */
static Progress start_pass(const Pass *pass) {
    const Limits *limits = pass->limits;
    bool silent = !pass->counted && !pass->audit; /* refusals are not recorded: why nothing is bought does not matter */
    Progress progress = {.pass = pass,
                         .scratch = pass->scratch,
                         .t = pass->account->scalars[S_NOW],
                         .due = next_due(pass),
                         .era = pass->eras[0],
                         .least_volume = -NEVER,
                         .full = *limits};
    progress.netted = limits->opposing == NETTED;
    progress.one_era = pass->era_count == 1;
    /* sleeps: a market without a wanted quote sleeps until its next wanted one. (Under Kelly sizing, or in another era of
    the fee rule, wanted orders change without a new quote.) */
    progress.sleeps = limits->kelly_base == 0 && progress.one_era;
    if (silent && limits->volume_share_base) {
        /* a full market stays full, whatever volume its candles have */
        progress.full.volume_share_base = 0;
        if (!pass->books)
            progress.least_volume = volume_of_one(limits->volume_share, limits->volume_share_base);
    }
    /* leaps: refusals of a full market are counted at once, since it stays full until a contract of its event settles */
    progress.leaps = progress.sleeps && !pass->audit && progress.full.volume_share_base == 0 && !progress.netted;
    /* only_cash: beyond the limits of market and event, no limit is judged before cash */
    progress.only_cash = !progress.netted &&
                         least_of(limits->total_open, least_of(limits->notional, limits->orders)) >= UNLIMITED &&
                         limits->volume_share_base == 0 && !pass->books;
    return progress;
}

/* Return when the next market begins, NEVER if none does; markets that ended before t are skipped. */
static i64 next_start(Progress *progress) {
    const Pass *pass = progress->pass;
    while (progress->upcoming < pass->live_count &&
           pass->market->last_t[pass->live_idx[pass->by_start[progress->upcoming]]] < progress->t)
        progress->upcoming++;
    return progress->upcoming < pass->live_count
               ? pass->market->first_t[pass->live_idx[pass->by_start[progress->upcoming]]]
               : NEVER;
}

/* Make the markets active that have begun by t. */
static void begin_markets(Progress *progress) {
    const Pass *pass = progress->pass;
    while (next_start(progress) <= progress->t) {
        i64 j = pass->by_start[progress->upcoming++];
        if (pass->account->passed[pass->live_idx[j]] < pass->until) {
            progress->scratch->active[progress->alive++] = j;
            progress->scratch->position[j] =
                row_at(pass->rows->end_ts, pass->rows->first_row[j], pass->rows->end_row[j], progress->t);
            progress->scratch->wake[j] = progress->t;
        }
    }
}

/* Settle what is due by t, and prepare the decisions of t: era of the fee rule, equity, no orders yet. */
static void settle_due(Progress *progress) {
    const Pass *pass = progress->pass;
    if (progress->t >= progress->due) {
        settle_and_mark(progress->t, pass);
        progress->due = next_due(pass);
    }
    while (progress->era_index + 1 < pass->era_count && pass->eras[progress->era_index + 1][0] <= progress->t)
        progress->era_index++;
    progress->era = pass->eras[progress->era_index];
    progress->era_shift = progress->era_index * pass->era_rows;
    progress->equity = pass->account->scalars[S_CASH] + pass->account->scalars[S_OPEN_COST];
    progress->ranked_count = 0, progress->soonest = NEVER, progress->busy = false;
}

/* Return the order that is wanted at a row's quote in this era. yes, no: receive its codes in WantedTable. */
static WantedOrder wanted_order(const Progress *progress, i64 row, i64 *yes, i64 *no) {
    const Pass *pass = progress->pass;
    const WantedTable *table = pass->table;
    *yes = pass->yes_code[row] < 0 ? -1 : pass->yes_code[row] + progress->era_shift;
    *no = pass->no_code[row] < 0 ? -1 : pass->no_code[row] + progress->era_shift;
    if (pass->limits->kelly_base)
        return kelly_order(*yes, *no, pass->rows->bid[row], pass->rows->ask[row], progress->equity, table, pass->limits,
                           progress->era);
    if (!any_wanted(*yes, *no, table->quantity))
        return (WantedOrder){0};
    i64 side = prefers_no(*yes, *no, table) ? NO : YES, code = side == YES ? *yes : *no;
    return (WantedOrder){side, table->quantity[code], table->rank[code], table->rank_remainder[code]};
}

/* Record a refusal (full audit), count it, or neither, as the run asks. */
static void refuse(const Progress *progress, i64 i, i64 side, i64 reason, i64 row, i64 quantity, i64 price) {
    const Pass *pass = progress->pass;
    if (pass->audit)
        extend_stretch(i, side, reason, progress->t, pass->step, pass->rows->quote_ts[row], quantity, price, pass->out,
                       pass->account->scalars);
    else if (pass->counted)
        count_refusals(i, side, reason, progress->t, 1, pass->out);
}

/* Return `full_reason` of a market: an order book is judged before the limits of market and event. */
static i64 full_of_market(i64 i, const i64 *held, i64 side, i64 in_event, const Progress *progress) {
    i64 reason = full_reason(held[YES], held[NO], side, in_event, &progress->full);
    return reason != OPPOSING && in_book(i, NEVER, progress->pass->books) ? NO_REASON : reason;
}

/* State of an active market after it was judged; GONE: it has no decision left before `until`. */
enum { ASLEEP, AWAKE, GONE };

/* Judge the visible quote of active market j: rank its wanted order, or refuse it. Returns the market's state. */
static int judge_market(Progress *progress, i64 j) {
    const Pass *pass = progress->pass;
    const Scratch *scratch = progress->scratch;
    const i64 *end_ts = pass->rows->end_ts, *s = pass->account->scalars;
    i64 i = pass->live_idx[j], row = scratch->position[j], end_row = pass->rows->end_row[j],
        later = progress->t + pass->step, yes, no;
    /* go to the visible row */
    while (row + 1 < end_row && end_ts[row + 1] <= progress->t)
        row++;
    scratch->position[j] = row;
    bool visible = row >= pass->rows->first_row[j] && progress->t - pass->rows->quote_ts[row] <= pass->max_age;
    /* nothing wanted, or nothing to be had: sleep until the next wanted quote */
    if (progress->sleeps && !(visible && pass->rows->volume[row] >= progress->least_volume &&
                              any_wanted(pass->yes_code[row], pass->no_code[row], pass->table->quantity))) {
        scratch->position[j] =
            next_wanted(row + 1, end_row, later, pass->step, progress->least_volume, pass->rows, pass->lowest,
                        pass->highest[j], pass->yes_code, pass->no_code, pass->table->quantity, &scratch->wake[j]);
        return ASLEEP;
    }
    if (!visible)
        return AWAKE;
    WantedOrder order = wanted_order(progress, row, &yes, &no);
    if (order.quantity == 0)
        return AWAKE;
    i64 side = order.side, price = side == YES ? pass->rows->ask[row] : MICRO - pass->rows->bid[row];
    /* not affordable, and no refusal is recorded: sleep until an affordable quote */
    if (s[S_CASH] < price && progress->sleeps && !pass->counted && !pass->audit && !progress->netted) {
        scratch->position[j] =
            next_affordable(row + 1, end_row, later, pass->step, progress->due, s[S_CASH], pass->rows, pass->lowest,
                            pass->yes_code, pass->no_code, pass->table, &scratch->wake[j]);
        return ASLEEP;
    }
    progress->busy = true;
    /* rank the order unless the market is full */
    i64 event = pass->market->event[i], in_event = pass->account->event_contracts[event], reason[2];
    const i64 *held = pass->account->held[i];
    reason[side] = full_of_market(i, held, side, in_event, progress);
    if (reason[side] == NO_REASON) {
        scratch->side[j] = side, scratch->code[j] = side == YES ? yes : no;
        scratch->wanted[j] = order.quantity, scratch->rank[j] = order.rank,
        scratch->rank_remainder[j] = order.rank_remainder;
        insert_ranked(j, progress->ranked_count++, scratch, pass->live_idx);
        return AWAKE;
    }
    /* both sides full until after the market's last decision: count all its refusals now */
    reason[1 - side] = full_of_market(i, held, 1 - side, in_event, progress);
    if (progress->leaps && reason[1 - side] != NO_REASON &&
        pass->market->event_settles[event] > pass->market->last_t[i]) {
        if (pass->counted)
            refuse_until(i, progress->t, pass->until, pass->step, pass->max_age, row, end_row, pass->market->last_t[i],
                         pass->rows, pass->yes_code, pass->no_code, pass->table, reason, pass->out);
        pass->account->passed[i] = pass->until;
        return GONE;
    }
    refuse(progress, i, side, reason[side], row, order.quantity, price);
    return AWAKE;
}

/* Judge all active markets. */
static void judge_markets(Progress *progress) {
    const Pass *pass = progress->pass;
    const Scratch *scratch = progress->scratch;
    for (i64 a = 0; a < progress->alive;) {
        i64 j = scratch->active[a], i = pass->live_idx[j];
        int state = pass->market->last_t[i] < progress->t ? GONE
                    : scratch->wake[j] > progress->t      ? ASLEEP
                                                          : judge_market(progress, j);
        if (state == ASLEEP)
            progress->soonest = least_of(progress->soonest, scratch->wake[j]);
        if (state == GONE)
            scratch->active[a] = scratch->active[--progress->alive];
        else
            a++;
    }
}

/* Fill the ranked orders of an instant, the highest priority first. Returns false if the account would hold too many contracts. */
static bool fill_ranked(const Progress *progress) {
    const Pass *pass = progress->pass;
    for (i64 k = 0; k < progress->ranked_count; k++) {
        i64 j = progress->scratch->ranked[k], i = pass->live_idx[j], side = progress->scratch->side[j],
            row = progress->scratch->position[j];
        i64 price = side == YES ? pass->rows->ask[row] : MICRO - pass->rows->bid[row], reason = CASH;
        bool event_full = pass->account->event_contracts[pass->market->event[i]] >= pass->limits->per_event;
        if (!progress->only_cash || pass->account->scalars[S_CASH] >= price || event_full)
            reason = fill_order(j, side, price, progress->t, progress->era, pass);
        if (reason == TOO_MANY_OPEN) {
            pass->account->scalars[S_TOO_LARGE] = i;
            return false;
        }
        if (reason != NO_REASON)
            refuse(progress, i, side, reason, row, progress->scratch->wanted[j], price);
    }
    return true;
}

/* Replay all decision times before `until`.

Returns DONE, BUFFERS_FULL (empty the buffers and call again: the pass goes on where it stopped) or TOO_LARGE. */
i64 advance(const Pass *pass) {
    i64 *s = pass->account->scalars;
    const i64 until_t = up(pass->until, pass->step) * pass->step;
    Progress progress = start_pass(pass);
    for (;;) {
        if (progress.alive == 0)
            progress.t = most_of(progress.t, next_start(&progress));
        if (progress.t >= pass->until)
            break;
        begin_markets(&progress);
        /* leave before this instant if its fills and refusals might not fit */
        s[S_NOW] = progress.t;
        if (s[S_FILLS] + progress.alive * pass->most_levels > pass->fill_rows ||
            (pass->audit && s[S_REFUSALS] + progress.alive > pass->refusal_rows))
            return BUFFERS_FULL;
        settle_due(&progress);
        judge_markets(&progress);
        if (!fill_ranked(&progress))
            return TOO_LARGE;
        if (progress.busy || !progress.sleeps)
            progress.t += pass->step;
        else /* no decision before a sleeping market wakes or another one begins */
            progress.t =
                most_of(progress.t + pass->step, least_of(least_of(progress.soonest, next_start(&progress)), until_t));
    }
    s[S_NOW] = until_t;
    settle_and_mark(pass->until - 1, pass);
    return DONE;
}
