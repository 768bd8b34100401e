"""`tradewinds orb` from the command line to the database and the web page: few real runs, each asked for much."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests import warm
from tests.services.web import served
from tests.workflow.harness import PATIENCE_SECONDS, ROOT, dead_links
from tradewinds.families.equities_intraday.family import FAMILY
from tradewinds.results.run_files import EVERY_RUN

DAYS = ("--start", "2025-01-02", "--end", "2025-01-15")
RULES = "orb: {base_minutes: 5, adaptive: false, enable_validity_filter: false}\nscoring: {base_required: 1}\n"
SYMBOLS = ("QQQ", "SPY")


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100", "NO_COLOR": "1", **environment}
    return warm.run(
        [sys.executable, "-m", "tradewinds.cli", *arguments],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


class OrbDesk:
    """A folder with a finished run; `said` is what it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "my.yaml").write_text(RULES)
        done = self("orb", "--symbols", "SPY", "qqq", *DAYS, "--synthetic", "--config", "my.yaml", *FLAGS)
        assert done.returncode == 0, done.stdout + done.stderr
        self.said = done.stdout
        (written,) = folder.glob("backtests/configs/*.yaml")
        self.run_id, self.written = written.stem, written
        self.run = folder / "backtests" / self.run_id

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return call(self.folder, *arguments)

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((self.run / name).read_text().splitlines()))


FLAGS = ("--name", "first try", "--note", "of January", "--cache", "--report", "--validate-or", "--verbose")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> OrbDesk:
    return OrbDesk(tmp_path_factory.mktemp("orb"))


def test_the_terminal_shows_each_symbol_and_all_of_them(desk):
    metrics = json.loads((desk.run / "metrics.json").read_text())
    shown = {words[0]: words[1:] for line in desk.said.splitlines() if (words := line.split())}
    for name, figures in [*((name, metrics["symbols"][name]) for name in SYMBOLS), ("all", metrics)]:
        trades, wins, total, mean, _, pnl, *_ = shown[name]
        assert trades == f"{figures['num_trades']:,}" and pnl == f"{figures['total_pnl_usd']:,.2f}"
        assert wins == f"{100 * figures['win_rate']:.1f}" and total == f"{figures['total_r']:,.2f}"
        assert mean == f"{figures['expectancy_r']:,.3f}"
    assert metrics["num_trades"] == sum(metrics["symbols"][name]["num_trades"] for name in SYMBOLS) > 0
    assert f"backtests/{desk.run_id}/symbols/ (2 symbols)" in desk.said


def test_every_file_of_the_seed_and_of_every_run_is_there(desk):
    listed = {file.name for file in (*EVERY_RUN, *FAMILY.run_files)} | {"loaded", "name.json"}
    assert {path.name for path in desk.run.iterdir()} == listed
    own = ("trades.parquet", "metrics.json", "equity.parquet", "report.html")
    wanted = {f"{name}_{rest}" for name in SYMBOLS for rest in own}
    assert {path.name for path in (desk.run / "symbols").iterdir() if not path.name.startswith(".")} == wanted
    assert json.loads((desk.run / "config.json").read_text())["orb"]["on_gap"] == "warn"
    equity = pq.read_table(desk.run / "combined_equity.parquet").column("session").to_pylist()
    assert equity == sorted(equity) and len(equity) == 9  # January 9, 2025 was no session


def test_every_drawn_trade_leads_to_its_chart(desk):
    page = (desk.run / "report.html").read_text()
    trades = len(desk.rows("trades_r.csv"))
    assert not dead_links(page)
    assert page.count('href="#session-') + page.count('href="#small-session_') == trades


def test_it_has_the_name_and_the_note_that_it_was_given(desk):
    [row] = json.loads(desk("runs", "--json").stdout)
    assert (row["name"], row["note"]) == ("first try", "of January")


def test_the_written_config_is_the_same_run(desk):
    raw = yaml.safe_load(desk.written.read_text())
    assert raw["symbols"] == list(SYMBOLS) and raw["bars"] == {"source": "synthetic"}
    before = (desk.run / "trades.csv").read_bytes()
    done = desk("run", "--config", f"backtests/configs/{desk.run_id}.yaml")
    assert done.returncode == 0 and f"nothing to be done: run {desk.run_id}" in done.stdout, done.stdout + done.stderr
    assert (desk.run / "trades.csv").read_bytes() == before


