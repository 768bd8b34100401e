/* One pass over exchange sessions: opening-range entries, stops, targets and exits of all symbols on one clock of minutes.

   At each minute first the positions held at its start are looked after, in order of symbols; then entries are decided, in the
   session's order. Nothing of a bar is used before the bar is complete, but prices at which resting orders fill inside it.

   session_loop.py calls the functions that are not static, with Python's lock released, and passes structures whose fields all
   have 64 bits. Prices and money are micro-units, quantities whole shares, times Unix seconds; multipliers are in FINE parts.
   Divisors are never 0, and nothing is allocated. */

#include <stdbool.h>
#include <stdlib.h>

#include "exact.h"
#include "history.h"
#include "score.h"

const char source_digest[] = SOURCE_DIGEST; /* SHA-256 of the sources when they were compiled */

#define OFF -1           /* a limit or a rule that is not in force */
#define MOST (1LL << 58) /* a position's value in micro-units stays below it */
#define STALE_SECONDS 300

enum { MAX_PARTS = 3 };
enum { LONG, SHORT };
enum { AT_STOP, CLOSE_CONFIRM, OR_CLOSE };                                         /* entry modes */
enum { OR_OPPOSITE, OR_MID, BY_ATR, ATR_CAPPED, PERCENT, SWING };                  /* stop modes */
enum { PESSIMISTIC, PATH, OPTIMISTIC };                                            /* order of events inside a bar */
enum { RISK_PCT, RISK_AMOUNT, FIXED_SHARES };                                      /* sizing */
enum { TARGET, STOP, BREAKEVEN_STOP, TRAILING_STOP, TIME_STOP, SESSION_END_EXIT }; /* exits: session_result.EXITS */
enum { /* answers to a break: session_result.ANSWERS */
       FILLED,
       TIME_CUTOFF,
       SESSION_END,
       MAX_SIGNALS,
       LOCKOUT,
       DAILY_LOSS,
       SCORE,
       BAD_STOP,
       MAX_POSITIONS,
       SIZE_ZERO,
       TOO_LARGE
};

typedef struct {
    i64 bar_seconds, entry_mode, tick;
    i64 slippage, slippage_bps, per_share, min_commission; /* micro-units; the last three in FINE parts */
    i64 stop_mode, extra, atr_stop, atr_cap, stop_pct, swing, min_risk;
    i64 parts, part_r[MAX_PARTS], part_share[MAX_PARTS]; /* share OFF: what is left */
    i64 intrabar, even_at_r, even_buffer, trail_start_r, trail_distance_r, time_stop_seconds, time_stop_min_r;
    i64 sizing, risk_pct, risk_amount, fixed_shares, slots, max_notional, max_leverage;
    i64 account_each, governed_together, max_signals, lockout, max_loss, max_positions;
    ScoreRules score;
} Rules;

typedef struct {          /* by (symbol, session) but for order and what stands below it */
    const i64 *first_row; /* rows of a symbol's session: [k], [k + 1] */
    const i64 *minutes;   /* of the opening range */
    const i64 *sides;     /* bit 0: long allowed, bit 1: short; 0: no trade in this session */
    const i64 *candle;    /* direction of the opening range's candle */
    const i64 *above, *below, *range_high, *range_low, *atr, *prior_high, *prior_low;
    const i64 *order; /* by session: its symbols in the order of entries, then UNKNOWN */
    const i64 *open_ts, *close_ts, *cutoff_ts, *flatten_ts; /* by session */
    i64 symbols, sessions;
} Setups;

typedef struct {
    i64 trade, d, raw, fill, stop, stop_name, risk, shares, left, entry_start, best, worst, part;
    i64 price[MAX_PARTS], quantity[MAX_PARTS];
    i64 pnl, gross;
    bool taken, time_is_up;
} Position;

typedef struct { /* a symbol in a session */
    i64 symbol, setup, first, row, end;
    bool armed[2], held, held_at_start, asked;
    int ordered; /* direction of a market order for the next bar; 0: none */
    Position position;
} Desk;

typedef struct {
    i64 ts, symbol, governor, pnl, base, gross;
    bool full_stop;
} Closing;
typedef struct {
    i64 signals, losses;
    bool locked, beyond_loss;
} Governor;
typedef struct {
    i64 account, amount, positions;
} Release;

/* Tell of a closed trade: governor (OFF: a session opens), profit, risk x shares; returns whether the day's loss is reached */
typedef i64 (*LossTold)(i64, i64, i64);

