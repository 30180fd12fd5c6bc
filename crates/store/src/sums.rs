//! The cell sums of an indicator, made inside the database: for live dashboards, and for answers too many to move.
//!
//! One static text per question and engine. What a definition names (items, codes, conditions) reaches it as a list: entries of
//! one kind letter, a name and a value, padded to one width, which the statement takes apart. Base, score, blanks and sums
//! are all computed there; only sums per cell and group leave the database. Every business counts once: a measure weighted by
//! employees is refused, and replies that stand for several workplaces are counted in [`YearSums::copies`] for the caller,
//! whose variance would have to know the companies.
use std::collections::BTreeMap;

use domain::answers::{DONT_KNOW, NOT_RELEVANT};
use domain::ids::MunicipalityId;
use domain::indicator::{Answered, Base, Indicator, Measure, WeightBy};
use domain::size::{Employees, sme};

use crate::sql::{Call, Columns, call, columns, corrupt, statements};
use crate::{Result, Store, StoreError};

/// A response that counts, with its cell, group, state (0 outside, 1 answered, 2 blank) and y.
///
/// $1 municipality, $2 and $3 years, $4 list, $5 its width, $6 its entries, $7 breakdown, $8 question of the breakdown,
/// $9 conditions of the base, $10 and $11 limits of small companies (exact numbers, intervals), $12 items, $13 points,
/// $14 rule, $15 answers times this are enough, $16 and $17 scale, $18–$20 y = (m − $18) / $19 · $20, $21 threshold (below −1e300: none).
macro_rules! scored {
    ($select:literal) => {
        concat!(
            "with recursive entry(at) as (
            select cast(1 as bigint) union all select at + 1 from entry where at < cast($6 as bigint)
        ), place as (
            select (at - 1) * (2 * cast($5 as bigint) + 1) + 1 as start, cast($5 as bigint) as width from entry
        ), part as materialized (
            select substr(cast($4 as text), cast(start as integer), 1) as kind,
                rtrim(substr(cast($4 as text), cast(start + 1 as integer), cast(width as integer))) as name,
                rtrim(substr(cast($4 as text), cast(start + 1 + width as integer), cast(width as integer))) as value
            from place
        ), unit as materialized (
            select r.year, x.panel_id as panel, x.response_id as response, f.sector, f.size,
                case when f.business_id is null then 1 else 0 end as lost,
                case cast($7 as text) when 'total' then 'all' when 'sector' then f.sector when 'size' then f.size
                    when 'cross' then coalesce(f.area, '') || '\u{1f}' || case when f.started_on is null then ''
                            when r.year - cast(substr(f.started_on, 1, 4) as bigint) <= 3 then '0-3' else '4+' end || '\u{1f}'
                        || coalesce((select trim(a.value) from answers a where a.response_id = x.response_id
                            and a.question_key = cast($8 as text) and trim(a.value) not in ('', 'dk', 'na')), '')
                    else (select trim(a.value) from answers a where a.response_id = x.response_id
                        and a.question_key = cast($8 as text) and trim(a.value) not in ('', 'dk', 'na')) end as grp,
                case when cast($9 as bigint) = (select count(*) from part w where w.kind in ('s', 'z', 'q') and w.value =
                        case w.kind when 's' then f.sector when 'z' then f.size
                            else (select trim(a.value) from answers a where a.response_id = x.response_id
                                and a.question_key = w.name and trim(a.value) not in ('', 'dk', 'na')) end)
                    and (cast($10 as bigint) is null
                        or (f.company_employees_low is not null and f.company_employees_high <
                            case when f.company_employees_low = f.company_employees_high then cast($10 as bigint) else cast($11 as bigint) end)
                        or (f.company_employees_low is null and f.employees_high <
                            case when f.employees_low = f.employees_high then cast($10 as bigint) else cast($11 as bigint) end))
                    then 1 else 0 end as inside
            from rounds r
            join response_panels x on x.round_id = r.id
            join responses p on p.id = x.response_id and p.status in ('partial', 'complete')
            left join panel_links l on l.panel_id = x.panel_id
            left join frame_imports i on i.municipality_id = r.municipality_id and i.year = r.year and i.state = 'current'
            left join frame_rows f on f.import_id = i.id and f.business_id = l.business_id
            where r.municipality_id = $1 and r.year in ($2, $3)
        ), said as materialized (
            select u.year, u.panel, trim(a.value) as word,
                case when trim(a.value) like '-%' then substr(trim(a.value), 2) else trim(a.value) end as digits
            from unit u join part i on i.kind = 'i'
            join answers a on a.response_id = u.response and a.question_key = i.name
            where u.inside = 1 and a.value is not null
        ), read as materialized (
            select s.year, s.panel, s.word,
                case when s.word in ('', 'dk', 'na') or s.digits in ('', '.') or s.digits like '%.%.%'
                    or rtrim(s.digits, '0123456789.') <> '' then null else cast(s.word as double precision) end as v
            from said s
        ), point as (
            select g.year, g.panel, g.word, g.v,
                case when g.v is null then null
                    when cast($13 as text) = 'nps' then cast(case when g.v >= 9 then 100 when g.v <= 6 then -100 else 0 end as double precision)
                    when cast($13 as text) = 'set' then cast(coalesce((
                        select sum(case c.kind when '+' then 1 else -1 end) from part c where c.kind in ('+', '-')
                            and case when c.kind in ('+', '-') then cast(c.value as double precision) end = g.v), 0) as double precision)
                    else g.v end as y
            from read g
        ), told as (
            select year, panel, sum(case word when 'na' then 1 else 0 end) as irrelevant,
                sum(case when v is null then 0 else 1 end) as answered, sum(y) as total, max(y) as most,
                sum(case when (v is null and word not in ('', 'dk', 'na')) or v < cast($16 as double precision)
                    or v > cast($17 as double precision) then 1 else 0 end) as faults
            from point group by year, panel
        ), mean as materialized (
            select u.year, u.panel, u.sector, u.size, u.grp, u.lost, coalesce(t.faults, 0) as faults,
                case when u.inside = 0 or t.irrelevant = cast($12 as bigint) then 0
                    when t.answered > 0 and t.answered * cast($15 as bigint) >=
                        cast($12 as bigint) - case cast($14 as text) when 'any' then t.irrelevant else 0 end then 1
                    else 2 end as state,
                (case cast($14 as text) when 'any' then t.most else t.total / t.answered end - cast($18 as double precision))
                    / cast($19 as double precision) * cast($20 as double precision) as m
            from unit u left join told t on t.year = u.year and t.panel = u.panel
        ), scored as materialized (
            select year, panel, sector, size, grp, lost, faults, state,
                case when state <> 1 then null when cast($21 as double precision) <= -1e300 then m
                    when m >= cast($21 as double precision) then cast(1 as double precision)
                    else cast(0 as double precision) end as y
            from mean
        ) ",
            $select
        )
    };
}

