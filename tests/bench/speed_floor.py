"""The floor by polars' own lazy engine: one group-by of the weighted sums. Started by the speed programme with the folder of the data."""
import sys
import time
from pathlib import Path

import polars as pl

folder = Path(sys.argv[1])
started = time.perf_counter()
items = [f"q{i}" for i in range(1, 13)]
w = pl.col("weight")
sums = [
    expression
    for q in items
    for expression in (
        w.filter(pl.col(q).is_not_null()).sum().alias(f"{q} w"),
        (w * pl.col(q)).sum().alias(f"{q} wy"),
        (w * pl.col(q) * pl.col(q)).sum().alias(f"{q} wyy"),
    )
]
cells = pl.scan_parquet(folder / "responses.parquet").group_by("year", "sector", "size").agg(sums).collect()
rows = []
for domain in ("total", "sector", "size"):
    by = ["year"] if domain == "total" else ["year", domain]
    for row in cells.group_by(by).agg(pl.exclude("year", "sector", "size").sum()).iter_rows(named=True):
        group = "all" if domain == "total" else row[domain]
        rows += [(q, row["year"], domain, group, row[f"{q} wy"] / row[f"{q} w"]) for q in items]
print("seconds", time.perf_counter() - started)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("peak_kb", peak.split()[1])
for row in rows:
    print(*row, "", sep=",")
