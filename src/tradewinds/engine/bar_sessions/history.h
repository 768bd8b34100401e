/* What is known of a symbol before a session opens, from completed sessions, and its opening ranges. */

#ifndef HISTORY_H
#define HISTORY_H

#include <stdlib.h>

#include "exact.h"

#define UNKNOWN -1

typedef struct { /* rows in order of symbol, session and minute */
    const i32 *minute;
    const i64 *open, *high, *low, *close, *volume; /* micro-units; shares, UNKNOWN where the source does not know */
} Bars;

typedef struct { /* the mean of true ranges, as it is after each bar */
    i64 period, count, mean, last_close;
    i64 *latest; /* the last `period` true ranges, for the simple mean; NULL for Wilder's */
} TrueRange;

static void add_bar(TrueRange *of, i64 high, i64 low, i64 close) {
    i64 range = high - low;
    if (of->count)
        range = max64(range, max64(llabs(high - of->last_close), llabs(low - of->last_close)));
    i64 n = of->period;
    if (of->latest)
        of->latest[of->count % n] = range;
    of->count++;
    of->last_close = close;
    if (of->count < n) {
        of->mean += range; /* a sum until there are enough */
    } else if (of->count == n) {
        of->mean = (i64)half_even((wide)of->mean + range, n);
    } else if (of->latest) {
        wide sum = 0;
        for (i64 i = 0; i < n; i++)
            sum += of->latest[i];
        of->mean = (i64)half_even(sum, n);
    } else {
        of->mean = (i64)half_even((wide)(n - 1) * of->mean + range, n);
    }
}

/* The mean true range of one symbol at the open of each of its sessions, UNKNOWN before `period` bars.

   first_row has sessions + 1 entries; a session without rows has the mean of the one before. Bars are made of `group` minutes
   from each open, or of whole sessions if it is 0. */
void mean_true_ranges(const Bars *bars, const i64 *first_row, i64 sessions, i64 group, i64 period, i64 *latest,
                      i64 *out) {
    TrueRange range = {period, 0, 0, 0, latest};
    for (i64 k = 0; k < sessions; k++) {
        out[k] = range.count >= period ? range.mean : UNKNOWN;
        for (i64 row = first_row[k]; row < first_row[k + 1];) {
            i64 high = bars->high[row], low = bars->low[row], first = row;
            while (++row < first_row[k + 1] && (!group || bars->minute[row] / group == bars->minute[first] / group)) {
                high = max64(high, bars->high[row]);
                low = min64(low, bars->low[row]);
            }
            add_bar(&range, high, low, bars->close[row - 1]);
        }
    }
}

/* High, low, first open, last close, sum of volume and number of the bars of each (symbol, session) that begin before
   `minutes` of it. Without such a bar all of them are 0. */
void ranges(const Bars *bars, const i64 *first_row, i64 count, const i64 *minutes, i64 *out) {
    for (i64 k = 0; k < count; k++) {
        i64 *o = out + 6 * k, row = first_row[k];
        for (int i = 0; i < 6; i++)
            o[i] = 0;
        for (; row < first_row[k + 1] && bars->minute[row] < minutes[k]; row++) {
            o[0] = o[5] ? max64(o[0], bars->high[row]) : bars->high[row];
            o[1] = o[5] ? min64(o[1], bars->low[row]) : bars->low[row];
            o[2] = o[5] ? o[2] : bars->open[row];
            o[3] = bars->close[row];
            o[4] += max64(bars->volume[row], 0);
            o[5]++;
        }
    }
}

/* Entry triggers beyond opening ranges: high + fixed + multiple of the true range, to the tick up; low less the same, down. */
void triggers(i64 count, const i64 *high, const i64 *low, const i64 *true_range, i64 fixed, i64 multiple, i64 tick,
              i64 *above, i64 *below) {
    for (i64 k = 0; k < count; k++) {
        wide buffer = (wide)fixed * FINE + (wide)multiple * true_range[k];
        above[k] = level((wide)high[k] * FINE + buffer, 1, tick);
        below[k] = level((wide)low[k] * FINE - buffer, -1, tick);
    }
}

#endif
