"""A capped row of the section on liquidity is the run with that limit; shares beyond a bar's volume are those of the files."""

import json

import pytest

from tests.families.equities_daily.test_report import rows_of, with_volumes
from tests.unit import share_runs


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize(("volume", "beyond"), [(200_000, 0), (5_000, 0), (1_000, 35), ("", None)])
def test_shares_beyond_the_volume_and_runs_with_the_limit(tmp_path, volume, beyond):
    world = with_volumes({24: volume})
    folder = share_runs.write(tmp_path / "run", world)
    found = metrics_of(folder)["diagnostics"]["liquidity"]
    (closed,) = rows_of(folder, "positions_closed.csv")
    assert closed["qty"] == "1035"
    assert found["quantity_beyond_volume_pct"] == (None if beyond is None else round(100 * beyond / 1035, 6))
    for row in found["capped"]:
        risk = {"currency": "AUD", "max_volume_share": row["volume_share"]}
        limited = metrics_of(share_runs.write(tmp_path / str(row["volume_share"]), world, risk=risk))
        assert {key: limited[key] for key in row if key != "volume_share"} == {
            key: row[key] for key in row if key != "volume_share"
        }
    told = (folder / "report.md").read_text()
    if volume == "":
        assert found["capped"] == []
        assert "The source has no volume for 100.0 % of the shares bought. No cap limits an entry there." in told
    else:
        assert "| Entries capped at | P&L, AUD | Trades | Shares |" in told
