"""Whether a forecast adds anything to the price of the same instant: pool, claimed share, gains, tables, sentences. numpy only."""