/* session_loop.py sets this much aside for each */
_Static_assert(sizeof(Desk) <= 48 * 8 && sizeof(Closing) <= 8 * 8 && sizeof(Governor) <= 4 * 8 &&
                   sizeof(Release) <= 3 * 8,
               "room");

enum { TRADE_COLUMNS = 21, LEG_COLUMNS = 7, BREAK_COLUMNS = 6 };

typedef struct {
    i64 *cash, *at_open, *used, *used_at_start; /* by account; used: buying power */
    Desk *desks;                                /* by symbol */
    Desk **in_order;                            /* by place in the session's order */
    Closing *closings;                          /* trades that no governor has counted yet */
    Governor *governors;
    Release *releases; /* buying power that is free from the next minute on */
    i64 *trades, *legs, *breaks, *equity;
    i64 trade_room, leg_room, break_room;
    i64 trade_count, leg_count, break_count, closing_count, release_count, numbered;
    i64 held, held_at_start, ambiguous, stale, too_large;
    LossTold loss_told;
} Pass;

typedef struct {
    const Rules *rules;
    const Bars *bars;
    const Setups *setups;
    Pass *pass;
    i64 session, ts; /* start of the minute */
} Now;

static i64 account_of(const Now *now, i64 symbol) { return now->rules->account_each ? symbol : 0; }
static i64 governor_of(const Now *now, i64 symbol) { return now->rules->governed_together ? 0 : symbol; }

/* --- costs and fills --- */

static i64 slipped(const Rules *rules, i64 raw, i64 d) { /* d: above 0 to buy, below 0 to sell */
    return raw + d * (rules->slippage + (i64)half_even((wide)rules->slippage_bps * raw, 10000 * FINE));
}

static i64 commission(const Rules *rules, i64 shares) {
    wide fee = (wide)rules->per_share * shares;
    if (fee < rules->min_commission)
        fee = rules->min_commission;
    return (i64)half_even(fee, FINE / 100) * CENT;
}

static void write_leg(Pass *pass, i64 trade, i64 ts, i64 quantity, i64 raw, i64 fill, i64 fee, i64 reason) {
    i64 *leg = pass->legs + LEG_COLUMNS * pass->leg_count++;
    leg[0] = trade, leg[1] = ts, leg[2] = quantity, leg[3] = raw, leg[4] = fill, leg[5] = fee, leg[6] = reason;
}

/* A position is closed: complete its row, and tell the governors unless its end is known at the session's end only. */
static void close_trade(const Now *now, Desk *desk, i64 ts, i64 reason, bool at_session_end) {
    Pass *pass = now->pass;
    Position *p = &desk->position;
    i64 *row = pass->trades + TRADE_COLUMNS * (p->trade - pass->numbered);
    row[12] = reason, row[13] = ts, row[14] = p->best, row[15] = p->worst, row[16] = p->pnl, row[17] = p->gross;
    desk->held = false;
    if (at_session_end)
        return;
    bool full_stop = reason == STOP && !p->taken && p->gross < 0;
    pass->closings[pass->closing_count++] =
        (Closing){ts, desk->symbol, governor_of(now, desk->symbol), p->pnl, p->risk * p->shares, p->gross, full_stop};
}

/* Sell, or buy back, a part of a position. */
static void leave(const Now *now, Desk *desk, i64 ts, i64 shares, i64 raw, i64 reason, bool at_session_end) {
    Pass *pass = now->pass;
    Position *p = &desk->position;
    i64 fill = reason == TARGET ? raw : slipped(now->rules, raw, -p->d);
    i64 fee = commission(now->rules, shares), account = account_of(now, desk->symbol);
    p->left -= shares;
    p->pnl += p->d * (fill - p->fill) * shares - fee;
    p->gross += p->d * (raw - p->raw) * shares;
    pass->cash[account] += p->d * fill * shares - fee;
    write_leg(pass, p->trade, ts, -p->d * shares, raw, fill, fee, reason);
    if (!at_session_end)
        pass->releases[pass->release_count++] = (Release){account, p->fill * shares, p->left == 0};
    if (p->left == 0)
        close_trade(now, desk, ts, reason, at_session_end);
    else
        p->taken = true;
}

/* --- a bar with a position --- */

static bool beyond(i64 d, i64 price, i64 from) { return d * (price - from) >= 0; } /* or at it */