statements! {
    SUMS = scored!("select year, grp, sector, size, count(*), cast(sum(case state when 1 then 1 else 0 end) as bigint),
            cast(coalesce(sum(y), 0) as double precision), cast(coalesce(sum(y * y), 0) as double precision),
            cast(sum(case state when 2 then 1 else 0 end) as bigint), cast(sum(lost) as bigint), cast(sum(faults) as bigint)
        from scored group by year, grp, sector, size");
    // Who changed group counts in each of the two in the year in which it was there, and once among those that answered both years.
    OVERLAP = scored!(", pair as (
            select a.sector as from_sector, a.size as from_size, b.sector as to_sector, b.size as to_size,
                a.grp as from_group, b.grp as to_group, a.y as x, b.y as y
            from scored a join scored b on b.panel = a.panel where a.year = $2 and b.year = $3
        ), touched as (
            select from_group as grp, 1 as once, from_sector, from_size, to_sector, to_size,
                x, case when to_group = from_group then y end as y from pair
            union all
            select to_group, 0, from_sector, from_size, to_sector, to_size, null, y from pair
            where to_group is not null and to_group is distinct from from_group
        ) select grp, from_sector, from_size, to_sector, to_size, cast(sum(once) as bigint),
            count(x), cast(coalesce(sum(x), 0) as double precision), cast(coalesce(sum(x * x), 0) as double precision),
            count(y), cast(coalesce(sum(y), 0) as double precision), cast(coalesce(sum(y * y), 0) as double precision),
            count(x * y), cast(coalesce(sum(case when y is not null then x end), 0) as double precision),
            cast(coalesce(sum(case when x is not null then y end), 0) as double precision),
            cast(coalesce(sum(x * y), 0) as double precision)
        from touched group by grp, from_sector, from_size, to_sector, to_size");
    CROSSING = scored!("select a.sector, a.size, a.grp, b.sector, b.size, b.grp, count(*),
            count(a.y), cast(coalesce(sum(a.y), 0) as double precision), cast(coalesce(sum(a.y * a.y), 0) as double precision),
            count(b.y), cast(coalesce(sum(b.y), 0) as double precision), cast(coalesce(sum(b.y * b.y), 0) as double precision),
            count(a.y * b.y), cast(coalesce(sum(case when b.y is not null then a.y end), 0) as double precision),
            cast(coalesce(sum(case when a.y is not null then b.y end), 0) as double precision),
            cast(coalesce(sum(a.y * b.y), 0) as double precision)
        from scored a join scored b on b.panel = a.panel where a.year = $2 and b.year = $3
        group by a.sector, a.size, a.grp, b.sector, b.size, b.grp");
    PROFILES = "select f.sector, f.size, coalesce(f.area, ''), case when f.started_on is null then ''
            when i.year - cast(substr(f.started_on, 1, 4) as bigint) <= 3 then '0-3' else '4+' end, count(*)
        from frame_imports i join frame_rows f on f.import_id = i.id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' group by 1, 2, 3, 4 order by 1, 2, 3, 4";
    DATA_VERSION = "select r.year, count(p.id), cast(coalesce(max(p.updated_at), 0) as bigint), coalesce(max(i.id || ' ' || cast(coalesce(i.revised_at, 0) as text)), '')
        from rounds r left join responses p on p.round_id = r.id and p.status in ('partial', 'complete')
        left join frame_imports i on i.municipality_id = r.municipality_id and i.year = r.year and i.state = 'current'
        where r.municipality_id = $1 and r.kind = 'yearly' and r.state = 'closed' group by r.year order by r.year";
    CELLS = "select i.year, f.sector, f.size, count(*) from frame_imports i join frame_rows f on f.import_id = i.id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' group by i.year, f.sector, f.size";
    FRAME_LINK = "select f.sector, f.size, g.sector, g.size, count(*) from frame_imports i join frame_rows f on f.import_id = i.id
        join frame_imports j on j.municipality_id = i.municipality_id join frame_rows g on g.import_id = j.id and g.business_id = f.business_id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' and j.year = $3 and j.state = 'current'
        group by f.sector, f.size, g.sector, g.size";
    COPIES = "select count(*) - count(distinct p.id) from rounds r join response_panels x on x.round_id = r.id
        join responses p on p.id = x.response_id and p.status in ('partial', 'complete') where r.municipality_id = $1 and r.year = $2";
}

/// What figures are broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakdown<'a> {
    /// Not at all: one group, `all`.
    Total,
    /// The sector of the year's frame.
    Sector,
    /// The size class of the year's frame.
    Size,
    /// The answer to a question; "ved ikke", "ikke relevant" and blanks lie in no group.
    Question(&'a str),
    /// Everything at once, the smallest building blocks of linked tables: area, age and the answer to this question, joined by
    /// [`BETWEEN`], each empty where it is not known.
    Cross(&'a str),
}

/// The sums over a pair of cells, in the order in which the statements name them.
fn pair_row(c: &mut Columns<'_>, from: usize, to: usize) -> Result<PairRow> {
    Ok(PairRow {
        from,
        to,
        n_x: c.count()?,
        sum_x: c.real()?,
        sum_xx: c.real()?,
        n_y: c.count()?,
        sum_y: c.real()?,
        sum_yy: c.real()?,
        n_xy: c.count()?,
        both_x: c.real()?,
        both_y: c.real()?,
        sum_xy: c.real()?,
    })
}

/// Between the parts of a group of [`Breakdown::Cross`].
pub const BETWEEN: char = '\u{1f}';

impl Breakdown<'_> {
    fn words(self) -> (&'static str, String) {
        match self {
            Self::Total => ("total", String::new()),
            Self::Sector => ("sector", String::new()),
            Self::Size => ("size", String::new()),
            Self::Question(key) => ("question", key.to_owned()),
            Self::Cross(key) => ("cross", key.to_owned()),
        }
    }
}

/// A weighting cell of a year.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameCell {
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// N_h: businesses in the frame.
    pub frame: u64,
    /// n_h: businesses that answered.
    pub answered: u64,
}

/// n, Σy and Σy² of a cell.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SumRow {
    /// Index in [`YearSums::cells`].
    pub cell: usize,
    /// Businesses in the base that answered.
    pub n: u64,
    /// Σ y over them.
    pub sum: f64,
    /// Σ y² over them.
    pub sum_sq: f64,
}

