"""Make the table of P(YES) at each event's as-of time, from the user's file or the project's forecast."""

from tradewinds import config as configs
from tradewinds import store
from tradewinds.forecasts.probabilities import build_probabilities
from tradewinds.jobs import run_job
from tradewinds.plan import plan_of


def probabilities(raw_config: dict, out: str) -> None:
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    stations = sorted({station for station, _ in plan.climate})
    guidance = {s: [path for key, path in plan.guidance.items() if key[0] == s] for s in stations}
    climate = {s: [path for key, path in plan.climate.items() if key[0] == s] for s in stations}
    table, meta = build_probabilities(conf, plan.catalogs, guidance, climate, plan.user_probabilities)
    store.write_parquet(out, table, meta)


if __name__ == "__main__":
    run_job(
        lambda: probabilities(snakemake.config, snakemake.output[0]),
        stage="probabilities",
        log=snakemake.log[0],
    )
