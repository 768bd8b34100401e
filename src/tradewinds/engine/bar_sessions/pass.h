/* Structures of a pass: its rules, the setups of sessions, and what the pass keeps while it runs.

   session_loop.py passes the first three, and buffers for the rest; all fields of what it passes have 64 bits. */

#ifndef PASS_H
#define PASS_H

#include <stdbool.h>

#include "exact.h"
#include "history.h"
#include "score.h"

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
       LIQUIDITY,
       TOO_LARGE
};

typedef struct {
    i64 bar_seconds, entry_mode, tick;
    i64 slippage, slippage_bps, per_share, min_commission; /* micro-units; the last three in FINE parts */
    i64 stop_mode, extra, atr_stop, atr_cap, stop_pct, swing, min_risk;
    i64 parts, part_r[MAX_PARTS], part_share[MAX_PARTS]; /* share OFF: what is left */
    i64 intrabar, even_at_r, even_buffer, trail_start_r, trail_distance_r, time_stop_seconds, time_stop_min_r;
    i64 sizing, risk_pct, risk_amount, fixed_shares, slots, max_notional, max_leverage, max_volume_share;
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

enum { TRADE_COLUMNS = 21, LEG_COLUMNS = 7, BREAK_COLUMNS = 7 };

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

#endif