/// An indicator's sums of a year.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct YearSums {
    /// The year.
    pub year: i32,
    /// Its cells, by sector and size class.
    pub cells: Vec<FrameCell>,
    /// Per group its sums, by cell; cells without an answer are left out.
    pub groups: BTreeMap<String, Vec<SumRow>>,
    /// Per group all that answered the round, by cell, whether or not in the base.
    pub present: BTreeMap<String, Vec<(usize, u64)>>,
    /// Per cell: businesses in the base that left the item blank, whatever their group.
    pub blanks: Vec<u64>,
    /// Workplaces for which another's reply stands too. Where there are many, businesses are not independent.
    pub copies: u64,
}

/// Businesses by cell of the earlier and of the later year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LinkRow {
    /// Cell in the earlier year.
    pub from: usize,
    /// Cell in the later year.
    pub to: usize,
    /// Businesses.
    pub n: u64,
}

/// Sums over businesses that answered in both years: x is the earlier year's y, where it counts then.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct PairRow {
    /// Cell in the earlier year.
    pub from: usize,
    /// Cell in the later year.
    pub to: usize,
    /// Businesses that count in the earlier year.
    pub n_x: u64,
    /// Σ x over them.
    pub sum_x: f64,
    /// Σ x² over them.
    pub sum_xx: f64,
    /// Businesses that count in the later year.
    pub n_y: u64,
    /// Σ y over them.
    pub sum_y: f64,
    /// Σ y² over them.
    pub sum_yy: f64,
    /// Businesses that count in both years.
    pub n_xy: u64,
    /// Σ x over those.
    pub both_x: f64,
    /// Σ y over those.
    pub both_y: f64,
    /// Σ x·y over those.
    pub sum_xy: f64,
}

