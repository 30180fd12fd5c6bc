//! The data of the speed programme: a frame and responses of any size, as Parquet, the same for the same numbers.
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use polars::prelude::*;
use statistics::{Cell, Design, Options, VarianceKind, Weighting, Year};

/// Sectors of the frame and their shares of the businesses, in per cent.
pub const SECTORS: [(&str, u64); 10] = [
    ("agriculture", 6),
    ("building", 16),
    ("finance", 4),
    ("food", 7),
    ("industry", 8),
    ("information", 9),
    ("letting", 8),
    ("services", 17),
    ("trade", 20),
    ("transport", 5),
];

/// Size classes and their shares, in per cent.
pub const SIZES: [(&str, u64); 4] = [("2-9", 62), ("10-49", 27), ("50-199", 8), ("200+", 3)];

/// The years.
pub const YEARS: [i32; 2] = [2024, 2025];

/// Indicators, each of one item: the first six on 1–5, the others on 1–10.
pub const INDICATORS: usize = 12;

/// Rows written at once: a row group.
const BATCH: u64 = 1 << 18;

/// The definitions that belong to the responses.
#[must_use]
pub fn definitions() -> String {
    let one = |item: usize| {
        format!(
            "[[indicator]]\nid = \"q{item}\"\nkind = \"mean\"\nitem = \"q{item}\"\nscale = [1, {}]\n",
            if item <= INDICATORS / 2 { 5 } else { 10 }
        )
    };
    (1..=INDICATORS).map(one).collect()
}

/// The same number for the same question (the finishing step of SplitMix64).
const fn chance(business: u64, question: u64) -> u64 {
    let mut mixed =
        business.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(question.wrapping_mul(0xD1B5_4A32_D192_ED03));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn class(shares: &[(&str, u64)], drawn: u64) -> usize {
    let mut left = drawn % 100;
    for (at, (_, share)) in shares.iter().enumerate() {
        if left < *share {
            return at;
        }
        left -= share;
    }
    shares.len() - 1
}

/// A made-up world in which every business is computed from its number.
#[derive(Debug, Clone, Copy)]
struct World {
    /// Businesses in each year's frame.
    frame: u64,
}

impl World {
    /// The businesses of a year: 8 % of the first year's closed, as many opened.
    const fn businesses(self, year: usize) -> std::ops::Range<u64> {
        let closed = self.frame * 8 / 100 * year as u64;
        closed..closed + self.frame
    }

    /// Numbers like those of workplaces: ten digits, with gaps.
    const fn id(business: u64) -> i64 {
        (1_000_000_000 + business * 3 + chance(business, 1) % 3).cast_signed()
    }

    /// 2 % change sector between the years and 10 % size.
    fn sector(business: u64, year: usize) -> usize {
        let moved = year == 1 && chance(business, 2) % 100 < 2;
        class(&SECTORS, chance(business, if moved { 3 } else { 4 }))
    }

    fn size(business: u64, year: usize) -> usize {
        let moved = year == 1 && chance(business, 5) % 100 < 10;
        class(&SIZES, chance(business, if moved { 6 } else { 7 }))
    }

    /// About half answer, the larger the more; half of the businesses are as ready in one year as in the other.
    fn answers(business: u64, year: usize) -> bool {
        let loyal = chance(business, 8).is_multiple_of(2);
        let drawn = chance(business, if loyal { 9 } else { 10 + year as u64 }) % 100;
        drawn < [46, 54, 60, 64][Self::size(business, year)]
    }

    /// An answer: the business's own level, its sector, the question and chance; 4 % leave it blank.
    fn answer(business: u64, year: usize, item: usize) -> Option<i64> {
        let question = 100 + 2 * item as u64 + year as u64;
        let drawn = chance(business, question);
        if drawn.is_multiple_of(25) {
            return None;
        }
        let own = chance(business, 20) % 400;
        let mood = (drawn >> 8) % 500;
        let level = own + mood + Self::sector(business, year) as u64 * 10 + 3 * item as u64 + 20 * year as u64;
        let top = if item < INDICATORS / 2 { 5 } else { 10 };
        Some((1 + level * top / 1061).min(top).cast_signed())
    }
}

/// Writes `frame.parquet`, `responses.parquet` and `indicators.toml` for about `respondents` responses over both years.
///
/// The frame stands in the register's order, the responses in the order in which they came in. So that peers find everything in one file,
/// the responses also carry sector, size and the raked weight; our own programme reads none of the three there.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, respondents: u64) -> Result<u64> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("indicators.toml"), definitions())?;
    let world = World { frame: respondents * 100 / 98 };
    let mut frame = Parquet::new(&folder.join("frame.parquet"))?;
    let mut cells = vec![(0_u64, 0_u64); YEARS.len() * SECTORS.len() * SIZES.len()];
    let cell = |b, year| (year * SECTORS.len() + World::sector(b, year)) * SIZES.len() + World::size(b, year);
    let mut answered: Vec<Vec<u32>> = Vec::new();
    for year in 0..YEARS.len() {
        let mut here = Vec::new();
        for businesses in batches(world.businesses(year)) {
            frame.write(vec![
                int("year", businesses.clone().map(|_| Some(i64::from(YEARS[year])))),
                int("business_id", businesses.clone().map(|b| Some(World::id(b)))),
                text("sector", businesses.clone().map(|b| SECTORS[World::sector(b, year)].0)),
                text("size", businesses.clone().map(|b| SIZES[World::size(b, year)].0)),
            ])?;
            for business in businesses {
                let counts = &mut cells[cell(business, year)];
                counts.0 += 1;
                if World::answers(business, year) {
                    counts.1 += 1;
                    here.push(u32::try_from(business)?);
                }
            }
        }
        // In the order of arrival: Fisher and Yates' shuffle.
        for at in (1..here.len()).rev() {
            here.swap(at, usize::try_from(chance(at as u64, 30 + year as u64) % (at as u64 + 1))?);
        }
        answered.push(here);
    }
    frame.finish()?;
    let weights = weights(&cells)?;
    let mut responses = Parquet::new(&folder.join("responses.parquet"))?;
    for (year, here) in answered.iter().enumerate() {
        for batch in here.chunks(usize::try_from(BATCH)?) {
            let businesses = || batch.iter().map(|b| u64::from(*b));
            let mut columns = vec![
                int("year", businesses().map(|_| Some(i64::from(YEARS[year])))),
                int("business_id", businesses().map(|b| Some(World::id(b)))),
                text("sector", businesses().map(|b| SECTORS[World::sector(b, year)].0)),
                text("size", businesses().map(|b| SIZES[World::size(b, year)].0)),
                Column::new("weight".into(), businesses().map(|b| weights[cell(b, year)]).collect::<Vec<f64>>()),
            ];
            columns.extend(
                (0..INDICATORS)
                    .map(|item| int(&format!("q{}", item + 1), businesses().map(|b| World::answer(b, year, item)))),
            );
            responses.write(columns)?;
        }
    }
    responses.finish()?;
    Ok(answered.iter().map(|a| a.len() as u64).sum())
}

