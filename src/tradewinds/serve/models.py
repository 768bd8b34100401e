"""What the API takes and gives.

Amounts are exact decimals as text, in the currency of the run's account, though names end in _usd; times are UTC, ISO 8601
with Z; undefined is null.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
)
from pydantic.json_schema import SkipJsonSchema

from tradewinds.core.text import plain
from tradewinds.database import queries, query_filters
from tradewinds.database import tables as t
from tradewinds.serve.trades_csv import OF_FILLS

RUN_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
FARTHEST = 1_000_000_000


def _day(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


def _instant(text: str) -> str:
    dt.datetime.fromisoformat(text)
    return text


def _exact(least: int) -> BeforeValidator:
    return BeforeValidator(lambda value: plain(value, least) if isinstance(value, Decimal) else value)


def _utc(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, dt.datetime) else value


RunId = Annotated[str, Field(pattern=RUN_ID, examples=["5ee0bb8f-2f0e-5a7a-8f0b-111111111111"])]
Money = Annotated[str, _exact(2), Field(pattern=r"^-?\d+\.\d{2,8}$", examples=["-12.50"])]
Quantity = int | Annotated[str, _exact(0), Field(pattern=r"^-?\d+\.\d{1,8}$", examples=["49.961"])]
Ratio = Annotated[str, _exact(0), Field(pattern=r"^-?\d+(\.\d{1,12})?$", examples=["0.333333333333"])]
Instant = Annotated[
    str, BeforeValidator(_utc), Field(json_schema_extra={"format": "date-time"}), AfterValidator(_instant)
]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[str, Field(pattern=r"^-?\d{1,9}(\.\d{1,8})?$", examples=["-0.05"])]
Day = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d{2}-\d{2}$", json_schema_extra={"format": "date"}),
    AfterValidator(_day),
]
Status = Literal["RUNNING", "SUCCESS", "FAILED", "INTERRUPTED"]


class _Page(BaseModel):
    """A part of a list."""

    limit: int = Field(ge=1, description="rows on a page at most")
    offset: int = Field(ge=0, description="rows before this page")


class _Sparse(BaseModel):
    """A row that leaves out the columns which only some market families have, where they are null."""

    _optional: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_unused(self, serialise: SerializerFunctionWrapHandler) -> Any:
        made = serialise(self)
        return {key: value for key, value in made.items() if value is not None or key not in self._optional}


class _Trade(_Sparse):
    _optional: ClassVar[tuple[str, ...]] = OF_FILLS


class _Query(BaseModel):
    """Parameters in the address; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid")


class _Paged(_Query):
    limit: int = Field(100, ge=1, le=1000, description="rows on a page")
    offset: int = Field(0, ge=0, le=FARTHEST, description="rows to leave out first")


class RunQuery(_Paged):
    """Which runs are asked for."""

    status: Status | SkipJsonSchema[None] = None
    series: Name | SkipJsonSchema[None] = Field(None, description="runs of this series, among others")
    strategy: Name | SkipJsonSchema[None] = None

    def filter(self) -> query_filters.RunFilter:
        """The filter as the database takes it."""
        return query_filters.RunFilter(self.status, self.series, self.strategy)


class TradeFilterQuery(_Query):
    """Which trades of a run are asked for, and in which order."""

    run_id: RunId
    series: Name | SkipJsonSchema[None] = None
    event: Name | SkipJsonSchema[None] = None
    market: Name | SkipJsonSchema[None] = None
    side: Name | SkipJsonSchema[None] = None
    reason_code: Name | SkipJsonSchema[None] = None
    settled_result: Name | SkipJsonSchema[None] = None
    decided_from: Day | SkipJsonSchema[None] = Field(None, description="first UTC day of the decision")
    decided_to: Day | SkipJsonSchema[None] = Field(None, description="last UTC day of the decision")
    min_pnl: Amount | SkipJsonSchema[None] = Field(None, description="in the account's currency, included")
    max_pnl: Amount | SkipJsonSchema[None] = Field(None, description="in the account's currency, included")
    sort: Literal[queries.TRADE_SORTS] = Field("seq", description="seq is the order of execution")  # type: ignore[valid-type]
    order: Literal["asc", "desc"] = "asc"

    def filter(self) -> query_filters.TradeFilter:
        """The filter as the database takes it."""
        last = self.decided_to and dt.datetime.fromisoformat(self.decided_to)
        return query_filters.TradeFilter(
            series=self.series,
            event=self.event,
            market=self.market,
            side=self.side,
            reason_code=self.reason_code,
            settled_result=self.settled_result,
            since=dt.datetime.fromisoformat(self.decided_from) if self.decided_from else None,
            until=last + dt.timedelta(days=1) if last and last.year < dt.MAXYEAR else None,
            min_pnl=Decimal(self.min_pnl) if self.min_pnl else None,
            max_pnl=Decimal(self.max_pnl) if self.max_pnl else None,
        )

    def ordered(self) -> dict[str, Any]:
        """The order, as keywords of `queries.list_trades`."""
        return {"sort": self.sort, "descending": self.order == "desc"}


