/* Entries: the stop, the size and the answer of every break and order, by entry mode. */

#ifndef ENTRIES_H
#define ENTRIES_H

#include "holding.h"

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
static i64 open_position(const Now *now, Desk *desk, i64 d, i64 raw, i64 ts, i64 *score, i64 *factors) {
    const Rules *rules = now->rules;
    Pass *pass = now->pass;
    const Setups *setups = now->setups;
    i64 k = desk->setup, answer = governed(now, desk->symbol);
    if (answer != FILLED)
        return answer;
    ScoreInputs known = {desk->first,           desk->row,           setups->range_high[k], setups->range_low[k],
                         setups->prior_high[k], setups->prior_low[k]};
    if (!score_suffices(now->bars, &rules->score, &known, (int)d, score, factors))
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
    i64 traded = now->bars->volume[desk->row]; /* of the entry's bar: what the market gave, no decision */
    if (rules->max_volume_share != OFF && traded != UNKNOWN &&
        shares > (most = floor_div((wide)rules->max_volume_share * traded, FINE)))
        shares = most;
    if (shares <= 0)
        return LIQUIDITY;
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
    i64 score = 0, factors = OFF, ts = at_open ? now->ts : now->ts + now->rules->bar_seconds;
    i64 answer = open_position(now, desk, d, raw, ts, &score, &factors);
    if (answer == TOO_LARGE)
        pass->too_large = 1;
    i64 *row = pass->breaks + BREAK_COLUMNS * pass->break_count++;
    row[0] = desk->symbol, row[1] = now->session, row[2] = now->ts, row[3] = d, row[4] = answer, row[5] = score,
    row[6] = factors;
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

#endif
