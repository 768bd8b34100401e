"""`tradewinds validate`: check a config, then judge the data that is there. Changes nothing."""

from __future__ import annotations

from tradewinds.cli.options import ConfigOption


def validate(config: ConfigOption) -> None:
    """Check a config, and its data by every validation that what is there allows.

    Reads data/ and the probability file. Opens no connection, touches nothing. Exit code 5 if an event fails a validation.
    """
    # Imported here: validating needs rich and pyarrow, which `--help` does not.
    from rich.console import Console

    from tradewinds.config import markets
    from tradewinds.config import resolve as configs
    from tradewinds.families.plan import run_plan

    conf = configs.load(config)
    markets.family_of(conf["market"]).validate(conf, run_plan(conf), str(config), Console())