def test_the_log_of_a_run_has_what_its_jobs_and_its_wrapper_said(desk):
    lines = (desk.run / "run.log").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines if line[:2] == "20")
    text = "\n".join(lines)
    for words in (
        f"tradewinds 0.1.0: backtests/configs/{desk.run_id}.yaml",
        "rule simulate:",
        "DEBUG tradewinds.pipeline.simulate: replayed in",
        "report: 1 of 1",
        "By symbol",
    ):
        assert words in text, words
    # a verbose console shows the jobs' own lines, and each of them stands once in the log
    assert "DEBUG tradewinds.pipeline.simulate: replayed in" in desk.said
    assert text.count("DEBUG tradewinds.pipeline.simulate: replayed in") == 1


def test_a_run_without_a_trade_says_why_and_a_damaged_file_is_made_again(desk):
    """Bars and results in other folders; a file of bars and the panel are cut before a run that needs them again."""
    (desk.folder / "late.yaml").write_text('governance: {time_cutoff: "09:31"}\nscoring: {enabled: false}\n')
    asked = ("orb", "--symbols", "SPY", *DAYS, "--synthetic", "--config", "late.yaml")
    elsewhere = (*asked, "--cache-dir", "bars", "--output-dir", "results")
    first = desk(*elsewhere)
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(
        r"no trade; the most frequent reasons: ([a-z][^;]+ \([A-Z_]+\): [\d,]+(; )?){1,5}\.", first.stdout
    ), first.stdout
    assert "TIME_CUTOFF" in first.stdout
    (run,) = desk.folder.glob("results/*-*-*/")
    assert {path.name for path in run.iterdir()} >= {file.name for file in FAMILY.run_files}
    files = sorted(desk.folder.glob("bars/candles/1m/*/SPY/*.parquet"))
    assert len(files) == 3 and list(desk.folder.glob("bars/panels/*.parquet"))
    damaged = [files[0], *desk.folder.glob("bars/panels/*.parquet")]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:100])
    again = desk(*asked, "--cache-dir", "bars", "--output-dir", "once_more")
    assert again.returncode == 0, again.stdout + again.stderr
    for path in damaged:
        name = path.relative_to(desk.folder).as_posix()
        assert f"warning: {name} cannot be read; it is removed" in again.stdout
        assert pq.read_table(path).num_rows > 0


def test_the_web_answers_for_it(desk):
    url = f"sqlite:///{desk.folder}/backtests/tradewinds.db"
    with served(url, desk.folder) as web:

        def get(path: str):
            joint = "&" if "?" in path else "?"
            answer = web.ask(f"/api/{path}{joint}run_id={desk.run_id}")
            assert answer.status == 200, answer.text
            return answer.json

        assert desk.run_id in {row["run_id"] for row in web.ask("/api/runs").json["runs"]}
        trades = desk.rows("trades.csv")
        assert get("trades?limit=1000")["total"] == get("metrics/core")["num_trades"] == len(trades)
        assert get("equity")["total"] == len(desk.rows("equity.csv"))
        # by symbol, direction and reason of the exit
        for column, key in (("market_ticker", "market"), ("side", "side"), ("settled_result", "settled_result")):
            for value in {row[column] for row in trades}:
                ids = [row["trade_id"] for row in trades if row[column] == value]
                assert [row["trade_id"] for row in get(f"trades?limit=1000&{key}={value}")["trades"]] == ids
        # tables of this family alone; an empty cell is null
        for name in ("factors", "attribution"):
            rows = [{key: cell or None for key, cell in row.items()} for row in desk.rows(f"{name}.csv")]
            assert rows and get(name) == {"total": len(rows), "limit": 1000, "offset": 0, "rows": rows}
            assert get(f"{name}?limit=2&offset=1")["rows"] == rows[1:3]
        page = web.ask(f"/runs/{desk.run_id}").text
        for value in {row[column] for row in trades for column in ("market_ticker", "side", "settled_result")}:
            assert f"<option>{value}</option>" in page
        assert web.ask(f"/runs/{desk.run_id}/files/run.log").text == (desk.run / "run.log").read_text()
