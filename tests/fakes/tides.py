"""A third family of markets, invented: tide gauges, whose service has two paths and a fault of its own."""

import pyarrow as pa

from tradewinds.archive.routes import JSON, Answer, Route, RouteFault, json_answer

HEIGHTS = pa.schema([("day", pa.date32()), ("height_cm", pa.int64())])
BASE = "/tides/v1"


def upside_down(answer, path, query):
    """Heights with the wrong sign; an answer without heights cannot have the fault."""
    return (
        answer._replace(body=answer.body.replace('"height_cm":', '"height_cm":-')) if "height" in answer.body else None
    )


class Tides:
    """As much of a family as a server of archives asks for."""

    name = "tides"

    def archive_routes(self, archive, cutoff):
        """Gauges by name, and a path that shows the cutoff."""

        def gauge(path, query):
            name = path.removeprefix(f"{BASE}/gauges/")
            if name not in archive.names("gauges"):
                return Answer(404, JSON, '{"gauge":null}')
            rows = archive.table(f"gauges/{name}.parquet", HEIGHTS).to_pylist()
            shown = [{"height_cm": row["height_cm"]} for row in rows]
            return json_answer(200, {"zero": archive.about(f"gauges/{name}.parquet")["zero"], "rows": shown})

        def about(path, query):
            return json_answer(200, {"cutoff": str(cutoff), "query": dict(query)})

        faults = {"upside_down": RouteFault(upside_down, 1000.0)}
        return {
            f"{BASE}/gauges/": Route("tides", gauge, base_path=BASE, faults=lambda path: faults),
            f"{BASE}/about": Route("tides", about, base_path=BASE),
        }


FAMILY = Tides()
