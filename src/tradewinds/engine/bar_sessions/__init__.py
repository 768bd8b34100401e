"""Shares by the minute inside exchange sessions: opening-range entries on one clock for all symbols."""
