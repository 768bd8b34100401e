/* Exact arithmetic of prices. Prices are micro-units; a level is computed in FINE parts of one, and rounded once. */

#ifndef EXACT_H
#define EXACT_H

#include <stdint.h>

typedef int64_t i64;
typedef int32_t i32;
typedef __int128 wide;

#define FINE 100000000LL /* parts of a unit in which multipliers are given: 8 decimals */
#define CENT 10000LL     /* micro-units */

static wide floor_div(wide a, wide b) { /* b > 0 */
    wide q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static wide ceil_div(wide a, wide b) { return -floor_div(-a, b); }

static wide half_even(wide a, wide b) { /* a / b to the nearest integer, a half to the even one; b > 0 */
    wide q = floor_div(a, b), twice = 2 * (a - q * b);
    return twice > b || (twice == b && (q & 1)) ? q + 1 : q;
}

/* A level in micro-units: to the tick, up for a direction above 0 and down below 0; without a tick to the nearest. */
static i64 level(wide fine, int direction, i64 tick) {
    if (!tick)
        return (i64)half_even(fine, FINE);
    wide unit = (wide)tick * FINE;
    return (i64)(direction > 0 ? ceil_div(fine, unit) : floor_div(fine, unit)) * tick;
}

static i64 max64(i64 a, i64 b) { return a > b ? a : b; }
static i64 min64(i64 a, i64 b) { return a < b ? a : b; }

#endif
