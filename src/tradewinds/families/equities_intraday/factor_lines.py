"""The lines of factors.csv: a scored decision each. They are made column by column, since a year has hundreds of thousands."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Ints
from tradewinds.engine.bar_sessions.orb_rules import FACTORS
from tradewinds.engine.bar_sessions.session_result import ANSWERS, BREAK_COLUMNS, SessionsResult
from tradewinds.families.equities_intraday.decision_factors import ScoredDecisions
from tradewinds.families.equities_intraday.metrics import session_dates
from tradewinds.families.equities_intraday.r_values import score_text


def factor_lines(made: SessionsResult, ids: Sequence[str], decisions: ScoredDecisions) -> list[str]:
    """Return the scored decisions as lines of FACTOR_COLUMNS: 1 for a factor that held, 0 for one that did not, "" if off.

    Args:
        made: the run.
        ids: of its trades.
        decisions: its scored decisions.
    """
    rows = made.break_rows[decisions.row]
    symbol, session, bar_ts, direction, answer = (
        rows[:, BREAK_COLUMNS.index(name)] for name in ("symbol", "session", "bar_ts", "direction", "answer")
    )
    # few scores and combinations of factors, many decisions
    scores, of_score = np.unique(decisions.score, return_inverse=True)
    held, of_held = np.unique(decisions.factors, return_inverse=True)
    stamps = np.datetime_as_string(bar_ts.astype("datetime64[s]")).astype(object) + "Z"
    columns = [
        _taken([date.isoformat() for date in session_dates(made.bars)], session),
        _taken([_cell(name) for name in made.bars.symbols], symbol),
        pa.array(stamps, pa.string()),
        _taken(("short", "", "long"), direction + 1),
        _taken(ANSWERS, answer),
        _taken(["", *ids], decisions.trade + 1),
        _taken([score_text(score) for score in scores.tolist()], of_score),
        _taken([_cells_of(bits, decisions.on) for bits in held.tolist()], of_held),
    ]
    lines: list[str] = pc.binary_join_element_wise(*columns, ",").to_pylist()
    return lines


def _taken(texts: Sequence[str], places: Ints) -> pa.Array:
    """Return texts by their places in a list of them."""
    return pc.take(pa.array(texts, pa.string()), pa.array(places))


def _cells_of(bits: int, on: Sequence[bool]) -> str:
    """Return the cells of all factors, with commas between them."""
    pairs = zip(range(len(FACTORS)), on, strict=True)
    return ",".join(str(bits >> factor & 1) if is_on else "" for factor, is_on in pairs)


def _cell(text: str) -> str:
    """Return a text as a cell of a CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([text, ""])
    return out.getvalue()[:-1]