/// The sums over businesses that answered in both years, by cell and group of each year.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossPair {
    /// Group in the earlier year.
    pub from_group: String,
    /// Group in the later year.
    pub to_group: String,
    /// Businesses that answered in both years, in the base or not.
    pub answered: u64,
    /// The sums; its cells are those of the two years.
    pub sums: PairRow,
}

/// Businesses of a frame that are alike in everything that tables are broken down by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// Key of the area; empty: none.
    pub area: String,
    /// Age class; empty: not known.
    pub age: String,
    /// Businesses.
    pub n: u64,
}

/// A closed round as far as figures depend on it: while this stays the same, so do they.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataVersion {
    /// Year.
    pub year: i32,
    /// Responses that count.
    pub responses: u64,
    /// When one of them was last changed.
    pub changed: i64,
    /// The frame.
    pub frame: String,
}

/// What two years of an indicator share.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PairSums {
    /// N₁₂: businesses in both frames.
    pub frame: Vec<LinkRow>,
    /// n₁₂: businesses that answered in both years.
    pub answered: Vec<LinkRow>,
    /// Per group its sums, by cell of the earlier and of the later year.
    pub groups: BTreeMap<String, Vec<PairRow>>,
}

impl Store {
    /// The sums of an indicator in these years: per year, weighting cell (sector × size) and group. The same figures as from
    /// [`Store::analysis_frame`] and [`Store::analysis_responses`], without moving an answer.
    ///
    /// # Errors
    /// [`StoreError::State`] for an indicator weighted by employees, and for a year whose answers have been cut off from its frame;
    /// [`StoreError::Corrupt`] when an answer is neither a decimal number on the scale nor a word for non-response.
    pub async fn indicator_sums(
        &self,
        municipality: &MunicipalityId,
        years: &[i32],
        indicator: &Indicator,
        by: Breakdown<'_>,
    ) -> Result<Vec<YearSums>> {
        let question = Question::of(indicator, by)?;
        let mut conn = self.read().await?;
        let mut all = Vec::with_capacity(years.len());
        for &year in years {
            let mut found = BTreeMap::new();
            for row in call(CELLS).text(municipality.as_str()).int(year.into()).rows(&mut conn).await? {
                let mut c = columns(&row);
                c.year()?;
                found.insert((c.text()?, c.text()?), (c.count()?, 0));
            }
            let places: BTreeMap<(String, String), usize> = found.keys().cloned().zip(0..).collect();
            let mut sums = YearSums {
                year,
                cells: Vec::new(),
                groups: BTreeMap::new(),
                present: BTreeMap::new(),
                blanks: vec![0; found.len()],
                copies: columns(
                    &call(COPIES).text(municipality.as_str()).int(year.into()).row(&mut conn, "round").await?,
                )
                .count()?,
            };
            for row in question.call(SUMS, municipality, year, year).rows(&mut conn).await? {
                let mut c = columns(&row);
                c.year()?;
                let (group, sector, size) = (c.maybe()?, c.maybe()?, c.maybe()?);
                let (answered, n, sum, sum_sq, blank) = (c.count()?, c.count()?, c.real()?, c.real()?, c.count()?);
                let (lost, faults) = (c.count()?, c.count()?);
                if lost > 0 {
                    return Err(StoreError::State("answers of this year are cut off from its frame"));
                }
                if faults > 0 {
                    return Err(corrupt(
                        "answer",
                        format!("{faults} answers to {} in {year} are no points of its scale", indicator.id),
                    ));
                }
                let key = sector.zip(size).ok_or_else(|| corrupt("cell", "has no sector".to_owned()))?;
                let cell = *places.get(&key).ok_or_else(|| corrupt("cell", "is not in the frame".to_owned()))?;
                if let Some(counts) = found.get_mut(&key) {
                    counts.1 += answered;
                }
                sums.blanks[cell] += blank;
                if let Some(group) = &group {
                    sums.present.entry(group.clone()).or_default().push((cell, answered));
                }
                if let Some(group) = group.filter(|_| n > 0) {
                    sums.groups.entry(group).or_default().push(SumRow { cell, n, sum, sum_sq });
                }
            }
            sums.groups.values_mut().for_each(|rows| rows.sort_by_key(|r| r.cell));
            let cell = |((sector, size), (frame, answered))| FrameCell { sector, size, frame, answered };
            sums.cells = found.into_iter().map(cell).collect();
            all.push(sums);
        }
        Ok(all)
    }