/* How many of the next targets a price reaches. */
static i64 reached(const Rules *rules, const Position *p, i64 price) {
    i64 count = 0;
    while (p->part + count < rules->parts && beyond(p->d, price, p->price[p->part + count]))
        count++;
    return count;
}

typedef struct {
    i64 targets;
    bool stopped;
} Inside; /* first the targets, then the stop for what is left */

/* What happens inside a bar under one policy. */
static Inside inside(const Rules *rules, const Bars *bars, i64 row, const Position *p, i64 policy,
                     bool entered_inside) {
    i64 high = bars->high[row], low = bars->low[row], open = bars->open[row];
    i64 favourable = p->d > 0 ? high : low, adverse = p->d > 0 ? low : high;
    bool adverse_reaches = beyond(-p->d, adverse, p->stop), close_reaches = beyond(-p->d, bars->close[row], p->stop);
    bool adverse_second = llabs(favourable - open) <= llabs(adverse - open);
    i64 targets = reached(rules, p, favourable), left = p->left;
    for (i64 i = 0; i < targets; i++)
        left -= p->quantity[p->part + i];
    if (policy == PESSIMISTIC || (policy == PATH && !entered_inside && !adverse_second))
        return adverse_reaches ? (Inside){0, true} : (Inside){targets, false};
    bool stopped =
        entered_inside ? close_reaches || (policy == PATH && adverse_second && adverse_reaches) : adverse_reaches;
    return (Inside){targets, stopped && left > 0};
}

/* Whether two policies make other legs; a target of no share makes none. */
static bool differ(const Inside *a, const Inside *b, const Position *p) {
    i64 shares = 0;
    for (i64 i = min64(a->targets, b->targets); i < max64(a->targets, b->targets); i++)
        shares += p->quantity[p->part + i];
    return shares > 0 || a->stopped != b->stopped;
}

static void take_targets(const Now *now, Desk *desk, i64 count, i64 ts,
                         i64 open) { /* open: its price, or 0 for the target's */
    Position *p = &desk->position;
    for (; count > 0 && desk->held; count--, p->part++)
        if (p->quantity[p->part])
            leave(now, desk, ts, p->quantity[p->part], open ? open : p->price[p->part], TARGET, false);
}

/* After a bar: move the stop from the next bar on, and note whether the time is up. */
static void after_bar(const Now *now, Position *p, i64 close) {
    const Rules *rules = now->rules;
    wide gain = (wide)(p->d * (p->best - p->raw)) * FINE;
    if (rules->even_at_r != OFF && gain >= (wide)rules->even_at_r * p->risk) {
        i64 stop = level((wide)(p->raw + p->d * rules->even_buffer) * FINE, (int)-p->d, rules->tick);
        if (p->d * (stop - p->stop) > 0)
            p->stop = stop, p->stop_name = BREAKEVEN_STOP;
    }
    if (rules->trail_start_r != OFF && gain >= (wide)rules->trail_start_r * p->risk) {
        wide fine = (wide)p->best * FINE - p->d * (wide)rules->trail_distance_r * p->risk;
        i64 stop = level(fine, (int)-p->d, rules->tick);
        if (p->d * (stop - p->stop) > 0)
            p->stop = stop, p->stop_name = TRAILING_STOP;
    }
    bool late =
        rules->time_stop_seconds != OFF && now->ts + rules->bar_seconds - p->entry_start >= rules->time_stop_seconds;
    p->time_is_up = late && (wide)(p->d * (close - p->raw)) * FINE < (wide)rules->time_stop_min_r * p->risk;
}

static void widen(Position *p, i64 high, i64 low) {
    p->best = p->d > 0 ? max64(p->best, high) : min64(p->best, low);
    p->worst = p->d > 0 ? min64(p->worst, low) : max64(p->worst, high);
}

