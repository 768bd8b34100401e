"""`make demo`: make a synthetic archive, serve it on this machine, and run a backtest of two cities over it."""

import subprocess
import sys
from pathlib import Path

import yaml

from tradewinds.archive.server import running_server
from tradewinds.core.paths import workflow_root
from tradewinds.families.kalshi_weather.archive.synthetic import make_synthetic

FOLDER = Path("demo")


def demo(folder: Path) -> int:
    """Run the demo.

    Args:
        folder: an existing folder, which gets the archive, the config and the run.

    Returns:
        The exit code of `tradewinds run`.
    """
    archive = folder / "archive"
    if not (archive / "archive.json").exists():
        print(f"making a synthetic archive in {archive}/ (seed 7: the same bytes every time) …", flush=True)
        make_synthetic(archive, seed=7)
    with running_server(archive) as server:
        print(f"serving it as the exchange and the weather service on {server.root} …", flush=True)
        config = yaml.safe_load((workflow_root() / "config" / "demo.yaml").read_text(encoding="utf-8"))
        config["kalshi"]["base_url"], config["iem"]["base_url"] = server.url_of("kalshi"), server.url_of("iem")
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "tradewinds.cli", "run", "--config", "config.yaml"]
        code = subprocess.run(command, cwd=folder, check=False).returncode
    print(f"(paths are below {folder}/)")
    return code


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    sys.exit(demo(FOLDER))
