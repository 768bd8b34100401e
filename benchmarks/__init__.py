"""Measurements behind the figures of PERFORMANCE.md, and the common workload for several engines."""
