"""Planted look-aheads: how many of them `tradewinds lookahead-check` finds, and whether it alarms on honest strategies."""