class TradeQuery(TradeFilterQuery, _Paged):
    """A page of the trades of a run."""


class RunIdQuery(_Query):
    """Which run is asked for."""

    run_id: RunId


class TableQuery(RunIdQuery):
    """Which part of a table of a run is asked for."""

    limit: int = Field(1_000, ge=1, le=100_000, description="rows on a page")
    offset: int = Field(0, ge=0, le=FARTHEST, description="rows to leave out first")

    def values(self) -> dict[str, str]:
        """Return the values that rows must have, by column: what is asked for beyond the run and the page."""
        return self.model_dump(exclude_none=True, exclude=set(TableQuery.model_fields))


class PositionsQuery(TableQuery):
    """Which positions of a run are asked for."""

    position_id: Name | SkipJsonSchema[None] = None
    symbol: Name | SkipJsonSchema[None] = None
    direction: Name | SkipJsonSchema[None] = None
    exit_reason: Name | SkipJsonSchema[None] = None


class PaymentsQuery(TableQuery):
    """Which payments of a run are asked for."""

    position_id: Name | SkipJsonSchema[None] = None
    symbol: Name | SkipJsonSchema[None] = None
    mark_source: Name | SkipJsonSchema[None] = None


class EquityQuery(RunIdQuery):
    """Which part of a run's equity curve is asked for."""

    limit: int = Field(10_000, ge=1, le=100_000, description="points on a page")
    offset: int = Field(0, ge=0, le=FARTHEST, description="points to leave out first")


_KINDS: dict[type[Any], Any] = {
    sa.DateTime: Instant,
    sa.Date: Annotated[dt.date, Field()],
    sa.Integer: int,
    sa.Double: float,
    sa.JSON: list[str],
}


def _kind(column: sa.Column[Any]) -> Any:
    """The type of a column in the API.

    It follows from the table, so that the API has every column of it with the right type.
    """
    kind = column.type
    if isinstance(kind, sa.Enum):
        found: Any = Literal[tuple(kind.enums)]
    elif isinstance(kind, t.Quantity):
        found = Quantity
    elif isinstance(kind, t.Exact):
        found = Money if kind.scale in (6, t.PLACES) else Ratio
    else:
        found = next((known for base, known in _KINDS.items() if isinstance(kind, base)), str)
    return found | None if column.nullable else found


def _model(name: str, doc: str, *columns: sa.Column[Any], **more: Any) -> type[BaseModel]:
    fields = {column.name: (_kind(column), ...) for column in columns} | {
        key: (kind, ...) for key, kind in more.items()
    }
    return create_model(name, __doc__=doc, **fields)  # type: ignore[call-overload,no-any-return]


_RUN = (
    *("run_id", "strategy", "status", "market", "series", "date_start", "date_end", "created_at_utc", "loaded_at_utc"),
    *("artifact_path", "error", "name", "note"),
)
RunRow = _model(
    "Run",
    "A run that was loaded, with its main figures (null unless they were).",
    *(t.backtest_runs.c[name] for name in _RUN),
    total_pnl_usd=Money | None,
    num_trades=int | None,
    sharpe=float | None,
    reason=str | None,
)
TradeRow = create_model(
    "Trade",
    __doc__="A row of trades.csv. Runs with one row per fill have a price before slippage and the slippage as well.",
    __base__=_Trade,
    **{
        column.name: (_kind(column), None if column.name in OF_FILLS else ...)
        for column in t.backtest_trades.columns
        if column.name not in ("run_id", "seq")
    },
)  # type: ignore[call-overload]
CoreMetrics = _model("CoreMetrics", "The figures of a run.", *t.backtest_metrics.columns)


class RunPage(_Page):
    """Runs, the latest first."""

    total: int = Field(description="runs on all pages")
    runs: list[RunRow]  # type: ignore[valid-type]


class TradePage(_Page):
    """Trades in the order asked for."""

    total: int = Field(description="trades on all pages")
    contracts: Quantity = Field(description="quantity on all pages")
    pnl_usd: Money = Field(description="P&L of all pages")
    trades: list[TradeRow]  # type: ignore[valid-type]


class EquityPoint(_Sparse):
    """The account at an instant."""

    _optional: ClassVar[tuple[str, ...]] = ("wallets_usd", "collateral_usd")

    ts_utc: Instant
    kind: str
    cash_usd: Money
    open_value_usd: Money
    equity_usd: Money
    wallets_usd: Money | None = Field(None, description="margin of open positions, of runs that have such")
    collateral_usd: Money | None = Field(
        None, description="cash locked against borrowed assets, of runs that have such"
    )


class EquityPage(_Page):
    """Points of the equity curve, in order."""

    total: int = Field(description="points on all pages")
    points: list[EquityPoint]


class TablePage(_Page):
    """Rows of a table that runs of some market families have."""

    total: int = Field(description="rows on all pages")
    rows: list[dict[str, str | None]] = Field(description="each row by column, as text; null where the cell is empty")


class Problem(BaseModel):
    """What is wrong, and what to do about it."""

    error: str
