/* A bar with a position: costs and fills, what happens inside the bar, and where the stop stands after it. */

#ifndef HOLDING_H
#define HOLDING_H

#include <stdlib.h>

#include "pass.h"

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

#endif
