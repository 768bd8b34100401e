"""Binary contracts on a minute clock: quotes, orders, limits and settlement."""
