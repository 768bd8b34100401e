"""The engine: visible quotes, ledger, costs, limits, replay. It knows no market by name and reads no file it is not given."""
