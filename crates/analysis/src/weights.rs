//! The weight of every response that counts, in a few bytes each.
use crate::codes::{NONE, as_code};
use crate::ids::Ids;

/// One row of `weights.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightRow {
    /// Year.
    pub year: i32,
    /// Business.
    pub business_id: String,
    /// For how many businesses of the frame it stands.
    pub weight: f64,
}

/// The rows of `weights.csv`.
#[derive(Debug, Clone)]
pub struct Weights {
    ids: Ids,
    /// Per response.
    business: Vec<u32>,
    /// Per response.
    atom: Vec<u32>,
    /// Per atom: year and weight.
    of_atom: Vec<(i32, f64)>,
}

impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.rows().eq(other.rows())
    }
}

impl Weights {
    /// Of the responses whose atom has a weight.
    pub(crate) fn new(ids: Ids, mut business: Vec<u32>, mut atom: Vec<u32>, of_atom: Vec<(i32, Option<f64>)>) -> Self {
        if of_atom.iter().any(|(_, weight)| weight.is_none()) {
            let weighted = |a: &u32| of_atom[*a as usize].1.is_some();
            let flags: Vec<bool> = atom.iter().map(weighted).collect();
            let mut keep = flags.iter();
            business.retain(|_| *keep.next().unwrap_or(&false));
            atom.retain(weighted);
        }
        let of_atom = of_atom.into_iter().map(|(year, weight)| (year, weight.unwrap_or(0.0))).collect();
        Self { ids, business, atom, of_atom }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.business.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.business.is_empty()
    }

    /// The rows, by year and business.
    pub fn rows(&self) -> impl Iterator<Item = WeightRow> {
        // The rank of every business by its text, so that sorting compares numbers.
        let mut businesses: Vec<u32> = (0..as_code(self.ids.len())).collect();
        businesses.sort_unstable_by(|a, b| self.ids.compare(*a, *b));
        let mut rank = vec![NONE; businesses.len()];
        businesses.iter().enumerate().for_each(|(at, business)| rank[*business as usize] = as_code(at));
        drop(businesses);
        let year = |row: u32| self.of_atom[self.atom[row as usize] as usize].0;
        let mut order: Vec<u32> = (0..as_code(self.len())).collect();
        order.sort_unstable_by_key(|row| (year(*row), rank[self.business[*row as usize] as usize]));
        order.into_iter().map(|row| {
            let (year, weight) = self.of_atom[self.atom[row as usize] as usize];
            WeightRow { year, business_id: self.ids.text(self.business[row as usize]).into_owned(), weight }
        })
    }
}
