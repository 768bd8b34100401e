"""Run Snakemake, watch it, and do the work of its jobs."""
