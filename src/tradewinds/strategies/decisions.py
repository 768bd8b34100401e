"""What a strategy file with a class imports (docs/strategies.md): orders, and the types of what it is shown."""

from tradewinds.engine.event_contracts.step_view import DecisionView, PastQuote, RestingOrder, ShownMarket
from tradewinds.engine.stepwise.step_orders import NO, YES, Cancellation, StepOrder, buy, cancel, limit, sell, stop

__all__ = [
    "NO",
    "YES",
    "Cancellation",
    "DecisionView",
    "PastQuote",
    "RestingOrder",
    "ShownMarket",
    "StepOrder",
    "buy",
    "cancel",
    "limit",
    "sell",
    "stop",
]
