"""Is a result true? Look-ahead, and making it again."""
