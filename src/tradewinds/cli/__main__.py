"""`python -m tradewinds.cli` is `tradewinds`."""

from tradewinds.cli.app import main

main()
