//! How fast, and in how much memory: the same Parquet files through a plain polars group-by (the floor), our engine, R's `survey` and
//! Python's `svy`, in turn, each as a process of its own.
//!
//! `cargo run --release -p e2e --bin speed -- [--folder DIR] [--python PYTHON] [RESPONDENTS …]` (100000 1000000 10000000; R and svy at up
//! to 100,000; `PYTHON` is one that has svy and polars). docs/PERFORMANCE.md says what each of them does. A peer that is not installed is
//! named and left out. Every process prints the seconds of its work, without its start, and its peak of memory.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use analysis::{Method, Options, Overlap, Weighting};
use anyhow::{Context as _, Result, bail, ensure};
use e2e::speed::{INDICATORS, YEARS, write};
use polars::prelude::{
    Column, CsvWriter, DataFrame, DataType, ParquetReader, PolarsError, PolarsResult, SerReader as _, SerWriter as _,
    Series,
};

/// Above this, R and svy are not asked.
const PEERS_UP_TO: u64 = 100_000;
/// Above this, one run is enough.
const REPEATED_UP_TO: u64 = 1_000_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder, respondents] => {
            println!("{} responses", write(Path::new(folder), respondents.parse()?)?);
            Ok(())
        }
        ["floor", folder] => timed(|| floor(Path::new(folder))),
        ["ours", folder, overlap, min_n] => {
            let method = Method { overlap: overlap.parse()?, min_n: min_n.parse()?, ..method() };
            timed(|| ours(Path::new(folder), method))
        }
        _ => compare(&arguments),
    }
}

/// What is asked of everyone: raked weights, the total, sectors and sizes.
fn method() -> Method {
    Method { weights: Weighting::Rake, min_n: 0, overlap: Overlap::None, ..Method::default() }
}

fn timed(work: impl FnOnce() -> Result<Figures>) -> Result<()> {
    let started = Instant::now();
    let figures = work()?;
    println!("seconds {}", started.elapsed().as_secs_f64());
    println!("peak_kb {}", peak_kb());
    print!("{}", written(&figures));
    Ok(())
}

/// The most memory that this process ever had, from the kernel's own account.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// (indicator, year, domain, group) → estimate and, where there is one, standard error.
type Figures = BTreeMap<(String, i32, String, String), (f64, Option<f64>)>;

fn written(figures: &Figures) -> String {
    let mut text = String::new();
    for ((indicator, year, domain, group), (estimate, se)) in figures {
        let se = se.map(|se| se.to_string()).unwrap_or_default();
        writeln!(text, "{indicator},{year},{domain},{group},{estimate},{se}").expect("a String takes everything");
    }
    text
}

fn ours(folder: &Path, method: Method) -> Result<Figures> {
    let options = Options {
        frame: folder.join("frame.parquet"),
        responses: folder.join("responses.parquet"),
        indicators: folder.join("indicators.toml"),
        method,
        ..Options::default()
    };
    let report = analysis::analyse(&options)?.report;
    ensure!(!report.changes.is_empty(), "no change was computed");
    let row = |r: domain::results::EstimateRow| {
        Some(((r.indicator, r.year, r.domain, r.group), (r.estimate.value?, r.estimate.se)))
    };
    Ok(report.estimates.into_iter().filter_map(row).collect())
}