/* The rest of a bar with a position, after its open. */
static void through_bar(const Now *now, Desk *desk, bool entered_inside) {
    const Bars *bars = now->bars;
    const Rules *rules = now->rules;
    Position *p = &desk->position;
    i64 row = desk->row, end_ts = now->ts + rules->bar_seconds, close = bars->close[row];
    widen(p, bars->high[row], bars->low[row]);
    Inside by_policy[OPTIMISTIC + 1];
    for (i64 policy = PESSIMISTIC; policy <= OPTIMISTIC; policy++)
        by_policy[policy] = inside(rules, bars, row, p, policy, entered_inside);
    now->pass->ambiguous += differ(by_policy, by_policy + PATH, p) || differ(by_policy, by_policy + OPTIMISTIC, p);
    Inside found = by_policy[rules->intrabar];
    take_targets(now, desk, found.targets, end_ts, 0);
    if (found.stopped)
        leave(now, desk, end_ts, p->left, p->stop, p->stop_name, false);
    if (!desk->held)
        return;
    if (row + 1 < desk->end) {
        after_bar(now, p, close);
        return;
    }
    now->pass->stale += now->setups->close_ts[now->session] - end_ts > STALE_SECONDS;
    leave(now, desk, end_ts, p->left, close, SESSION_END_EXIT, true);
}

/* A bar of a position that was held at its start. */
static void hold(const Now *now, Desk *desk) {
    Position *p = &desk->position;
    i64 open = now->bars->open[desk->row];
    i64 reason = now->ts >= now->setups->flatten_ts[now->session] ? SESSION_END_EXIT
                 : p->time_is_up                                  ? TIME_STOP
                 : beyond(-p->d, open, p->stop)                   ? p->stop_name
                                                                  : OFF;
    if (reason != OFF) {
        widen(p, open, open);
        leave(now, desk, now->ts, p->left, open, reason, false);
        return;
    }
    i64 at_open = reached(now->rules, p, open), left = p->left;
    for (i64 i = 0; i < at_open; i++)
        left -= p->quantity[p->part + i];
    if (left == 0)
        widen(p, open, open);
    take_targets(now, desk, at_open, now->ts, open);
    if (desk->held)
        through_bar(now, desk, false);
}

/* --- entries --- */

/* The extreme of the last completed swing of the session; or_opposite's level if there is none. */
static i64 swing_extreme(const Now *now, const Desk *desk, i64 d) {
    i64 n = now->rules->swing;
    const i64 *price = d > 0 ? now->bars->low : now->bars->high;
    for (i64 j = desk->row - 1 - n; j - n >= desk->first; j--) {
        bool is_swing = true;
        for (i64 i = 1; i <= n && is_swing; i++)
            is_swing = d * (price[j - i] - price[j]) > 0 && d * (price[j + i] - price[j]) > 0;
        if (is_swing)
            return price[j];
    }
    return d > 0 ? now->setups->range_low[desk->setup] : now->setups->range_high[desk->setup];
}

static i64 stop_level(const Now *now, const Desk *desk, i64 d, i64 raw) {
    const Rules *rules = now->rules;
    const Setups *setups = now->setups;
    i64 k = desk->setup, high = setups->range_high[k], low = setups->range_low[k];
    wide opposite = ((wide)(d > 0 ? low : high) - d * rules->extra) * FINE, fine = opposite;
    if (rules->stop_mode == OR_MID)
        fine = ((wide)high + low) * (FINE / 2);
    else if (rules->stop_mode == BY_ATR)
        fine = (wide)raw * FINE - d * (wide)rules->atr_stop * setups->atr[k];
    else if (rules->stop_mode == ATR_CAPPED) {
        wide capped = (wide)raw * FINE - d * (wide)rules->atr_cap * setups->atr[k];
        fine = d * (capped - opposite) > 0 ? capped : opposite;
    } else if (rules->stop_mode == PERCENT)
        fine = (wide)raw * (FINE - d * rules->stop_pct / 100); /* FINE parts of a percent, 6 decimals at most */
    else if (rules->stop_mode == SWING)
        fine = ((wide)swing_extreme(now, desk, d) - d * rules->extra) * FINE;
    return level(fine, (int)-d, rules->tick);
}

/* Whole shares of an order, before MAX_POSITIONS; the limits of buying power stand in `affordable`. */
static wide wanted_shares(const Rules *rules, wide equity, i64 risk) {
    if (rules->sizing == FIXED_SHARES)
        return rules->fixed_shares;
    if (rules->sizing == RISK_AMOUNT)
        return floor_div(rules->risk_amount, risk);
    return floor_div(equity * rules->risk_pct, (wide)100 * FINE * rules->slots * risk);
}

static wide affordable(const Rules *rules, wide equity, i64 used, i64 fill) {
    wide each = equity * rules->max_leverage; /* for one slot, in FINE parts of micro-units x slots */
    wide rest = each * rules->slots - (wide)used * FINE * rules->slots;
    return floor_div(each < rest ? each : rest, (wide)FINE * rules->slots * fill);
}