    /// What two years of [`Store::indicator_sums`] share: pass the same indicator and breakdown. The answers of a round in the field
    /// may have grown since the sums were made; those of a closed one have not.
    ///
    /// # Errors
    /// As [`Store::indicator_sums`].
    pub async fn indicator_overlap(
        &self,
        municipality: &MunicipalityId,
        (from, to): (&YearSums, &YearSums),
        indicator: &Indicator,
        by: Breakdown<'_>,
    ) -> Result<PairSums> {
        let question = Question::of(indicator, by)?;
        let (earlier, later) = (Places::of(from), Places::of(to));
        let mut conn = self.read().await?;
        let mut frame = Vec::new();
        let link = call(FRAME_LINK).text(municipality.as_str()).int(from.year.into()).int(to.year.into());
        for row in link.rows(&mut conn).await? {
            let mut c = columns(&row);
            let (from, to) = (earlier.find(&c.text()?, &c.text()?)?, later.find(&c.text()?, &c.text()?)?);
            frame.push(LinkRow { from, to, n: c.count()? });
        }
        frame.sort_by_key(|l| (l.from, l.to));
        let mut answered: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        let mut groups: BTreeMap<String, Vec<PairRow>> = BTreeMap::new();
        for row in question.call(OVERLAP, municipality, from.year, to.year).rows(&mut conn).await? {
            let mut c = columns(&row);
            let group = c.maybe()?;
            let (from, to) = (earlier.find(&c.text()?, &c.text()?)?, later.find(&c.text()?, &c.text()?)?);
            let n = c.count()?;
            if n > 0 {
                *answered.entry((from, to)).or_default() += n;
            }
            let pair = pair_row(&mut c, from, to)?;
            if let Some(group) = group.filter(|_| pair.n_x + pair.n_y > 0) {
                groups.entry(group).or_default().push(pair);
            }
        }
        groups.values_mut().for_each(|rows| rows.sort_by_key(|r| (r.from, r.to)));
        let answered = answered.into_iter().map(|((from, to), n)| LinkRow { from, to, n }).collect();
        Ok(PairSums { frame, answered, groups })
    }
}

