"""Opens and closes of exchanges from rules written by hand: half days by name, summer time by counting Sundays.

It shares no code, no table and no package with the product, nor a time-zone database. The rules hold from 2013 on.
"""

import datetime as dt


def nth(year, month, weekday, count):
    """Return the n-th weekday (Monday is 0) of a month; the last one for -1."""
    days = [dt.date(year, month, 1) + dt.timedelta(days=n) for n in range(31)]
    return [day for day in days if day.month == month and day.weekday() == weekday][count - (count > 0)]


def weekday_until(date):
    """Return the last day from Monday to Friday that is no later than a date."""
    while date.weekday() > 4:
        date -= dt.timedelta(days=1)
    return date


def new_york(date):
    """Return open and close in minutes of the clock, and the clock's hours ahead of UTC."""
    thanksgiving = nth(date.year, 11, 3, 4)
    eves = [dt.date(date.year, 7, 3), dt.date(date.year, 12, 24)]  # a Friday is the holiday itself, moved
    is_half = date == thanksgiving + dt.timedelta(days=1) or (date in eves and date.weekday() < 4)
    is_summer = nth(date.year, 3, 6, 2) <= date < nth(date.year, 11, 6, 1)
    return 9 * 60 + 30, 13 * 60 if is_half else 16 * 60, -4 if is_summer else -5


def sydney(date):
    """Return open and close in minutes of the clock, and the clock's hours ahead of UTC."""
    half = [weekday_until(dt.date(date.year, 12, 24)), weekday_until(dt.date(date.year, 12, 31))]
    half = half if date.year != 2022 else []  # the exchange closed no session early in that year
    is_summer = not nth(date.year, 4, 6, 1) <= date < nth(date.year, 10, 6, 1)
    return 10 * 60, 14 * 60 + 10 if date in half else 16 * 60, 11 if is_summer else 10


def auckland(date):
    """Return open and close in minutes of the clock, and the clock's hours ahead of UTC."""
    half = [weekday_until(dt.date(date.year, 12, 24)), weekday_until(dt.date(date.year, 12, 31))]
    is_summer = not nth(date.year, 4, 6, 1) <= date < nth(date.year, 9, 6, -1)
    return 10 * 60, 12 * 60 + 45 if date in half else 16 * 60 + 45, 13 if is_summer else 12


EXCHANGES = {"XNYS": new_york, "XNAS": new_york, "XASX": sydney, "XNZE": auckland}


def hours(exchange, date):
    """Return the open and the close of a date in Unix seconds, whether or not it is a holiday."""
    opens, closes, ahead = EXCHANGES[exchange](date)
    midnight = (date - dt.date(1970, 1, 1)).days * 86_400
    return tuple(midnight + 60 * minutes - 3600 * ahead for minutes in (opens, closes))