/* Why governance refuses a decision in this minute; FILLED if it does not. */
static i64 governed(const Now *now, i64 symbol) {
    const Rules *rules = now->rules;
    const Governor *governor = now->pass->governors + governor_of(now, symbol);
    if (now->ts >= now->setups->cutoff_ts[now->session])
        return TIME_CUTOFF;
    if (now->ts >= now->setups->flatten_ts[now->session])
        return SESSION_END;
    if (rules->max_signals != OFF && governor->signals >= rules->max_signals)
        return MAX_SIGNALS;
    if (governor->locked)
        return LOCKOUT;
    return governor->beyond_loss ? DAILY_LOSS : FILLED;
}

static void set_targets(const Rules *rules, Position *p) {
    i64 rest = p->shares;
    p->part = 0;
    for (i64 i = 0; i < rules->parts; i++) {
        i64 share = rules->part_share[i];
        p->quantity[i] = share == OFF ? rest : (i64)floor_div((wide)p->shares * share, FINE);
        p->price[i] = level((wide)p->raw * FINE + p->d * (wide)rules->part_r[i] * p->risk, (int)p->d, rules->tick);
        rest -= p->quantity[i];
    }
}

/* Open a position, if all that is checked at a break or order allows it; returns the answer. */
static i64 open_position(const Now *now, Desk *desk, i64 d, i64 raw, i64 ts, i64 *score) {
    const Rules *rules = now->rules;
    Pass *pass = now->pass;
    const Setups *setups = now->setups;
    i64 k = desk->setup, answer = governed(now, desk->symbol);
    if (answer != FILLED)
        return answer;
    ScoreInputs known = {desk->first,           desk->row,           setups->range_high[k], setups->range_low[k],
                         setups->prior_high[k], setups->prior_low[k]};
    if (!score_suffices(now->bars, &rules->score, &known, (int)d, score))
        return SCORE;

    i64 stop = stop_level(now, desk, d, raw), risk = d * (raw - stop), fill = slipped(rules, raw, d);
    if (risk < rules->min_risk)
        return BAD_STOP;
    if (rules->max_positions != OFF && pass->held_at_start >= rules->max_positions)
        return MAX_POSITIONS;
    i64 account = account_of(now, desk->symbol);
    wide shares = wanted_shares(rules, pass->at_open[account], risk), most;
    if (rules->max_notional != OFF && shares > (most = floor_div(rules->max_notional, fill)))
        shares = most;
    if (rules->max_leverage != OFF &&
        shares > (most = affordable(rules, pass->at_open[account], pass->used_at_start[account], fill)))
        shares = most;
    if (shares <= 0)
        return SIZE_ZERO;
    if (shares * (fill + risk) >= MOST)
        return TOO_LARGE;

    // the position, its row and its first leg
    Position *p = &desk->position;
    *p = (Position){
        .trade = pass->numbered + pass->trade_count, .d = d, .raw = raw, .fill = fill, .stop = stop, .stop_name = STOP};
    p->risk = risk, p->shares = p->left = (i64)shares, p->entry_start = now->ts, p->best = p->worst = raw;
    set_targets(rules, p);
    i64 fee = commission(rules, p->shares);
    p->pnl = -fee;
    pass->cash[account] -= d * fill * p->shares + fee;
    pass->used_at_start[account] += fill * p->shares, pass->used[account] += fill * p->shares;
    pass->held_at_start++, pass->held++;
    pass->governors[governor_of(now, desk->symbol)].signals++;
    desk->held = true;
    i64 *row = pass->trades + TRADE_COLUMNS * pass->trade_count++;
    row[0] = desk->symbol, row[1] = now->session, row[2] = d, row[3] = now->ts, row[4] = ts, row[5] = raw,
    row[6] = fill;
    row[7] = stop, row[8] = risk, row[9] = p->shares, row[10] = *score, row[11] = fee;
    for (i64 i = 0; i < MAX_PARTS; i++)
        row[18 + i] = i < rules->parts && p->quantity[i] ? p->price[i] : 0;
    write_leg(pass, p->trade, ts, d * p->shares, raw, fill, fee, OFF);
    return FILLED;
}

