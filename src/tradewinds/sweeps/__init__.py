"""Sweeps: many settings of one config. Make the points (`grid`), replay them (`replays`) and rank them (`ranking`)."""
