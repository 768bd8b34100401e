"""Sweeps: one config, many settings. Which points there are (`grid`), and how far to believe the best one (`ranking`)."""