/// The raked weight of every cell, both years after one another.
fn weights(cells: &[(u64, u64)]) -> Result<Vec<f64>> {
    let options = Options {
        weighting: Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: None },
        fpc: statistics::Fpc::Unit,
        variance: VarianceKind::Design,
        size_order: SIZES.iter().map(|(key, _)| (*key).to_owned()).collect(),
    };
    let mut weights = Vec::new();
    for (year, cells) in YEARS.iter().zip(cells.chunks(SECTORS.len() * SIZES.len())) {
        let cell = |(at, (frame, answered)): (usize, &(u64, u64))| {
            let (sector, size) = (SECTORS[at / SIZES.len()].0.to_owned(), SIZES[at % SIZES.len()].0.to_owned());
            let margins = vec![sector.clone(), size.clone()];
            Cell { sector, size, margins, frame: *frame, answered: *answered, invited: None }
        };
        let year = Year { year: *year, cells: cells.iter().enumerate().map(cell).collect() };
        let design = Design::single(&year, &options)?;
        weights.extend((0..cells.len()).map(|cell| design.weight(cell).unwrap_or(0.0)));
    }
    Ok(weights)
}

fn batches(all: std::ops::Range<u64>) -> impl Iterator<Item = std::ops::Range<u64>> {
    let end = all.end;
    let step = usize::try_from(BATCH).expect("a batch fits");
    all.step_by(step).map(move |from| from..end.min(from + BATCH))
}

fn int(name: &str, cells: impl Iterator<Item = Option<i64>>) -> Column {
    Column::new(name.into(), cells.collect::<Vec<_>>())
}

fn text<'a>(name: &str, cells: impl Iterator<Item = &'a str>) -> Column {
    Column::new(name.into(), cells.collect::<Vec<_>>())
}

/// A Parquet file written row group by row group.
struct Parquet {
    file: Option<File>,
    writer: Option<polars::io::parquet::write::BatchedWriter<File>>,
}

impl Parquet {
    fn new(path: &Path) -> Result<Self> {
        Ok(Self { file: Some(File::create(path)?), writer: None })
    }

    fn write(&mut self, columns: Vec<Column>) -> Result<()> {
        let rows = DataFrame::new(columns.first().map_or(0, Column::len), columns)?;
        if let Some(file) = self.file.take() {
            self.writer = Some(ParquetWriter::new(file).batched(rows.schema())?);
        }
        self.writer.as_mut().context("nothing was opened")?.write_batch(&rows)?;
        Ok(())
    }

    fn finish(self) -> Result<()> {
        self.writer.context("nothing was written")?.finish()?;
        Ok(())
    }
}
