/* One pass over exchange sessions: opening-range entries, stops, targets and exits of all symbols on one clock of minutes.

   At each minute first the positions held at its start are looked after, in order of symbols; then entries are decided, in the
   session's order. Nothing of a bar is used before the bar is complete, but prices at which resting orders fill inside it.

   session_loop.py calls the functions that are not static, with Python's lock released, and passes structures whose fields all
   have 64 bits. Prices and money are micro-units, quantities whole shares, times Unix seconds; multipliers are in FINE parts.
   Divisors are never 0, and nothing is allocated. */

#include "entries.h"

const char source_digest[] = SOURCE_DIGEST; /* SHA-256 of the sources when they were compiled */

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
        if (now->rules->max_loss)
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
    if (now->rules->max_loss)
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
