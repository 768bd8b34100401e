"""The forecast once more, a day at a time and with none of the project's code: lists, loops, a general optimiser.

For each day it first throws away every row that was not known at the day's as-of time, and then works on what is left, so
nothing later can have a part in it. CRPS is integrated numerically where `crps_by_quadrature` is used.
"""

import datetime as dt
import math
import statistics

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import erfc

HOUR = 3600


def big_phi(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


def crps_by_quadrature(mu, sigma, y):
    """∫ (F(x) − 1{x ≥ y})² dx."""
    below = quad(lambda x: big_phi((x - mu) / sigma) ** 2, min(y, mu) - 12 * sigma, y, limit=200)[0]
    above = quad(lambda x: big_phi((mu - x) / sigma) ** 2, y, max(y, mu) + 12 * sigma, limit=200)[0]
    return below + above


def mixture_crps_by_quadrature(parts, y):
    """∫ (F(x) − 1{x ≥ y})² dx of a mixture of (weight, μ, σ)."""

    def chance(x, side):
        return sum(w * big_phi(side * (x - mu) / sigma) for w, mu, sigma in parts)

    lowest = min(y, *(mu - 12 * sigma for _, mu, sigma in parts))
    highest = max(y, *(mu + 12 * sigma for _, mu, sigma in parts))
    knots = sorted({mu for _, mu, _ in parts})
    below = quad(lambda x: chance(x, 1) ** 2, lowest, y, limit=500, points=[k for k in knots if lowest < k < y] or None)
    above = quad(
        lambda x: chance(x, -1) ** 2, y, highest, limit=500, points=[k for k in knots if y < k < highest] or None
    )
    return below[0] + above[0]


def three_normals(errors):
    """Fifty rounds of expectation and maximisation, weights 0.2, 0.6 and 0.2, for the errors and a hundred normal ones."""
    seen = [*errors, *(statistics.NormalDist().inv_cdf((i + 0.5) / 100) for i in range(100))]
    parts = [(0.2, -1.0, 1.2), (0.6, 0.0, 0.8), (0.2, 1.0, 1.2)]
    for _ in range(50):
        sums = [[0.0, 0.0, 0.0] for _ in parts]
        for x in seen:
            likely = [w * statistics.NormalDist(mu, sigma).pdf(x) for w, mu, sigma in parts]
            for one, total in zip(likely, sums, strict=True):
                share = one / sum(likely)
                for power in range(3):
                    total[power] += share * x**power
        parts = [
            (w, first / n, max(math.sqrt(second / n - (first / n) ** 2), 0.2))
            for (w, _, _), (n, first, second) in zip(parts, sums, strict=True)
        ]
    return parts


class Knowledge:
    """What was known at an instant of one station's maximum: guidance rows and final reports, as dicts."""

    def __init__(self, guidance, climate, asof):
        self.guidance = [row for row in guidance if row["known_at_ts"] <= asof]
        self.reports = {r["climate_date"]: r["high_f"] for r in climate if r["final"] and r["known_at_ts"] <= asof}


class NaiveForecast:
    """`asof` gives the as-of time of a date; models in the order of the config."""

    def __init__(self, guidance, climate, models, asof, lst_offset_hours):
        self.guidance, self.climate, self.models, self.asof = guidance, climate, models, asof
        self.offset = lst_offset_hours
        self.cache = {}

    def run_of(self, known, model, day):
        """(value, other, hourly, …) of the latest run known by the day's own as-of time, None without one."""
        key = (model, day)
        if key not in self.cache:  # what was known by a day's own as-of time does not change later
            midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
            rows = [r for r in known.guidance if r["model"] == model and r["known_at_ts"] <= self.asof(day)]
            hits = [r for r in rows if r["ftime_ts"] == midnight + 24 * HOUR and not math.isnan(r["n_x_f"])]
            if not hits:
                self.cache[key] = None
                return None
            best = max(hits, key=lambda r: (r["known_at_ts"], r["runtime_ts"], r["n_x_f"]))
            same = [r for r in rows if r["runtime_ts"] == best["runtime_ts"]]
            other = [r["n_x_f"] for r in same if r["ftime_ts"] == midnight + 12 * HOUR and not math.isnan(r["n_x_f"])]
            start = midnight - self.offset * HOUR
            inside = [r for r in same if start <= r["ftime_ts"] < start + 24 * HOUR and r["tmp_f"] is not None]
            enough = any(r["ftime_ts"] % (12 * HOUR) for r in inside)
            hourly = max(r["tmp_f"] for r in inside) if enough else None
            self.cache[key] = (best["n_x_f"], other[0] if other else None, hourly, best["known_at_ts"])
        return self.cache[key]

    def trailing(self, day, value_of, half_life):
        """Exponentially forgotten mean of a quantity of the 60 days before, as known at the day's own as-of time."""
        then = self.known_reports(day)
        total, weight = 0.0, 5.0
        for age in range(1, 61):
            past = day - dt.timedelta(days=age)
            if past in then and (value := value_of(past)) is not None:
                total += 0.5 ** (age / half_life) * value
                weight += 0.5 ** (age / half_life)
        return total / weight

    def known_reports(self, day):
        asof = self.asof(day)
        return {d: h for d, (h, known) in self.reports.items() if known <= asof and d < day}

    def forecast(self, day, emos_days):
        """(weight, μ, σ) of the three normals whose mixture is the regression's distribution."""
        asof = self.asof(day)
        known = Knowledge(self.guidance, self.climate, asof)
        self.reports = {
            r["climate_date"]: (r["high_f"], r["known_at_ts"])
            for r in self.climate
            if r["final"] and r["known_at_ts"] <= asof
        }
        days = [day - dt.timedelta(days=n) for n in range(emos_days, -1, -1)]
        self.memo = {}
        rows = {d: row for d in days if (row := self.predictors(known, d))}
        seen = [d for d in days[:-1] if d in rows and d in self.reports]
        target = np.array([self.reports[d][0] - rows[d][0] for d in seen])
        mean = np.array([rows[d][1] for d in seen])
        scale = np.array([rows[d][2] for d in seen])
        p = mean.shape[1]

        def loss(both):
            mu, log = mean @ both[:p], scale @ both[p:]
            sigma = np.exp(np.clip(log, -3, 4))
            z = (target - mu) / sigma
            density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            fit = np.mean(sigma * (z * (1 - erfc(z / math.sqrt(2))) + 2 * density - 1 / math.sqrt(math.pi)))
            return fit + 0.03 / 2 * (both[1:p] ** 2).sum() + 0.02 / 2 * (both[p + 1 :] ** 2).sum()

        start = np.zeros(p + scale.shape[1])
        start[p] = math.log(statistics.stdev(target))
        found = minimize(loss, start, method="BFGS", options={"gtol": 1e-6, "maxiter": 400}).x
        guess, own_mean, own_scale = rows[day]
        mu, sigma = guess + float(np.dot(own_mean, found[:p])), math.exp(float(np.dot(own_scale, found[p:])))
        n = len(seen)
        wider = math.sqrt((n + p) / (n - p))
        errors = [
            wider * (target[i] - float(np.dot(mean[i], found[:p]))) / math.exp(float(np.dot(scale[i], found[p:])))
            for i in range(n)
        ]
        return [(weight, mu + sigma * centre, sigma * spread) for weight, centre, spread in three_normals(errors)]

    def guess(self, known, day):
        """(first guess, corrected values, runs) of a day; None without all models."""
        if day not in self.memo:
            runs = [self.run_of(known, model, day) for model in self.models]
            self.memo[day] = None
            if all(runs):
                corrected = [run[0] + self.bias(known, i, day) for i, run in enumerate(runs)]
                self.memo[day] = (statistics.fmean(corrected), corrected, runs)
        return self.memo[day]

    def bias(self, known, i, day):
        return self.trailing(day, lambda d: self.error(known, i, d), 15)

    def error(self, known, i, day):
        run = self.run_of(known, self.models[i], day)
        return None if run is None else self.reports[day][0] - run[0]

    def predictors(self, known, day):
        made = self.guess(known, day)
        if made is None:
            return None
        guess, corrected, runs = made
        before = self.guess(known, day - dt.timedelta(days=1))
        warming = (guess - before[0]) / 3 if before else 0.0
        season = 2 * math.pi * day.timetuple().tm_yday / 365.25
        then = self.known_reports(day)
        recent = [d for n in range(1, 6) if (d := day - dt.timedelta(days=n)) in then]
        with_guess = [d for d in recent if self.guess(known, d)]
        last_error = then[with_guess[0]] - self.guess(known, with_guess[0])[0] if with_guess else 0.0
        last = (then[recent[0]] - guess) / 3 if recent else 0.0

        def missed(d):
            return None if self.guess(known, d) is None else self.reports[d][0] - self.guess(known, d)[0]

        mean = [1, (guess - 60) / 10, math.sin(season), math.cos(season), *(c - guess for c in corrected)]
        mean += [last_error, self.trailing(day, missed, 5), self.trailing(day, missed, 20)]
        mean += [last, warming, max(-warming, 0.0)]
        spread = statistics.stdev(run[0] for run in runs)
        scale = [1, math.log1p(spread) - 1, math.sin(season) / 2, math.cos(season) / 2]
        scale += [math.log1p(abs(3 * warming)) / 2, 3 * warming / 10]
        if all(run[1] is not None and run[2] is not None for run in runs):
            span = statistics.fmean(run[1] for run in runs) - guess
            hourly = [run[2] + self.hourly_bias(known, i, day) for i, run in enumerate(runs)]
            middle = statistics.fmean(hourly)
            mean += [span, max(span + 12, 0.0) / 3, middle - guess, *(one - middle for one in hourly[:-1])]
            raw = (statistics.fmean(run[part] for run in runs) for part in (2, 0))
            scale += [span / 10, abs(next(raw) - next(raw)) / 3]
        return guess, mean, scale

    def hourly_bias(self, known, i, day):
        def error(d):
            run = self.run_of(known, self.models[i], d)
            return None if run is None or run[2] is None else self.reports[d][0] - run[2]

        return self.trailing(day, error, 15)
