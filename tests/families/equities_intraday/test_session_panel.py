"""Synthetic minutes and the panel."""

from pathlib import Path

import numpy as np
import pytest

from tests.families.equities_intraday.minute_worlds import bars, config, panel_of, plain, put
from tests.families.equities_intraday.test_intraday_config import resolved
from tradewinds.config import markets
from tradewinds.core import damage, files
from tradewinds.core.errors import DamagedFile
from tradewinds.families.equities_intraday.fetch import synthetic_minutes
from tradewinds.families.equities_intraday.plan import intraday_plan
from tradewinds.families.equities_intraday.session_panel import make_session_panel, read_session_panel

FAMILY = markets.family_of("equities_intraday")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def synthetic(**sections):
    """The panel of a synthetic config, and its config and plan."""
    conf = resolved(**{"date_start_local": "2024-07-01", "date_end_local": "2024-07-31", **sections})
    plan = intraday_plan(conf)
    synthetic_minutes.make_minutes(conf, plan.files.months)
    make_session_panel(conf, plan)
    return read_session_panel(plan.files.panel), conf, plan


def test_synthetic_bars_are_real_sessions_and_the_last_date_is_one_of_them():
    panel, _, plan = synthetic()
    dates = [date for date, _, _ in panel.about["sessions"]]
    assert dates[-1] == "2024-07-31" and "2024-07-04" not in dates and plan.files.sessions == 22
    per_day = np.diff(panel.first_row).reshape(2, -1)
    assert per_day.min() == 210 and set(per_day[:, dates.index("2024-07-03")].tolist()) == {210}
    assert set(np.delete(per_day, dates.index("2024-07-03"), axis=1).ravel().tolist()) == {390}
    assert (panel.low > 0).all() and (panel.volume > 0).all()
    assert (panel.low <= np.minimum(panel.open, panel.close)).all() and (
        panel.high >= np.maximum(panel.open, panel.close)
    ).all()
    assert all((column % 10_000 == 0).all() for column in (panel.open, panel.high, panel.low, panel.close)), "ticks"
    assert panel.about["quarantined"] == {}


def test_synthetic_bars_depend_on_seed_symbol_and_session_alone():
    panel, _, _ = synthetic()
    half = panel.first_row[-1] // 2
    assert (panel.open[:half] != panel.open[half:]).mean() > 0.9, "symbols differ"
    other, _, _ = synthetic(seed=1)
    assert (other.open != panel.open).mean() > 0.9
    later, _, _ = synthetic(date_start_local="2024-07-31", symbols=["QQQ"])
    assert later.close[-390:].tolist() == panel.close[half - 390 : half].tolist()
    first, last = panel.first_row[0], panel.first_row[1]
    assert not np.array_equal(np.diff(panel.close[first:last]), np.diff(panel.close[last : last + 390])), "days differ"


def test_synthetic_bars_move_most_at_the_open_and_leave_their_opening_range():
    panel, _, _ = synthetic(symbols=[f"S{n}" for n in range(10)])
    width = (panel.high - panel.low) / panel.close
    by_minute = [width[panel.minute == minute].mean() for minute in (1, 200)]
    assert by_minute[0] > 1.5 * by_minute[1]
    left = days = 0
    for first, last in zip(panel.first_row[:-1], panel.first_row[1:], strict=True):
        high, low = panel.high[first : first + 15].max(), panel.low[first : first + 15].min()
        left += bool((panel.high[first + 15 : last] > high).any() or (panel.low[first + 15 : last] < low).any())
        days += 1
    assert 0.8 * days < left <= days


def test_five_minute_synthetic_bars():
    panel, _, _ = synthetic(bars={"source": "synthetic", "minutes": 5})
    assert panel.bar_minutes == 5 and set(np.diff(panel.first_row).tolist()) == {78, 42}


def test_every_file_of_a_plan_is_as_its_schema_says():
    _, _, plan = synthetic()
    assert list(damage.damaged_files(plan.data_files)) == []


def test_a_panel_whose_bars_are_not_in_order_is_damaged(tmp_path):
    _, _, plan = synthetic()
    table, meta = files.read_table(plan.files.panel), files.read_meta(plan.files.panel)
    files.write_parquet(plan.files.panel, table.slice(0, 390).take(list(reversed(range(390)))), meta)
    with pytest.raises(DamagedFile, match="not in order"):
        read_session_panel(plan.files.panel)
    files.write_parquet(plan.files.panel, table.slice(0, 390).drop_columns(["volume"]), meta)
    with pytest.raises(DamagedFile, match="columns"):
        read_session_panel(plan.files.panel)


def test_a_flipped_byte_is_found():
    _, _, plan = synthetic()
    data = bytearray(Path(plan.files.panel).read_bytes())
    data[len(data) // 2] ^= 1
    Path(plan.files.panel).write_bytes(data)
    with pytest.raises(DamagedFile):
        read_session_panel(plan.files.panel)


def test_validate_counts_bars_sessions_quarantine_and_opening_ranges(tmp_path):
    rows = [row for row in bars() if row[0].minute != 33]
    rows[700] = (rows[700][0], 1.0, 0.5, 2.0, 1.0, 5)
    rows[3] = (rows[3][0], 500.0, 500.0, 499.0, 500.0, 0)
    conf = config(put(tmp_path, "a.csv", plain(rows)), symbols=["QQQ", "SPY"])
    panel_of(conf)
    notes = FAMILY.validate(conf, intraday_plan(conf)).notes
    assert "1 bar has no volume." in notes
    assert notes[0] == "2 of 2 symbol-months of bars are there."
    assert "1 row quarantined: OHLC_ORDER" in notes and "SPY 2024-03: 1 OHLC_ORDER" in notes
    assert any("plain layout, stamps with a time zone, at the start of a bar" in note for note in notes)
    assert "2 of 2 opening ranges of 15 minutes are incomplete, 0 of them empty." in notes
    assert "QQQ has no bar from 2024-03-08 to 2024-03-11." in notes


def test_the_dry_run_counts_files_and_requests():
    conf = resolved(bars={"source": "yahoo"}, date_start_local="2026-11-16", date_end_local="2026-11-20")
    plan = intraday_plan(resolved())
    [row], notes = FAMILY.cost(conf, plan)
    assert (row["what"], row["total"], row["missing"], row["requests"]) == ("symbol-months of bars", 6, 6, 0)
    assert notes[0] == "2 symbols, 2 sessions of XNYS, bars from synthetic."
