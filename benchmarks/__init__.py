"""What PERFORMANCE.md is made with."""