/* Decide a break or an order, and note the answer. */
static void decide(const Now *now, Desk *desk, i64 d, i64 raw, bool at_open) {
    Pass *pass = now->pass;
    i64 score = 0, ts = at_open ? now->ts : now->ts + now->rules->bar_seconds;
    i64 answer = open_position(now, desk, d, raw, ts, &score);
    if (answer == TOO_LARGE)
        pass->too_large = 1;
    i64 *row = pass->breaks + BREAK_COLUMNS * pass->break_count++;
    row[0] = desk->symbol, row[1] = now->session, row[2] = now->ts, row[3] = d, row[4] = answer, row[5] = score;
    if (answer == FILLED)
        through_bar(now, desk, !at_open);
}

/* Resting stop orders at both triggers: the side nearer to the open is first. */
static void stop_entries(const Now *now, Desk *desk) {
    const Bars *bars = now->bars;
    i64 row = desk->row, open = bars->open[row], close = bars->close[row], sides = now->setups->sides[desk->setup];
    i64 trigger[2] = {now->setups->above[desk->setup], now->setups->below[desk->setup]};
    bool reaches[2] = {(sides & 1) && bars->high[row] >= trigger[LONG],
                       (sides & 2) && bars->low[row] <= trigger[SHORT]};
    bool breaks[2] = {reaches[LONG] && desk->armed[LONG], reaches[SHORT] && desk->armed[SHORT]};
    for (int side = LONG; side <= SHORT; side++)
        desk->armed[side] =
            (desk->armed[side] && !reaches[side]) || (side == LONG ? close < trigger[LONG] : close > trigger[SHORT]);
    if (desk->held_at_start || !(breaks[LONG] || breaks[SHORT]))
        return;
    i64 away[2] = {max64(trigger[LONG] - open, 0), max64(open - trigger[SHORT], 0)};
    int side = breaks[LONG] && (!breaks[SHORT] || away[LONG] <= away[SHORT]) ? LONG : SHORT;
    decide(now, desk, side == LONG ? 1 : -1, side == LONG ? max64(trigger[LONG], open) : min64(trigger[SHORT], open),
           away[side] == 0);
}

/* A close beyond a trigger is an order for the symbol's next bar. */
static void confirmed_entries(const Now *now, Desk *desk) {
    i64 close = now->bars->close[desk->row], sides = now->setups->sides[desk->setup], d = desk->ordered;
    desk->ordered = 0;
    if (d)
        decide(now, desk, d, now->bars->open[desk->row], true);
    bool beyond_it[2] = {(sides & 1) && close > now->setups->above[desk->setup],
                         (sides & 2) && close < now->setups->below[desk->setup]};
    for (int side = LONG; side <= SHORT; side++) {
        if (beyond_it[side] && desk->armed[side] && !desk->held_at_start && !desk->held)
            desk->ordered = side == LONG ? 1 : -1;
        desk->armed[side] = !beyond_it[side];
    }
}

/* One order at the first bar after the range, in the direction of the range's candle. */
static void candle_entry(const Now *now, Desk *desk) {
    i64 d = now->setups->candle[desk->setup];
    bool allowed = now->setups->sides[desk->setup] & (d > 0 ? 1 : 2);
    if (!desk->asked && allowed)
        decide(now, desk, d, now->bars->open[desk->row], true);
    desk->asked = true;
}

/* --- the clock --- */

/* Count the trades that were closed up to now, by time and symbol. */
static void count_closings(const Now *now) {
    Pass *pass = now->pass;
    i64 kept = 0;
    for (i64 i = 1; i < pass->closing_count; i++) { /* a handful at a time: sort by insertion */
        Closing closing = pass->closings[i];
        i64 j = i;
        for (; j > 0; j--) {
            const Closing *before = pass->closings + j - 1;
            if (before->ts < closing.ts || (before->ts == closing.ts && before->symbol <= closing.symbol))
                break;
            pass->closings[j] = *before;
        }
        pass->closings[j] = closing;
    }
    for (i64 i = 0; i < pass->closing_count; i++) {
        Closing *closing = pass->closings + i;
        if (closing->ts > now->ts) {
            pass->closings[kept++] = *closing;
            continue;
        }
        Governor *governor = pass->governors + closing->governor;
        governor->losses = closing->full_stop ? governor->losses + 1 : closing->gross > 0 ? 0 : governor->losses;
        governor->locked |= now->rules->lockout != OFF && governor->losses >= now->rules->lockout;
        if (now->rules->max_loss != OFF)
            governor->beyond_loss = pass->loss_told(closing->governor, closing->pnl, closing->base) != 0;
    }
    pass->closing_count = kept;
}