/// Σ w, Σ w·y and Σ w·y² of every indicator by year, sector and size in one group-by, the weights being ready as a column; breakdowns and
/// totals are added up from its 80 rows. Only the columns needed are read.
fn floor(folder: &Path) -> Result<Figures> {
    let items: Vec<String> = (1..=INDICATORS).map(|i| format!("q{i}")).collect();
    let keys = ["year", "sector", "size"];
    let wanted = keys.iter().map(ToString::to_string).chain(["weight".to_owned()]).chain(items.clone()).collect();
    let file = std::fs::File::open(folder.join("responses.parquet"))?;
    let read = ParquetReader::new(file).with_columns(Some(wanted)).finish()?;
    let weight = read.column("weight")?.clone();
    let mut columns: Vec<Column> = keys.iter().map(|key| Ok(read.column(key)?.clone())).collect::<PolarsResult<_>>()?;
    let mut sums = Vec::new();
    for item in &items {
        let y = read.column(item)?.cast(&DataType::Float64)?;
        let weighted = (&y * &weight)?;
        let squared = (&weighted * &y)?;
        // w where the item is answered, nothing where it is not.
        let counted = weight
            .as_materialized_series()
            .zip_with(&y.is_not_null(), &Series::full_null("".into(), 1, &DataType::Float64))?;
        for (what, column) in [("w", counted.into()), ("wy", weighted), ("wyy", squared)] {
            let name = format!("{item} {what}");
            columns.push(Column::with_name(column, name.as_str().into()));
            sums.push(name);
        }
    }
    let all = DataFrame::new(read.height(), columns)?;
    #[expect(
        deprecated,
        reason = "the same sums as polars' lazy engine makes, which our programme has no other use for"
    )]
    let cells = all.group_by(keys)?.select(&sums).sum()?;
    let mut figures: BTreeMap<(String, i32, String, String), (f64, f64)> = BTreeMap::new();
    for item in &items {
        let of = |what: &str| Ok::<_, PolarsError>(cells.column(&format!("{item} {what}_sum"))?.f64()?.clone());
        let (w, wy) = (of("w")?, of("wy")?);
        for row in 0..cells.height() {
            let text =
                |key: &str| Ok::<_, PolarsError>(cells.column(key)?.str()?.get(row).unwrap_or_default().to_owned());
            let year = i32::try_from(cells.column("year")?.i64()?.get(row).unwrap_or_default())?;
            for (domain, group) in [("total", "all".to_owned()), ("sector", text("sector")?), ("size", text("size")?)] {
                let sum = figures.entry((item.clone(), year, domain.to_owned(), group)).or_default();
                sum.0 += w.get(row).unwrap_or_default();
                sum.1 += wy.get(row).unwrap_or_default();
            }
        }
    }
    Ok(figures.into_iter().map(|(key, (w, wy))| (key, (wy / w, None))).collect())
}

/// One run of one of them.
struct Run {
    seconds: f64,
    peak_kb: u64,
    figures: Figures,
}

fn run(command: &mut Command) -> Result<Run> {
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it failed").to_owned());
    }
    let number = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.trim().parse::<f64>().ok());
    let mut figures = Figures::new();
    for line in text.lines() {
        if let [indicator, year, domain, group, estimate, se] = line.split(',').collect::<Vec<_>>().as_slice() {
            let key = ((*indicator).to_owned(), year.parse()?, (*domain).to_owned(), (*group).to_owned());
            figures.insert(key, (estimate.parse()?, se.parse().ok()));
        }
    }
    let seconds = number("seconds").context("it told no time")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "kilobytes")]
    Ok(Run { seconds, peak_kb: number("peak_kb").unwrap_or(0.0) as u64, figures })
}

/// The best of some runs.
fn best(times: usize, mut command: impl FnMut() -> Command) -> Result<Run> {
    let mut best = run(&mut command())?;
    for _ in 1..times {
        let again = run(&mut command())?;
        if again.seconds < best.seconds {
            best = again;
        }
    }
    Ok(best)
}

/// The largest relative difference of estimates, and of standard errors, to ours.
fn difference(ours: &Figures, theirs: &Figures) -> String {
    let relative = |a: f64, b: f64| (a - b).abs() / a.abs().max(1e-300);
    let (mut estimates, mut errors, mut found) = (0.0_f64, None::<f64>, 0);
    for (key, (estimate, se)) in ours {
        let Some((other, other_se)) = theirs.get(key) else { continue };
        found += 1;
        estimates = estimates.max(relative(*estimate, *other));
        if let (Some(one), Some(other)) = (se, other_se) {
            errors = Some(errors.unwrap_or(0.0).max(relative(*one, *other)));
        }
    }
    let errors = errors.map(|e| format!(", of standard errors {e:.0e}")).unwrap_or_default();
    format!("{found} of {} figures, largest difference of estimates {estimates:.0e}{errors}", ours.len())
}

