"""Market families: instruments, calendars, costs and settlement that plug into the engine."""