static void open_session(const Now *now, i64 *count) {
    Pass *pass = now->pass;
    const Setups *setups = now->setups;
    i64 accounts = now->rules->account_each ? setups->symbols : 1;
    for (i64 a = 0; a < accounts; a++)
        pass->at_open[a] = pass->cash[a], pass->used[a] = pass->used_at_start[a] = 0;
    for (i64 i = 0; i < setups->symbols; i++)
        pass->governors[i] = (Governor){0, 0, false, false};
    if (now->rules->max_loss != OFF)
        pass->loss_told(OFF, 0, 0);
    pass->held = pass->held_at_start = pass->closing_count = pass->release_count = *count = 0;
    for (i64 i = 0; i < setups->symbols; i++) {
        i64 symbol = setups->order[now->session * setups->symbols + i];
        if (symbol == UNKNOWN)
            break;
        i64 k = symbol * setups->sessions + now->session, row = setups->first_row[k];
        Desk *desk = pass->desks + symbol;
        *desk =
            (Desk){.symbol = symbol, .setup = k, .first = row, .end = setups->first_row[k + 1], .armed = {true, true}};
        while (row < desk->end && now->bars->minute[row] < setups->minutes[k])
            row++;
        desk->row = row;
        pass->in_order[(*count)++] = desk;
    }
}

static void release(Pass *pass, i64 accounts) {
    for (i64 i = 0; i < pass->release_count; i++) {
        pass->used[pass->releases[i].account] -= pass->releases[i].amount;
        pass->held -= pass->releases[i].positions;
    }
    pass->release_count = 0;
    for (i64 a = 0; a < accounts; a++)
        pass->used_at_start[a] = pass->used[a];
    pass->held_at_start = pass->held;
}

/* One minute of a session: exits of all symbols, then entries of all symbols. */
static void minute(const Now *now, i64 at, i64 count) {
    Pass *pass = now->pass;
    if (pass->release_count)
        release(pass, now->rules->account_each ? now->setups->symbols : 1);
    for (i64 symbol = 0; symbol < now->setups->symbols; symbol++) {
        Desk *desk = pass->desks + symbol;
        desk->held_at_start = desk->held;
        if (desk->held && desk->row < desk->end && now->bars->minute[desk->row] == at)
            hold(now, desk);
    }
    if (pass->closing_count)
        count_closings(now);
    for (i64 i = 0; i < count; i++) {
        Desk *desk = pass->in_order[i];
        if (desk->row == desk->end || now->bars->minute[desk->row] != at)
            continue;
        if (now->rules->entry_mode == AT_STOP)
            stop_entries(now, desk);
        else if (now->rules->entry_mode == CLOSE_CONFIRM)
            confirmed_entries(now, desk);
        else
            candle_entry(now, desk);
        desk->row++;
    }
}

/* Pass over sessions [from, to); returns the first that was not begun: `to`, or one for which the buffers have no room. */
i64 run_sessions(const Rules *rules, const Bars *bars, const Setups *setups, Pass *pass, i64 from, i64 to) {
    i64 step = rules->bar_seconds / 60, accounts = rules->account_each ? setups->symbols : 1, count;
    for (i64 session = from; session < to; session++) {
        i64 rows = 0, first = 1 << 30;
        Now now = {rules, bars, setups, pass, session, 0};
        open_session(&now, &count);
        for (i64 i = 0; i < count; i++) {
            rows += pass->in_order[i]->end - pass->in_order[i]->row;
            first = min64(first, setups->minutes[pass->in_order[i]->setup]);
        }
        if (pass->trade_count + rows > pass->trade_room || pass->break_count + rows > pass->break_room ||
            pass->leg_count + 5 * rows > pass->leg_room)
            return session;
        i64 minutes = count ? (setups->close_ts[session] - setups->open_ts[session]) / 60 : 0;
        for (i64 at = first; at < minutes && !pass->too_large; at += step) {
            now.ts = setups->open_ts[session] + 60 * at;
            minute(&now, at, count);
        }
        for (i64 a = 0; a < accounts; a++)
            pass->equity[session * accounts + a] = pass->cash[a];
        for (i64 i = 0; i < setups->symbols; i++)
            pass->desks[i].held = false;
        if (pass->too_large)
            return session;
    }
    return to;
}
