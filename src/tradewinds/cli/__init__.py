"""The `tradewinds` command: app.py, and one file per command."""

from tradewinds.cli.app import main

__all__ = ["main"]
