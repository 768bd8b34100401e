"""Orders of strategies that are called at each decision time, for all loops that call them."""
