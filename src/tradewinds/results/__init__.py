"""What a run leaves behind: metrics, artifacts, manifest, report."""
