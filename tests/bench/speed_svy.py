"""The figures of the speed programme by svy: raked weights, means of the total, by sector and by size, with standard errors.

Started by the speed programme with the folder of the data. Importing the package and reading the files are not timed. svy's standard
errors take the raked weights as they stand, without the gain from raking.
"""
import sys
import time
from pathlib import Path

import polars as pl
import svy

folder = Path(sys.argv[1])
frame = pl.read_parquet(folder / "frame.parquet")
responses = pl.read_parquet(folder / "responses.parquet").drop("weight")
items = [f"q{i}" for i in range(1, 13)]
started = time.perf_counter()
rows = []
for year in responses["year"].unique().sort():
    register = frame.filter(pl.col("year") == year)
    answered = responses.filter(pl.col("year") == year)
    answered = answered.with_columns(N=pl.lit(len(register)), base=pl.lit(len(register) / len(answered)))
    sample = svy.Sample(answered, svy.Design(wgt="base", pop_size="N"))
    controls = {name: dict(register[name].value_counts().iter_rows()) for name in ("sector", "size")}
    raked = sample.weighting.rake(controls=controls, wgt_name="raked", tol=1e-10)
    for by in (None, "sector", "size"):
        for item, estimate in zip(items, raked.estimation.mean(items, by=by, drop_nulls=True)):
            for row in estimate.to_polars().iter_rows(named=True):
                rows.append((item, year, by or "total", row[by] if by else "all", row["est"], row["se"]))
print("seconds", time.perf_counter() - started)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("peak_kb", peak.split()[1])
for row in rows:
    print(*row, sep=",")
