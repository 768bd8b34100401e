"""`tradewinds schema`: the keys of a config, with values, defaults and meanings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from tradewinds.config.key_list import ConfigKey


def schema(
    key: Annotated[
        str | None, typer.Argument(help="A key or a section, as risk or risk.fixed_qty.", metavar="[KEY]")
    ] = None,
    market: Annotated[str | None, typer.Option(help="The keys of this market alone.", metavar="NAME")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Explain the keys of a config: what they mean, what they may be, and their defaults.

    Without KEY all keys of a market are listed. KEY may be a part of a name: `tradewinds schema fee`.
    """
    from tradewinds.config import markets

    if market and market not in markets.NAMES:
        remedy = f"{meant(market, markets.NAMES)} Known: {', '.join(markets.NAMES)}.".strip()
        raise ConfigError(f"there is no market {market!r}.", where="--market", remedy=remedy)
    found = _found([market] if market else markets.NAMES, key)
    if as_json:
        typer.echo(
            json.dumps({name: [each._asdict() for each in keys] for name, keys in found.items()}, indent=2, default=str)
        )
        return
    _print(found)


def _found(asked: Sequence[str], wanted: str | None) -> dict[str, list[ConfigKey]]:
    """Look a key up.

    Args:
        asked: markets.
        wanted: the key, or a part of its name; None for all keys.

    Returns:
        The keys of each market that has any.

    Raises:
        ConfigError: no market has such a key; the message names near ones.
    """
    from tradewinds.config import resolve
    from tradewinds.config.key_list import config_keys

    schemas = {market: resolve.schema(market) for market in asked}
    known = {market: list(config_keys(of, required=tuple(of["required"]))) for market, of in schemas.items()}
    found = {market: chosen for market, keys in known.items() if (chosen := _chosen(keys, wanted))}
    if not found:
        names = sorted({key.name for keys in known.values() for key in keys})
        remedy = meant(str(wanted), names, "`tradewinds schema` lists all keys.", most=3)
        raise ConfigError(f"no config has a key {wanted!r}.", where="KEY", remedy=remedy)
    return found


def _chosen(keys: list[ConfigKey], wanted: str | None) -> list[ConfigKey]:
    """The key of that name with all below it; without one, the keys whose name contains it."""
    if wanted is None:
        return keys
    exact = [key for key in keys if key.name == wanted or key.name.startswith((f"{wanted}.", f"{wanted}("))]
    return exact or [key for key in keys if wanted.lower() in key.name.lower()]


def _print(found: dict[str, list[ConfigKey]]) -> None:
    """Print keys, and those that all markets explain in the same words once."""
    told: dict[tuple[Any, ...], list[str]] = {}
    for market, keys in found.items():
        for key in keys:
            told.setdefault(
                (key.name, key.values, json.dumps(key.default, default=str), key.required, key.meaning), []
            ).append(market)
    for (name, values, default, required, meaning), markets_of in told.items():
        whose = "" if len(markets_of) == len(found) else f"  [{', '.join(markets_of)}]"
        state = "required" if required else "no default" if default == "null" else f"default {default}"
        typer.echo(printable(f"{name}  ({values.replace('`', '')}; {state}){whose}"))
        typer.echo(printable(f"    {meaning}"))
