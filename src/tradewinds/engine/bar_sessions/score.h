/* The confluence score: which factors hold for a direction, from the session's bars that are complete at the decision. */

#ifndef SCORE_H
#define SCORE_H

#include <math.h>
#include <stdbool.h>

#include "history.h"

enum { REL_VOLUME, PRICE_ACTION, PROFILE, VWAP, ADX, FACTORS };
enum { VWAP_BARS = 5, ADX_PERIOD = 14 };

typedef struct { /* weights and thresholds in FINE parts */
    i64 enabled, base_required, weak_required, on[FACTORS], weight[FACTORS];
    i64 lookback, spike, pivot, adx_threshold;
} ScoreRules;

typedef struct {
    i64 first, end;            /* rows of the session's bars that are complete */
    i64 range_high, range_low; /* of the opening range; micro-units */
    i64 prior_high, prior_low; /* of the symbol's session before; UNKNOWN without one */
} ScoreInputs;

/* The last bar's volume against the mean of the `lookback` bars before it. */
static bool relative_volume(const Bars *bars, const ScoreRules *rules, const ScoreInputs *in) {
    i64 last = in->end - 1, from = last - rules->lookback;
    if (from < in->first || bars->volume[last] < 0)
        return false;
    wide sum = 0;
    for (i64 row = from; row < last; row++) {
        if (bars->volume[row] < 0)
            return false;
        sum += bars->volume[row];
    }
    return sum > 0 && (wide)bars->volume[last] * rules->lookback * FINE >= (wide)rules->spike * sum;
}

/* The last bar engulfs the one before, or stands beyond the bar `pivot` before it. */
static bool price_action(const Bars *bars, const ScoreRules *rules, const ScoreInputs *in, int d) {
    i64 b = in->end - 1, a = b - 1, p = b - rules->pivot;
    if (a >= in->first) {
        const i64 *open = bars->open, *close = bars->close;
        if (d * (close[a] - open[a]) < 0 && d * (close[b] - open[b]) > 0 && d * (open[b] - close[a]) < 0 &&
            d * (close[b] - open[a]) > 0)
            return true;
    }
    return b >= in->first && p >= in->first && d * (bars->high[b] - bars->high[p]) > 0 &&
           d * (bars->low[b] - bars->low[p]) > 0;
}

/* The last close beyond the middle half of the session before, or within it with the opening range beyond its middle. */
static bool profile(const Bars *bars, const ScoreInputs *in, int d) {
    if (in->prior_high < 0 || in->end == in->first)
        return false;
    wide close = 4 * (wide)bars->close[in->end - 1], width = in->prior_high - in->prior_low;
    wide low = 4 * (wide)in->prior_low + width, high = 4 * (wide)in->prior_low + 3 * width;
    if (d > 0 ? close > high : close < low)
        return true;
    wide middle = (wide)in->prior_high + in->prior_low;
    bool range_beyond = d > 0 ? 2 * (wide)in->range_low > middle : 2 * (wide)in->range_high < middle;
    return low <= close && close <= high && range_beyond;
}

static bool beyond_vwap(const Bars *bars, const ScoreInputs *in, int d) {
    wide volume = 0, value = 0; /* value: three times price times volume */
    for (i64 row = in->first; row < in->end; row++) {
        i64 shares = max64(bars->volume[row], 0);
        volume += shares;
        value += ((wide)bars->high[row] + bars->low[row] + bars->close[row]) * shares;
    }
    if (in->end - in->first < VWAP_BARS || volume == 0)
        return false;
    wide close = 3 * (wide)bars->close[in->end - 1] * volume;
    return d > 0 ? close > value : close < value;
}

/* Wilder's average directional index after the last bar; below 0 if there are too few bars. */
static double average_directional_index(const Bars *bars, const ScoreInputs *in) {
    double range = 0, up = 0, down = 0, index = 0; /* micro-units, and percent */
    i64 n = ADX_PERIOD, count = in->end - in->first;
    if (count < 2 * n)
        return -1;
    for (i64 i = 1; i < count; i++) {
        i64 row = in->first + i;
        i64 high = bars->high[row], low = bars->low[row], before = bars->close[row - 1];
        i64 rise = high - bars->high[row - 1], fall = bars->low[row - 1] - low;
        double lost = i > n ? n : INFINITY; /* Wilder's sums begin with n bars, then lose an nth at each */
        range = range - range / lost + max64(high - low, max64(llabs(high - before), llabs(low - before)));
        up = up - up / lost + (rise > fall && rise > 0 ? rise : 0);
        down = down - down / lost + (fall > rise && fall > 0 ? fall : 0);
        if (i < n)
            continue;
        double plus = range > 0 ? 100 * up / range : 0, minus = range > 0 ? 100 * down / range : 0;
        double dx = plus + minus > 0 ? 100 * fabs(plus - minus) / (plus + minus) : 0;
        i64 seen = i - n + 1; /* DX so far */
        index = seen > n ? (index * (n - 1) + dx) / n : index + dx;
        if (seen == n)
            index /= n;
    }
    return index;
}

/* Whether the score of a direction suffices; *score is the sum of the weights of the factors that hold, in FINE parts, and
   bit f of *factors says whether factor f holds. */
static bool score_suffices(const Bars *bars, const ScoreRules *rules, const ScoreInputs *in, int d, i64 *score,
                           i64 *factors) {
    i64 required = rules->base_required;
    bool holds[FACTORS] = {false};
    holds[REL_VOLUME] = rules->on[REL_VOLUME] && relative_volume(bars, rules, in);
    holds[PRICE_ACTION] = rules->on[PRICE_ACTION] && price_action(bars, rules, in, d);
    holds[PROFILE] = rules->on[PROFILE] && profile(bars, in, d);
    holds[VWAP] = rules->on[VWAP] && beyond_vwap(bars, in, d);
    if (rules->on[ADX]) {
        double adx = average_directional_index(bars, in);
        holds[ADX] = adx >= (double)rules->adx_threshold / FINE;
        if (adx >= 0 && !holds[ADX])
            required = rules->weak_required;
    }
    *score = *factors = 0;
    for (int f = 0; f < FACTORS; f++) {
        *score += holds[f] ? rules->weight[f] : 0;
        *factors |= (i64)holds[f] << f;
    }
    return !rules->enabled || *score >= required;
}

#endif
