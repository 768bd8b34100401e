"""What a forecast adds to the price, a second time: plain loops over lists, from the definitions in docs/edge.md alone."""

import itertools
import math

FLOOR = 0.005


def shares(values):
    """Values clipped to [0.005, 0.995], divided by their sum."""
    clipped = [min(max(value, FLOOR), 1 - FLOOR) for value in values]
    return [value / sum(clipped) for value in clipped]


def pool(q, f, b, c):
    """z ∝ q^b f^c."""
    logs = [b * math.log(one) + c * math.log(other) for one, other in zip(q, f, strict=True)]
    powers = [math.exp(one - max(logs)) for one in logs]
    return [power / math.fsum(powers) for power in powers]


def log_of_winner(q, f, winner, b, c):
    """Log of the pool's probability of the winner."""
    logs = [b * math.log(one) + c * math.log(other) for one, other in zip(q, f, strict=True)]
    return logs[winner] - max(logs) - math.log(math.fsum(math.exp(one - max(logs)) for one in logs))


def value(events, theta, shrinkage):
    """Sum of the logs of the winners less the penalty. An event is (q, f, winner, date)."""
    b, c = theta
    logs = math.fsum(log_of_winner(q, f, winner, b, c) for q, f, winner, _ in events)
    return logs - shrinkage / 2 * ((b - 1) ** 2 + c**2)


def slopes(event, theta):
    """Winner's logs less their expectation, and the covariance of the logs, of one event."""
    q, f, winner, _ = event
    z = pool(q, f, *theta)
    x = [(math.log(one), math.log(other)) for one, other in zip(q, f, strict=True)]
    mean = [math.fsum(p * row[k] for p, row in zip(z, x, strict=True)) for k in (0, 1)]
    covariance = [
        [math.fsum(p * (row[i] - mean[i]) * (row[j] - mean[j]) for p, row in zip(z, x, strict=True)) for j in (0, 1)]
        for i in (0, 1)
    ]
    return [x[winner][k] - mean[k] for k in (0, 1)], covariance


def curvature(events, theta):
    """Sum of the covariances."""
    found = [slopes(event, theta)[1] for event in events]
    return [[math.fsum(one[i][j] for one in found) for j in (0, 1)] for i in (0, 1)]


def fit(events, shrinkage=0.0, alone=False):
    """(b, c) of the largest value; None where there is none."""
    theta = (1.0, 0.0)
    for _ in range(50):
        first = [math.fsum(slopes(event, theta)[0][k] for event in events) for k in (0, 1)]
        first = [first[0] - shrinkage * (theta[0] - 1), first[1] - shrinkage * theta[1]]
        (a, d), (_, e) = curvature(events, theta)
        a, e = a + shrinkage, e + shrinkage
        if alone:
            step = (first[0] / a, 0.0)
        else:
            determinant = a * e - d * d
            step = ((e * first[0] - d * first[1]) / determinant, (a * first[1] - d * first[0]) / determinant)
        before = value(events, theta, shrinkage)
        while True:
            moved = (theta[0] + step[0], theta[1] + step[1])
            if value(events, moved, shrinkage) >= before - 1e-13 * abs(before) or max(map(abs, step)) < 1e-10:
                break
            step = (step[0] / 2, step[1] / 2)
        theta = moved
        if max(map(abs, step)) < 1e-10:
            return theta if max(map(abs, theta)) <= 20 else None
    return None


def by_date(pairs):
    """Sums of (date, value) by date."""
    sums = {}
    for date, number in pairs:
        sums[date] = sums.get(date, 0.0) + number
    return list(sums.values())


def errors(events, theta, alone=False):
    """Standard errors of b and c by dates; None with one date."""
    dates = sorted({event[3] for event in events})
    if len(dates) < 2:
        return None
    scale = len(dates) / (len(dates) - 1)
    (a, d), (_, e) = curvature(events, theta)
    sums = [by_date([(event[3], slopes(event, theta)[0][k]) for event in events]) for k in (0, 1)]
    if alone:
        return [math.sqrt(math.fsum(s * s for s in sums[0]) * scale) / a]
    determinant = a * e - d * d
    inverse = [[e / determinant, -d / determinant], [-d / determinant, a / determinant]]
    found = []
    for row in inverse:
        by_dates = [row[0] * one + row[1] * other for one, other in zip(*sums, strict=True)]
        found.append(math.sqrt(math.fsum(one * one for one in by_dates) * scale))
    return found


def claimed_share(events):
    """w and its standard error."""
    rows = [
        (date, one_f - one_q, (i == winner) - one_q)
        for q, f, winner, date in events
        for i, (one_q, one_f) in enumerate(zip(q, f, strict=True))
    ]
    squares = math.fsum(claim**2 for _, claim, _ in rows)
    w = math.fsum(claim * found for _, claim, found in rows) / squares
    sums = by_date([(date, claim * (found - w * claim)) for date, claim, found in rows])
    if len(sums) < 2:
        return w, None
    return w, math.sqrt(math.fsum(u * u for u in sums) * len(sums) / (len(sums) - 1)) / squares


def gain(events, over, under):
    """Mean of the logs of the winners' ratios, and its standard error; over and under are by event."""
    rows = [(event[3], math.log(a[event[2]] / b[event[2]])) for event, a, b in zip(events, over, under, strict=True)]
    mean = math.fsum(one for _, one in rows) / len(rows)
    sums = by_date([(date, one - mean) for date, one in rows])
    if len(sums) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum(s * s for s in sums) * len(sums) / (len(sums) - 1)) / len(rows)


def walk_forward(events, settled, asof, shrinkage=50.0, alone=False):
    """(b, c, number of training events) for each as-of time."""
    found = []
    for now in asof:
        known = [event for event, at in zip(events, settled, strict=True) if at is not None and at <= now]
        theta = fit(known, shrinkage, alone) if known else (1.0, 0.0)
        found.append((*theta, len(known)))
    return found


def table(rows, edges=(0, 0.02, 0.05, 0.1, 0.2, 1)):
    """(n, expected, realised) by bin, and of all above 0. A row is (probability, bid, ask, whether it won)."""
    claims = []
    for p, bid, ask, yes in rows:
        if 0 < ask < 1:
            cost = ask + 0.07 * ask * (1 - ask)
            claims.append((p - cost, yes - cost))
        if 0 < bid < 1:
            cost = (1 - bid) + 0.07 * bid * (1 - bid)
            claims.append((1 - p - cost, (not yes) - cost))

    def sums(chosen):
        return len(chosen), math.fsum(one for one, _ in chosen), math.fsum(one for _, one in chosen)

    bins = [
        sums([one for one in claims if low <= one[0] < high or (high == 1 and one[0] == 1)])
        for low, high in itertools.pairwise(edges)
    ]
    return bins, sums([one for one in claims if one[0] > 0])
