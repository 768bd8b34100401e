"""`tradewinds reproduce`: a run made again; what is said when something it was made from, or the run itself, was changed."""

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tradewinds.cli import app


@pytest.fixture(scope="module")
def desk(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduce")
    for name in ("data", "backtests"):
        shutil.copytree(finished.folder / name, folder / name)
    return folder


@pytest.fixture
def reproduce(desk, monkeypatch, capsys, tmp_path):
    """Reproduce the run, or a copy of it with a changed file: exit code, output, error."""
    monkeypatch.chdir(desk)
    [original] = [path for path in (desk / "backtests").iterdir() if path.is_dir()]

    def call(change=None):
        run = tmp_path / "run"
        shutil.copytree(original, run, dirs_exist_ok=True)
        if change:
            change(run)
        with pytest.raises(SystemExit) as done:
            app.main(["reproduce", str(run)])
        return done.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def restored(desk):
    """Put back what a test does to the inputs."""
    kept = {path: path.read_bytes() for path in desk.glob("data/**/*.parquet")}
    yield
    for path, content in kept.items():
        path.write_bytes(content)


def edited(name, old, new):
    def change(run):
        path = run / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def test_the_same_run_comes_out_and_nothing_is_written(desk, reproduce):
    before = {path: path.stat().st_mtime_ns for path in desk.rglob("*")}
    code, out, err = reproduce()
    assert (code, err) == (0, "") and "identical: trades.csv and metrics.json, byte by byte." in out
    assert {path: path.stat().st_mtime_ns for path in desk.rglob("*")} == before


def test_an_input_that_changes_the_run_is_named(desk, reproduce, restored):
    [path] = (desk / "data/probabilities").glob("*.parquet")
    table = pq.read_table(path)
    at = table.schema.get_field_index("p_yes")
    one = pa.scalar(1, table.schema.field("p_yes").type)
    flipped = pc.subtract(one, table.column("p_yes")).cast(table.schema.field("p_yes").type)
    pq.write_table(table.set_column(at, table.schema.field("p_yes"), flipped), path)
    code, out, err = reproduce()
    assert code == 5 and out.startswith(f"input differs: data/probabilities/{path.name} (SHA-256 ")
    assert out.count("\n") == 1 and "trades.csv, line 2: it was " in err and "see above" in err


def test_an_input_that_changes_nothing_is_named_too(desk, reproduce, restored):
    path = desk / "data/catalog/kalshi/KXHIGHCHI.parquet"
    table = pq.read_table(path)
    pq.write_table(table, path, compression="gzip")
    code, out, _ = reproduce()
    assert code == 0 and "input differs: data/catalog/kalshi/KXHIGHCHI.parquet" in out
    assert "identical, though something is different today (see above)" in out


def test_a_missing_input_is_exit_3(desk, reproduce, restored):
    (desk / "data/catalog/kalshi/KXHIGHCHI.parquet").unlink()
    code, out, err = reproduce()
    assert (code, out) == (3, "") and "1 input of the run is not there" in err
    assert "data/catalog/kalshi/KXHIGHCHI.parquet" in err and "config_resolved.yaml" in err


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (edited("trades.csv", "BUY_NO", "BUY_ON"), 5, "trades.csv, line"),
        (edited("metrics.json", '"num_trades": ', '"num_trades": 1'), 5, "metrics.json, line"),
        (edited("config_resolved.yaml", "seed: 0", "seed: 1"), 0, "config differs: seed is 1 in config_resolved.yaml"),
        (edited("run_manifest.json", '"duckdb": "', '"duckdb": "0.'), 0, "version differs: duckdb is "),
        (edited("run_manifest.json", '"packages"', '"bundles"'), 2, "the manifest cannot be read"),
        (lambda run: (run / "run_manifest.json").write_text("{"), 2, "the manifest cannot be read"),
        (lambda run: (run / "trades.csv").unlink(), 2, "this is no folder of a run: no trades.csv"),
        (edited("run_manifest.json", '"seed": 0', '"seed": 9'), 0, "identical"),
    ],
)
def test_what_was_changed_is_named(reproduce, change, code, words):
    found, out, err = reproduce(change)
    assert found == code and words in out + err and "Traceback" not in err


def test_a_config_that_asks_another_question_is_no_reproduction(reproduce):
    def change(run):
        manifest = json.loads((run / "run_manifest.json").read_text())
        manifest["config"]["seed"] = 5
        (run / "run_manifest.json").write_text(json.dumps(manifest))

    code, _, err = reproduce(change)
    assert code == 5 and "makes another run of this config" in err
