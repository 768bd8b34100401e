"""The names of `import tradewinds`: which there are, and that asking for none of them costs nothing."""

import inspect
import subprocess
import sys

import pytest

import tradewinds as tw

NAMES = {
    *("Config", "Run", "RunComparison", "SweepResult", "WalkForwardResult", "__version__"),
    *("compare", "load", "run", "runs", "sweep", "walk_forward"),
    *("ConfigError", "DamagedFile", "DataMissing", "DatabaseError", "FetchError"),
    *("NothingLoaded", "SimulationError", "TradewindsError"),
}
MEMBERS = {
    "Config": {"load", "of", "with_", "save", "plan", "resolved", "run_id", "market", "written", "source"},
    "Run": {
        *("metrics", "trades", "equity", "decisions", "positions", "journal", "frame", "tables", "details", "manifest"),
        *("config", "currency", "warnings", "id", "plot", "plots", "event", "report", "wait", "name", "note"),
    },
    "RunComparison": {"metrics", "settings", "common_days", "plot"},
    "SweepResult": {"points", "failed", "best", "heatmap", "id"},
    "WalkForwardResult": {"folds", "equity", "verdict", "report", "id"},
}


def test_these_are_the_names():
    assert set(tw.__all__) == NAMES == set(dir(tw))


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_each_is_there_and_says_what_it_does(name):
    assert inspect.getdoc(getattr(tw, name))


@pytest.mark.parametrize(("name", "members"), MEMBERS.items())
def test_what_the_classes_offer(name, members):
    offered = {member for member in vars(getattr(tw, name)) if not member.startswith("_")}
    fields = set(getattr(getattr(tw, name), "__dataclass_fields__", ()))
    assert offered | fields - {"_lines"} == members


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        tw.runn  # noqa: B018


def test_the_import_is_light():
    code = "import sys, tradewinds; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        set(done.stdout.split()) & {"numpy", "pandas", "pyarrow", "yaml", "duckdb", "matplotlib", "snakemake"} == set()
    )


def test_type_checkers_see_the_same_names():
    """The imports for type checkers and the table of modules say the same."""
    source = inspect.getsource(tw)
    block = source[source.index("if TYPE_CHECKING:") : source.index("__version__ =")]
    for name, module in tw._MODULES.items():
        assert getattr(tw, name).__module__ == module
        assert f"from {module} import" in block and name in block
