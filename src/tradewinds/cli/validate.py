"""`tradewinds validate`: the config, then every validation that the data in the folder allows. Reads only."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.families.plan import run_plan


def validate(config_path: Path, console: Console) -> None:
    """Check a config and judge the data that is there.

    Raises:
        ConfigError: the config is wrong. Else as the market family's own `validate`.
    """
    conf = configs.load(config_path)
    markets.family_of(conf["market"]).validate(conf, run_plan(conf), str(config_path), console)
