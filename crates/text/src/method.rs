//! How figures came about, in words: what the analysis notes down in its own language becomes a sentence of the reader's.
use domain::results::Report;

use crate::insight::Teller;
use crate::messages::Arg;

/// A join that the analysis noted: `2023: sector a, size class 50-199 (0 of 1 answered) joins 10-49`.
struct Join<'n> {
    years: &'n str,
    sector: &'n str,
    class: Option<&'n str>,
    /// Answers and frame, per year.
    counts: Vec<(&'n str, &'n str)>,
    into: &'n str,
}

impl<'n> Join<'n> {
    fn parse(note: &'n str) -> Option<Self> {
        let (years, rest) = note.split_once(": sector ")?;
        let (what, rest) = rest.split_once(" (")?;
        let (counts, into) = rest.split_once(" answered) joins ")?;
        let (sector, class) = match what.split_once(", size class ") {
            Some((sector, class)) => (sector, Some(class)),
            None => (what, None),
        };
        let counts = counts.split("; ").map(|count| count.split_once(" of ")).collect::<Option<Vec<_>>>()?;
        let into = if class.is_some() { into } else { into.strip_prefix("sector ")? };
        Some(Self { years, sector, class, counts, into })
    }
}

impl Teller<'_> {
    /// Cells that were joined for want of answers, as the reader's language has it; a note of an unknown form stays as it is.
    #[must_use]
    pub fn collapse(&self, note: &str) -> String {
        let Some(join) = Join::parse(note) else { return note.to_owned() };
        let say = |key: &str, args: &[(&str, Arg)]| self.messages.t(self.language, &format!("papers.{key}"), args);
        let counts: Vec<String> = join
            .counts
            .iter()
            .map(|(n, of)| {
                say("collapse_count", &[("n", Arg::Text((*n).to_owned())), ("of", Arg::Text((*of).to_owned()))])
            })
            .collect();
        let domain = if join.class.is_some() { "size" } else { "sector" };
        let args = [
            ("years", Arg::Text(join.years.replace(" and ", " + "))),
            ("sector", self.groups(self.report, "sector", join.sector).into()),
            ("class", self.groups(self.report, "size", join.class.unwrap_or_default()).into()),
            ("answered", counts.join("; ").into()),
            ("into", self.groups(self.report, domain, join.into).into()),
        ];
        say(if join.class.is_some() { "collapse_class" } else { "collapse_sector" }, &args)
    }

    /// The titles of groups whose keys stand joined by `+`.
    fn groups(&self, report: &Report, domain: &str, keys: &str) -> String {
        let groups = report.breakdowns.iter().find(|b| b.domain == domain).map(|b| b.groups.as_slice());
        let groups = groups.unwrap_or_default();
        let mut titles = Vec::new();
        let mut rest = keys;
        while !rest.is_empty() {
            // A key may end in a plus of its own: `200+`.
            let is_next =
                |key: &str| rest.strip_prefix(key).is_some_and(|more| more.is_empty() || more.starts_with('+'));
            let known = groups.iter().filter(|g| is_next(&g.key)).max_by_key(|g| g.key.len());
            let length = known.map_or_else(|| rest.find('+').unwrap_or(rest.len()), |g| g.key.len());
            titles.push(known.map_or(&rest[..length], |g| g.title.get(self.language)));
            rest = rest[length..].trim_start_matches('+');
        }
        titles.join(" + ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_is_read_as_the_analysis_writes_it() {
        let class =
            Join::parse("2023 and 2024: sector a+b, size class 200+ (0 of 2; 1 of 3 answered) joins 10-49+50-199");
        let class = class.expect("a join of a class");
        assert_eq!((class.years, class.sector, class.class), ("2023 and 2024", "a+b", Some("200+")));
        assert_eq!((class.counts, class.into), (vec![("0", "2"), ("1", "3")], "10-49+50-199"));
        let sector = Join::parse("2025: sector a (3 of 9 answered) joins sector b").expect("a join of a sector");
        assert_eq!((sector.sector, sector.class, sector.into), ("a", None, "b"));
        assert!(Join::parse("something else").is_none());
    }
}
