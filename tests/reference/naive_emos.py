"""A second, naive implementation of the EMOS forecast: lists, loops and a general optimiser, one day at a time.

It shares no code with the product. For each day it first drops every row that was not known at the day's as-of time and then
uses only the rest, so that no later row can influence it. `crps_by_quadrature` integrates the CRPS numerically.
Formulas and their sources: docs/forecasts.md.
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
    """Return the distribution function of the standard normal distribution."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def crps_by_quadrature(mu, sigma, y):
    """Return the CRPS of a normal distribution: ∫ (F(x) − 1{x ≥ y})² dx.

    Args:
        mu: mean.
        sigma: standard deviation.
        y: the observed value.
    """
    below = quad(lambda x: big_phi((x - mu) / sigma) ** 2, min(y, mu) - 12 * sigma, y, limit=200)[0]
    above = quad(lambda x: big_phi((mu - x) / sigma) ** 2, y, max(y, mu) + 12 * sigma, limit=200)[0]
    return below + above


def mixture_crps_by_quadrature(parts, y):
    """Return the CRPS of a mixture of normal distributions: ∫ (F(x) − 1{x ≥ y})² dx.

    Args:
        parts: (weight, μ, σ) of each normal.
        y: the observed value.
    """

    def tail(x, side):
        """P(X ≤ x) for side 1, P(X > x) for side −1."""
        return sum(w * big_phi(side * (x - mu) / sigma) for w, mu, sigma in parts)

    lowest = min(y, *(mu - 12 * sigma for _, mu, sigma in parts))
    highest = max(y, *(mu + 12 * sigma for _, mu, sigma in parts))
    knots = sorted({mu for _, mu, _ in parts})
    below = quad(lambda x: tail(x, 1) ** 2, lowest, y, limit=500, points=[k for k in knots if lowest < k < y] or None)
    above = quad(
        lambda x: tail(x, -1) ** 2, y, highest, limit=500, points=[k for k in knots if y < k < highest] or None
    )
    return below[0] + above[0]


def three_normals(errors):
    """Fit three normals of weights 0.2, 0.6 and 0.2 to standardised errors, by 50 steps of expectation and maximisation.

    A hundred quantiles of the standard normal distribution are added to the errors, so that few errors give a shape near it.

    Returns:
        (weight, μ, σ) of each normal.
    """
    sample = [*errors, *(statistics.NormalDist().inv_cdf((i + 0.5) / 100) for i in range(100))]
    parts = [(0.2, -1.0, 1.2), (0.6, 0.0, 0.8), (0.2, 1.0, 1.2)]
    for _ in range(50):
        # expectation: each value is shared among the normals by their densities; sums of share, share · x and share · x²
        sums = [[0.0, 0.0, 0.0] for _ in parts]
        for x in sample:
            densities = [w * statistics.NormalDist(mu, sigma).pdf(x) for w, mu, sigma in parts]
            for density, total in zip(densities, sums, strict=True):
                share = density / sum(densities)
                for power in range(3):
                    total[power] += share * x**power
        # maximisation: mean and standard deviation of each normal's shares, weights fixed
        parts = [
            (w, first / n, max(math.sqrt(second / n - (first / n) ** 2), 0.2))
            for (w, _, _), (n, first, second) in zip(parts, sums, strict=True)
        ]
    return parts


class Knowledge:
    """What was known of one station's maximum at an instant: rows of guidance, and highs of final reports by date."""

    def __init__(self, guidance, climate, asof):
        self.guidance = [row for row in guidance if row["known_at_ts"] <= asof]
        self.reports = {r["climate_date"]: r["high_f"] for r in climate if r["final"] and r["known_at_ts"] <= asof}


