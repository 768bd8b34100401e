"""Whether a forecast adds anything to the price of the same instant: pool, gains, tables, sentences. It needs numpy only."""
