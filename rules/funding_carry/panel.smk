"""Records of perpetuals from the user's files or from a seed, and the panel: two files with all records of the run.

Needs: the user's files, a seed, or the month files that fetch.smk makes. Makes:
{cache_dir}/perp/{source}/{symbol}/{kind}/{month}.parquet and {cache_dir}/panels/{digest}-{rates,candles}.parquet; cache_dir is a
key of the config, data by default. A month of which the source has no record is a file without rows, with the reason in its
metadata. One job makes all missing month files of the user's files or a seed, because starting a process takes longer than
writing a file.
"""

if PLAN.files.source in ("files", "synthetic") and PLAN.files.records:

    rule import_perps:
        input:
            local_user_files(PLAN.files.source_files),
        output:
            update_in_place(PLAN.files.records),
        log:
            f"logs/import_perps/{PLAN.run_id}.log",
        conda:
            "../../envs/simulate.yaml"
        params:
            code=CODE["import_perps"],
        script:
            "../../scripts/funding_carry/import_perps.py"


rule carry_panel:
    """Put the records of the run into two files, because opening thousands of files takes longer than replaying them."""
    input:
        PLAN.files.records,
        [PLAN.files.instruments] if PLAN.files.instruments else [],
    output:
        *PLAN.files.panel,
    log:
        f"logs/carry_panel/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=CODE["carry_panel"],
    script:
        "../../scripts/funding_carry/carry_panel.py"