impl Store {
    /// What two years of [`Store::indicator_sums`] by [`Breakdown::Cross`] share, group by group.
    ///
    /// # Errors
    /// As [`Store::indicator_sums`].
    pub async fn indicator_crossing(
        &self,
        municipality: &MunicipalityId,
        (from, to): (&YearSums, &YearSums),
        indicator: &Indicator,
        question: &str,
    ) -> Result<Vec<CrossPair>> {
        let asked = Question::of(indicator, Breakdown::Cross(question))?;
        let (earlier, later) = (Places::of(from), Places::of(to));
        let mut conn = self.read().await?;
        let rows = asked.call(CROSSING, municipality, from.year, to.year).rows(&mut conn).await?;
        let mut pairs = Vec::with_capacity(rows.len());
        for row in rows {
            let mut c = columns(&row);
            let (from, from_group) = (earlier.find(&c.text()?, &c.text()?)?, c.text()?);
            let (to, to_group) = (later.find(&c.text()?, &c.text()?)?, c.text()?);
            let answered = c.count()?;
            let sums = pair_row(&mut c, from, to)?;
            pairs.push(CrossPair { from_group, to_group, answered, sums });
        }
        // Sums are added up in a fixed order, so that rounding is the same in every run.
        pairs.sort_by(|a, b| {
            let key = |p: &CrossPair| (p.sums.from, p.sums.to, p.from_group.clone(), p.to_group.clone());
            key(a).cmp(&key(b))
        });
        Ok(pairs)
    }

    /// Businesses in both frames, by cell.
    pub async fn frame_link(
        &self,
        municipality: &MunicipalityId,
        (from, to): (&YearSums, &YearSums),
    ) -> Result<Vec<LinkRow>> {
        let (earlier, later) = (Places::of(from), Places::of(to));
        let link = call(FRAME_LINK).text(municipality.as_str()).int(from.year.into()).int(to.year.into());
        let mut frame = Vec::new();
        for row in link.rows(&mut *self.read().await?).await? {
            let mut c = columns(&row);
            let (from, to) = (earlier.find(&c.text()?, &c.text()?)?, later.find(&c.text()?, &c.text()?)?);
            frame.push(LinkRow { from, to, n: c.count()? });
        }
        frame.sort_by_key(|l| (l.from, l.to));
        Ok(frame)
    }

    /// The profiles of a year's frame.
    pub async fn frame_profiles(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<Profile>> {
        let rows = call(PROFILES).text(municipality.as_str()).int(year.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Profile { sector: c.text()?, size: c.text()?, area: c.text()?, age: c.text()?, n: c.count()? })
            })
            .collect()
    }

    /// What the figures of the closed rounds rest on, by year.
    pub async fn data_version(&self, municipality: &MunicipalityId) -> Result<Vec<DataVersion>> {
        let rows = call(DATA_VERSION).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(DataVersion { year: c.year()?, responses: c.count()?, changed: c.int()?, frame: c.text()? })
            })
            .collect()
    }
}

/// Where a year's cells stand.
struct Places<'a>(BTreeMap<(&'a str, &'a str), usize>);

impl<'a> Places<'a> {
    fn of(year: &'a YearSums) -> Self {
        Self(year.cells.iter().map(|c| (c.sector.as_str(), c.size.as_str())).zip(0..).collect())
    }

    fn find(&self, sector: &str, size: &str) -> Result<usize> {
        self.0.get(&(sector, size)).copied().ok_or_else(|| corrupt("cell", "is not in the frame".to_owned()))
    }
}