fn compare(arguments: &[String]) -> Result<()> {
    let mut folder = std::env::temp_dir().join("pejling-speed");
    let mut python = "python3".to_owned();
    let mut sizes: Vec<u64> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--folder" => folder = PathBuf::from(rest.next().context("--folder DIR")?),
            "--python" => python = rest.next().context("--python PYTHON")?.clone(),
            number => {
                sizes.push(number.parse().ok().with_context(|| format!("\"{number}\" is no number of respondents"))?)
            }
        }
    }
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000, 10_000_000];
    }
    for size in sizes {
        one_size(&folder.join(size.to_string()), size, &python)?;
    }
    Ok(())
}

fn one_size(folder: &Path, respondents: u64, python: &str) -> Result<()> {
    let own = std::env::current_exe()?;
    let made = Command::new(&own).arg("make").arg(folder).arg(respondents.to_string()).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |m| m.len() / 1_000_000);
    println!(
        "\n{} of {} years, {INDICATORS} indicators; frame {} MB, responses {} MB",
        String::from_utf8_lossy(&made.stdout).trim(),
        YEARS.len(),
        size("frame.parquet"),
        size("responses.parquet"),
    );
    let times = if respondents > REPEATED_UP_TO { 1 } else { 3 };
    let us = |arguments: &[&str]| {
        let mut command = Command::new(&own);
        command.arg(arguments[0]).arg(folder).args(&arguments[1..]);
        command
    };
    let script = |program: &str, name: &str| {
        let mut command = Command::new(program);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench").join(name)).arg(folder);
        command
    };
    let floor = best(times, || us(&["floor"]))?;
    show("floor: polars group-by", &floor, floor.seconds);
    match best(times, || script(python, "speed_floor.py")) {
        Ok(run) => show("floor: polars' lazy engine", &run, floor.seconds),
        Err(why) => println!("{:<44} left out: {why}", "floor: polars' lazy engine"),
    }
    let plain = best(times, || us(&["ours", "none", "0"]))?;
    show("ours, --overlap none --min-n 0", &plain, floor.seconds);
    println!("    the floor has {}", difference(&plain.figures, &floor.figures));
    for (what, arguments) in [
        ("ours, --overlap own --min-n 0", ["ours", "own", "0"]),
        ("ours, --overlap pooled --min-n 0", ["ours", "pooled", "0"]),
        ("ours, defaults (--min-n 5: audited)", ["ours", "own", "5"]),
    ] {
        show(what, &best(times, || us(&arguments))?, floor.seconds);
    }
    if respondents > PEERS_UP_TO {
        return Ok(());
    }
    csv_for_r(folder)?;
    for (what, program, name) in [("R survey", "Rscript", "speed_survey.R"), ("Python svy", python, "speed_svy.py")] {
        match run(&mut script(program, name)) {
            Ok(run) => {
                show(what, &run, floor.seconds);
                println!("    {:.0} × ours; {}", run.seconds / plain.seconds, difference(&plain.figures, &run.figures));
            }
            Err(why) => println!("{what:<44} left out: {why}"),
        }
    }
    Ok(())
}

fn show(what: &str, run: &Run, floor: f64) {
    println!("{what:<44}{:>9.3} s {:>7.2} × floor {:>7} MB", run.seconds, run.seconds / floor, run.peak_kb / 1000);
}

/// R reads no Parquet without further packages; its reading is not timed.
fn csv_for_r(folder: &Path) -> Result<()> {
    for name in ["frame", "responses"] {
        let mut rows =
            ParquetReader::new(std::fs::File::open(folder.join(name).with_extension("parquet"))?).finish()?;
        CsvWriter::new(std::fs::File::create(folder.join(name).with_extension("csv"))?).finish(&mut rows)?;
    }
    Ok(())
}