class NaiveForecast:
    """Forecasts of one station's daily maximum.

    Args:
        guidance: rows of schema GUIDANCE as dicts.
        climate: rows of schema CLIMATE as dicts.
        models: names of the models, in the order of the config.
        asof: function from a date to its as-of time in Unix seconds.
        lst_offset_hours: offset of local standard time from UTC.
    """

    def __init__(self, guidance, climate, models, asof, lst_offset_hours):
        self.guidance, self.climate, self.asked, self.asof = guidance, climate, models, asof
        self.offset = lst_offset_hours
        self.cache = {}

    def run_of(self, known, model, day):
        """Return a model's latest run that was known by the as-of time of `day`; None without one.

        Returns:
            (maximum of the day, the other extreme or None, maximum of the run's own hourly temperatures or None, instant at
            which the run was known, the standard deviation that the run gives its maximum or None), temperatures in °F.
        """
        key = (model, day)
        if key not in self.cache:  # what was known by a day's own as-of time is the same for every later day
            midnight = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
            rows = [r for r in known.guidance if r["model"] == model and r["known_at_ts"] <= self.asof(day)]
            hits = [r for r in rows if r["ftime_ts"] == midnight + 24 * HOUR and not math.isnan(r["n_x_f"])]
            if not hits:
                self.cache[key] = None
                return None
            best = max(hits, key=lambda r: (r["known_at_ts"], r["runtime_ts"], r["n_x_f"]))
            # the other extreme of the same run, at 12 UTC
            same = [r for r in rows if r["runtime_ts"] == best["runtime_ts"]]
            other = [r["n_x_f"] for r in same if r["ftime_ts"] == midnight + 12 * HOUR and not math.isnan(r["n_x_f"])]
            # temperatures from midnight to midnight in local standard time, if the run has more hours than 00 and 12 UTC
            start = midnight - self.offset * HOUR
            inside = [r for r in same if start <= r["ftime_ts"] < start + 24 * HOUR and r["tmp_f"] is not None]
            enough = any(r["ftime_ts"] % (12 * HOUR) for r in inside)
            hourly = max(r["tmp_f"] for r in inside) if enough else None
            self.cache[key] = (
                best["n_x_f"],
                other[0] if other else None,
                hourly,
                best["known_at_ts"],
                best.get("n_x_sd_f"),
            )
        return self.cache[key]

    def trailing(self, day, value_of, half_life):
        """Return the mean of a quantity over the 60 days before `day`, with exponentially falling weights.

        The mean is shrunk to 0 by a weight of 5. Only days whose report was known at the as-of time of `day` count.

        Args:
            day: the date.
            value_of: function from an earlier date to the quantity, None if it is unknown.
            half_life: days after which a weight is half as large.
        """
        then = self.known_reports(day)
        total, weight = 0.0, 5.0
        for age in range(1, 61):
            past = day - dt.timedelta(days=age)
            if past in then and (value := value_of(past)) is not None:
                total += 0.5 ** (age / half_life) * value
                weight += 0.5 ** (age / half_life)
        return total / weight

    def known_reports(self, day):
        """Return the highs of days before `day` whose report was known at its as-of time, by date."""
        asof = self.asof(day)
        return {d: h for d, (h, known) in self.reports.items() if known <= asof and d < day}

    def forecast(self, day, emos_days):
        """Forecast the maximum of a day.

        Args:
            day: the date.
            emos_days: length of the regression's window in days.

        Returns:
            (weight, μ, σ) of each of the three normals of the forecast's distribution, in °F.
        """
        # only what was known at the as-of time
        asof = self.asof(day)
        known = Knowledge(self.guidance, self.climate, asof)
        self.reports = {
            r["climate_date"]: (r["high_f"], r["known_at_ts"])
            for r in self.climate
            if r["final"] and r["known_at_ts"] <= asof
        }
        # the models that have the day, without those that have fewer than four fifths of the days that another one has
        past = [day - dt.timedelta(days=n) for n in range(1, emos_days + 1)]
        counts = {m: sum(d in self.reports and bool(self.run_of(known, m, d)) for d in past) for m in self.asked}
        there = [m for m in self.asked if self.run_of(known, m, day)]
        self.models = [m for m in there if counts[m] >= 0.8 * max(counts[other] for other in there)]
        # predictors of the day and of the days before it that have a report
        days = [day - dt.timedelta(days=n) for n in range(emos_days, -1, -1)]
        self.guesses = {}
        rows = {d: row for d in days if (row := self.predictors(known, d))}
        window = [d for d in days[:-1] if d in rows and d in self.reports]
        target = np.array([self.reports[d][0] - rows[d][0] for d in window])
        mean = np.array([rows[d][1] for d in window])
        scale = np.array([rows[d][2] for d in window])
        p = mean.shape[1]

        def loss(coefficients):
            """Mean CRPS of the window plus the ridge; the first p coefficients are those of μ, the others those of log σ."""
            mu, log_sigma = mean @ coefficients[:p], scale @ coefficients[p:]
            sigma = np.exp(np.clip(log_sigma, -3, 4))
            z = (target - mu) / sigma
            density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            fit = np.mean(sigma * (z * (1 - erfc(z / math.sqrt(2))) + 2 * density - 1 / math.sqrt(math.pi)))
            return fit + 0.03 / 2 * (coefficients[1:p] ** 2).sum() + 0.02 / 2 * (coefficients[p + 1 :] ** 2).sum()

        # the coefficients of minimum CRPS, and the normal distribution of the day
        start = np.zeros(p + scale.shape[1])
        start[p] = math.log(statistics.stdev(target))
        found = minimize(loss, start, method="BFGS", options={"gtol": 1e-6, "maxiter": 400}).x
        guess, own_mean, own_scale = rows[day]
        mu, sigma = guess + float(np.dot(own_mean, found[:p])), math.exp(float(np.dot(own_scale, found[p:])))
        # the shape: three normals fitted to the window's standardised errors, widened for the number of coefficients
        n = len(window)
        wider = math.sqrt((n + p) / (n - p))
        errors = [
            wider * (target[i] - float(np.dot(mean[i], found[:p]))) / math.exp(float(np.dot(scale[i], found[p:])))
            for i in range(n)
        ]
        return [(weight, mu + sigma * centre, sigma * spread) for weight, centre, spread in three_normals(errors)]

    def guess(self, known, day):
        """Return (first guess, corrected value of each model, run of each model) of a day; None if a model is missing."""
        if day not in self.guesses:
            runs = [self.run_of(known, model, day) for model in self.models]
            self.guesses[day] = None
            if all(runs):
                corrected = [run[0] + self.bias(known, i, day) for i, run in enumerate(runs)]
                self.guesses[day] = (statistics.fmean(corrected), corrected, runs)
        return self.guesses[day]

    def bias(self, known, i, day):
        """Return the trailing mean error of model i."""
        return self.trailing(day, lambda d: self.error(known, i, d), 15)

    def error(self, known, i, day):
        """Return the reported maximum less that of model i; None without a run."""
        run = self.run_of(known, self.models[i], day)
        return None if run is None else self.reports[day][0] - run[0]

    def predictors(self, known, day):
        """Return (first guess, predictors of μ, predictors of log σ) of a day; None if a model is missing."""
        found = self.guess(known, day)
        if found is None:
            return None
        guess, corrected, runs = found
        # change since yesterday's guidance, season, last known error, last observation
        before = self.guess(known, day - dt.timedelta(days=1))
        warming = (guess - before[0]) / 3 if before else 0.0
        season = 2 * math.pi * day.timetuple().tm_yday / 365.25
        then = self.known_reports(day)
        recent = [d for n in range(1, 6) if (d := day - dt.timedelta(days=n)) in then]
        with_guess = [d for d in recent if self.guess(known, d)]
        last_error = then[with_guess[0]] - self.guess(known, with_guess[0])[0] if with_guess else 0.0
        last = (then[recent[0]] - guess) / 3 if recent else 0.0

        def guess_error(d):
            """The reported maximum less the first guess; None without a guess."""
            return None if self.guess(known, d) is None else self.reports[d][0] - self.guess(known, d)[0]

        mean = [1, (guess - 60) / 10, math.sin(season), math.cos(season), *(c - guess for c in corrected)]
        mean += [last_error, self.trailing(day, guess_error, 5), self.trailing(day, guess_error, 20)]
        mean += [last, warming, max(-warming, 0.0)]
        spread = statistics.stdev(run[0] for run in runs)
        scale = [1, math.log1p(spread) - 1, math.sin(season) / 2, math.cos(season) / 2]
        scale += [math.log1p(abs(3 * warming)) / 2, 3 * warming / 10]
        # the day's range and the runs' own hourly temperatures, where every model but the blend's has both
        places = [i for i, model in enumerate(self.models) if model not in ("NBS", "NBE")] or range(len(runs))
        if all(runs[i][1] is not None and runs[i][2] is not None for i in places):
            span = statistics.fmean(runs[i][1] for i in places) - guess
            hourly = [runs[i][2] + self.hourly_bias(known, i, day) for i in places]
            middle = statistics.fmean(hourly)
            mean += [span, max(span + 12, 0.0) / 3, middle - guess, *(one - middle for one in hourly[:-1])]
            raw = (statistics.fmean(runs[i][part] for i in places) for part in (2, 0))
            scale += [span / 10, abs(next(raw) - next(raw)) / 3]
        own = [run[4] for run in runs if run[4] is not None]
        scale += [math.log1p(statistics.fmean(own)) - 1] if own else []
        return guess, mean, scale

    def hourly_bias(self, known, i, day):
        """Return the trailing mean error of the maximum of model i's hourly temperatures."""

        def error(d):
            run = self.run_of(known, self.models[i], d)
            return None if run is None or run[2] is None else self.reports[d][0] - run[2]

        return self.trailing(day, error, 15)