/// An indicator and a breakdown as the statements take them.
struct Question {
    list: String,
    width: usize,
    entries: usize,
    breakdown: (&'static str, String),
    conditions: usize,
    small: Option<(u32, u32)>,
    items: usize,
    points: &'static str,
    rule: &'static str,
    enough: i64,
    scale: [f64; 2],
    rescaled: [f64; 3],
    threshold: Option<f64>,
}

/// Rounding must not move an index of exactly 60 below 60; as in [`Measure::score`].
const SLACK: f64 = 1e-9;

impl Question {
    fn of(indicator: &Indicator, by: Breakdown<'_>) -> Result<Self> {
        if indicator.weight_by == WeightBy::Employees {
            return Err(StoreError::State("sums inside the database count every business once, not by its employees"));
        }
        let Base { columns, sme: small } = &indicator.base;
        let mut entries: Vec<(char, &str, String)> = Vec::new();
        entries.extend(indicator.measure.items().iter().map(|item| ('i', item.as_str(), String::new())));
        for (column, values) in columns {
            let kind = match column.as_str() {
                "sector" => 's',
                "size" => 'z',
                _ => 'q',
            };
            let mut values: Vec<&String> =
                values.iter().filter(|v| ![DONT_KNOW, NOT_RELEVANT].contains(&v.as_str())).collect();
            values.sort();
            values.dedup();
            entries.extend(values.into_iter().map(|value| (kind, column.as_str(), value.clone())));
        }
        let (measure, threshold) = match &indicator.measure {
            Measure::ShareAtLeast { measure, threshold, .. } => (measure.as_ref(), Some(threshold - SLACK)),
            measure => (measure, None),
        };
        let half = |answered: &Answered| if *answered == Answered::Half { 2 } else { 1 };
        let (mut points, mut rule, mut enough, mut rescaled) = ("value", "mean", 1, [0.0, 1.0, 1.0]);
        let mut codes = |sign: char, values: &[i64]| {
            let mut values = values.to_vec();
            values.sort_unstable();
            values.dedup();
            entries.extend(values.into_iter().map(|code| (sign, "", code.to_string())));
        };
        match measure {
            Measure::Index { scale: [low, high], answered, .. } => {
                enough = half(answered);
                rescaled = [*low, high - low, 100.0];
            }
            Measure::Mean { answered, .. } => enough = half(answered),
            Measure::Share { values, answered, .. } => {
                (points, rule, enough) = ("set", "any", half(answered));
                codes('+', values);
            }
            Measure::Balance { positive, negative, .. } => {
                points = "set";
                codes('+', positive);
                codes('-', negative);
            }
            Measure::Nps { .. } => points = "nps",
            Measure::ShareAtLeast { .. } => return Err(StoreError::State("a share of a share has no sums")),
        }
        let width = entries.iter().flat_map(|(_, name, value)| [name.chars().count(), value.chars().count()]).max();
        let width = width.unwrap_or(0).max(1);
        let list = entries.iter().map(|(kind, name, value)| format!("{kind}{name:<width$}{value:<width$}")).collect();
        let limit = |high| sme(Employees { low: 0, high: Some(high) }).limit;
        Ok(Self {
            list,
            width,
            entries: entries.len(),
            breakdown: by.words(),
            conditions: columns.len(),
            small: small.then(|| (limit(0), limit(1))),
            items: indicator.measure.items().len(),
            points,
            rule,
            enough,
            // Never null: with a null first, PostgreSQL would prepare these as another type and refuse the next number.
            scale: indicator.measure.scale().unwrap_or([f64::MIN, f64::MAX]),
            rescaled,
            threshold,
        })
    }

    fn call(&self, text: &'static str, municipality: &MunicipalityId, from: i32, to: i32) -> Call {
        call(text)
            .text(municipality.as_str())
            .int(from.into())
            .int(to.into())
            .text(&self.list)
            .count(self.width as u64)
            .count(self.entries as u64)
            .text(self.breakdown.0)
            .text(&self.breakdown.1)
            .count(self.conditions as u64)
            .maybe_int(self.small.map(|(exact, _)| exact.into()))
            .maybe_int(self.small.map(|(_, interval)| interval.into()))
            .count(self.items as u64)
            .text(self.points)
            .text(self.rule)
            .int(self.enough)
            .real(self.scale[0])
            .real(self.scale[1])
            .real(self.rescaled[0])
            .real(self.rescaled[1])
            .real(self.rescaled[2])
            .real(self.threshold.unwrap_or(f64::MIN))
    }
}
