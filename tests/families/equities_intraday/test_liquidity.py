"""risk.max_volume_share of opening ranges, and the section on liquidity: rows are runs with the limit, exactly."""

import contextlib
import json

import pytest

from tests.families.equities_intraday import orb_runs
from tradewinds.families.equities_intraday.replay import IntradayStudy, _entries


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("own", [None, 0.2])
def test_a_capped_row_is_the_run_with_that_limit(tmp_path, own):
    sizes = {"sizing": "fixed_shares", "fixed_shares": 300, "max_volume_share": own}
    folder = orb_runs.write(tmp_path / "run", risk=sizes)
    found = metrics_of(folder)["diagnostics"]["liquidity"]
    assert found["entries"] > 10
    for row in found["capped"]:
        share = min(own or 1, row["volume_share"])
        limited = orb_runs.write(
            tmp_path / str(row["volume_share"]), report=False, risk=sizes | {"max_volume_share": share}
        )
        assert {key: metrics_of(limited)[key] for key in row if key != "volume_share"} == {
            key: row[key] for key in row if key != "volume_share"
        }
    assert len({row["num_contracts"] for row in found["capped"]}) > 1
    assert "| Entries capped at | P&L, USD | Trades | Shares |" in (folder / "report.md").read_text()


def test_no_entry_takes_more_than_its_share_of_the_bar_it_fills_in(tmp_path):
    with contextlib.chdir(tmp_path):
        conf, plan = orb_runs.prepared(
            tmp_path, risk={"sizing": "fixed_shares", "fixed_shares": 300, "max_volume_share": 0.1}
        )
        study = IntradayStudy.of(conf, plan)
        made = study.replay(conf)
    entries = list(_entries(made))
    assert entries and all(quantity <= volume // 10 for quantity, volume, _ in entries)
    assert any(quantity == volume // 10 for quantity, volume, _ in entries)
    assert made.refusals["LIQUIDITY"] == sum(row[4] == 10 for row in made.break_rows.tolist())
