//! Small numbers for what repeats: the distinct cells of a column, and the distinct combinations of several columns.
use std::cmp::Ordering;
use std::collections::HashMap;

use polars::prelude::*;

/// The code of an empty cell.
pub(crate) const NONE: u32 = u32::MAX;

/// Whole numbers in this range are looked up, not hashed: answers, years, classes.
const LOOKUP: std::ops::Range<i64> = -128..4096;
/// Places of a look-aside for what was met a moment ago.
const RECENT: usize = 1024;

pub(crate) fn as_code(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than four thousand million distinct keys")
}

/// The distinct cells of a column as they come, chunk by chunk, each with its text and the row where it first stood.
///
/// Whatever the type of the column, two cells are the same when their texts are: 3, 3.0 and "3" have one code.
#[derive(Debug)]
pub(crate) struct Coder {
    labels: Vec<String>,
    first: Vec<usize>,
    of_label: HashMap<String, u32>,
    small: Vec<u32>,
    whole: HashMap<i64, u32>,
    broken: HashMap<u64, u32>,
    texts: HashMap<String, u32>,
    recent: Vec<(String, u32)>,
}

impl Default for Coder {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            first: Vec::new(),
            of_label: HashMap::new(),
            small: Vec::new(),
            whole: HashMap::new(),
            broken: HashMap::new(),
            texts: HashMap::new(),
            recent: vec![(String::new(), NONE); RECENT],
        }
    }
}

impl Coder {
    /// The texts of the cells met so far, in the order of their codes; none is empty or has blanks around it.
    pub(crate) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The row in which a code first stood.
    pub(crate) fn first(&self, code: usize) -> usize {
        self.first[code]
    }

    /// The texts alone.
    pub(crate) fn into_labels(self) -> Vec<String> {
        self.labels
    }

    /// The code of a text that does not come from a cell.
    pub(crate) fn label(&mut self, label: &str, row: usize) -> u32 {
        let label = label.trim();
        if label.is_empty() {
            return NONE;
        }
        if let Some(code) = self.of_label.get(label) {
            return *code;
        }
        let code = as_code(self.labels.len());
        self.labels.push(label.to_owned());
        self.first.push(row);
        self.of_label.insert(label.to_owned(), code);
        code
    }

    /// Puts the codes of a chunk into `codes`, replacing what was there; `row` is the chunk's first row.
    pub(crate) fn chunk(&mut self, column: &Column, row: usize, codes: &mut Vec<u32>) -> PolarsResult<()> {
        codes.clear();
        codes.reserve(column.len());
        match column.dtype() {
            DataType::String => {
                for (at, cell) in column.str()?.iter().enumerate() {
                    codes.push(cell.map_or(NONE, |cell| self.text(cell, row + at)));
                }
            }
            DataType::Boolean => {
                for (at, cell) in column.bool()?.iter().enumerate() {
                    codes.push(cell.map_or(NONE, |cell| self.number(i64::from(cell), row + at)));
                }
            }
            DataType::Float32 | DataType::Float64 => {
                for (at, cell) in column.cast(&DataType::Float64)?.f64()?.iter().enumerate() {
                    codes.push(cell.filter(|c| !c.is_nan()).map_or(NONE, |cell| self.float(cell, row + at)));
                }
            }
            kind if kind.is_integer() && *kind != DataType::UInt64 => {
                let numbers = column.cast(&DataType::Int64)?;
                if numbers.null_count() == 0 {
                    for (at, cell) in numbers.i64()?.into_no_null_iter().enumerate() {
                        codes.push(self.number(cell, row + at));
                    }
                    return Ok(());
                }
                for (at, cell) in numbers.i64()?.iter().enumerate() {
                    codes.push(cell.map_or(NONE, |cell| self.number(cell, row + at)));
                }
            }
            _ => {
                for (at, cell) in column.cast(&DataType::String)?.str()?.iter().enumerate() {
                    codes.push(cell.map_or(NONE, |cell| self.text(cell, row + at)));
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self, cell: i64, row: usize) -> u32 {
        if !LOOKUP.contains(&cell) {
            if let Some(code) = self.whole.get(&cell) {
                return *code;
            }
            let code = self.label(&cell.to_string(), row);
            self.whole.insert(cell, code);
            return code;
        }
        let at = usize::try_from(cell - LOOKUP.start).expect("inside the range");
        match self.small.get(at) {
            Some(code) if *code != NONE => *code,
            _ => {
                let code = self.label(&cell.to_string(), row);
                self.small.resize(self.small.len().max(at + 1), NONE);
                self.small[at] = code;
                code
            }
        }
    }

    #[inline]
    fn float(&mut self, cell: f64, row: usize) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "compared with what it came from")]
        let whole = cell as i64;
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "is it exactly a whole number that is looked up?"
        )]
        if LOOKUP.contains(&whole) && whole as f64 == cell && whole != 0 {
            return self.number(whole, row);
        }
        if let Some(code) = self.broken.get(&cell.to_bits()) {
            return *code;
        }
        let code = self.label(&cell.to_string(), row);
        self.broken.insert(cell.to_bits(), code);
        code
    }

    #[inline]
    fn text(&mut self, cell: &str, row: usize) -> u32 {
        let place = usize::try_from(hash(cell.as_bytes()) >> 54).expect("ten bits") % RECENT;
        let (known, code) = &self.recent[place];
        if known == cell && *code != NONE {
            return *code;
        }
        let code = match self.texts.get(cell) {
            Some(code) => *code,
            None => {
                let code = self.label(cell, row);
                self.texts.insert(cell.to_owned(), code);
                code
            }
        };
        let (known, kept) = &mut self.recent[place];
        known.clear();
        known.push_str(cell);
        *kept = code;
        code
    }
}

/// A quick hash: eight bytes at a time, folded by a multiplication. What it finds is always compared.
#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        state = fold(state ^ u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
    }
    let mut rest = [0; 8];
    let left = chunks.remainder();
    rest[..left.len()].copy_from_slice(left);
    fold(state ^ u64::from_le_bytes(rest))
}

/// One round of the hash.
#[inline]
pub(crate) fn fold(value: u64) -> u64 {
    let wide = u128::from(value ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93_u128;
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the product")]
    let (low, high) = (wide as u64, (wide >> 64) as u64);
    low ^ high
}

/// The distinct combinations of the codes of several columns, numbered as they come.
#[derive(Debug)]
pub(crate) struct Combinations {
    /// The codes of each combination.
    pub rows: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, u32>,
    recent: Vec<u32>,
}

impl Default for Combinations {
    fn default() -> Self {
        Self { rows: Vec::new(), known: HashMap::new(), recent: vec![NONE; RECENT] }
    }
}

impl Combinations {
    /// The number of a combination.
    #[inline]
    pub(crate) fn code(&mut self, codes: &[u32]) -> u32 {
        let hashed = codes.iter().fold(0, |state, code| fold(state ^ u64::from(*code)));
        let place = usize::try_from(hashed >> 54).expect("ten bits");
        let recent = self.recent[place];
        if recent != NONE && self.rows[recent as usize] == codes {
            return recent;
        }
        let code = match self.known.get(codes) {
            Some(code) => *code,
            None => {
                let code = as_code(self.rows.len());
                self.rows.push(codes.to_vec());
                self.known.insert(codes.to_vec(), code);
                code
            }
        };
        self.recent[place] = code;
        code
    }
}

/// Sorts labels; also gives the new code of every old one.
pub(crate) fn sorted(labels: Vec<String>, order: impl Fn(&str, &str) -> Ordering) -> (Vec<String>, Vec<u32>) {
    let mut positions: Vec<usize> = (0..labels.len()).collect();
    positions.sort_by(|a, b| order(&labels[*a], &labels[*b]));
    let mut new = vec![NONE; positions.len()];
    for (rank, old) in positions.iter().enumerate() {
        new[*old] = as_code(rank);
    }
    let mut labels: Vec<Option<String>> = labels.into_iter().map(Some).collect();
    (positions.into_iter().filter_map(|p| labels[p].take()).collect(), new)
}

/// Natural order: runs of digits compare as numbers, so 2 stands before 10.
pub(crate) fn natural(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one.chars().peekable(), other.chars().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (None, None) => return one.cmp(other),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                    let mut value = 0u128;
                    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                        value = value.saturating_mul(10).saturating_add(u128::from(digit));
                        chars.next();
                    }
                    value
                };
                match number(&mut a).cmp(&number(&mut b)) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
            }
            (Some(x), Some(y)) if x == y => {
                a.next();
                b.next();
            }
            (Some(x), Some(y)) => return x.cmp(&y),
        }
    }
}

/// Codes of one column, a byte each as long as a byte holds them.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

impl Codes {
    pub(crate) fn extend(&mut self, codes: impl Iterator<Item = u32>, largest: u32) {
        if let (Self::Narrow(narrow), true) = (&*self, largest > u32::from(u8::MAX)) {
            *self = Self::Wide(narrow.iter().copied().map(u32::from).collect());
        }
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the largest was looked at")]
            Self::Narrow(narrow) => narrow.extend(codes.map(|c| c as u8)),
            Self::Wide(wide) => wide.extend(codes),
        }
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> usize {
        match self {
            Self::Narrow(narrow) => narrow[at] as usize,
            Self::Wide(wide) => wide[at] as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stands_before_ten() {
        let mut sizes = ["50+", "10-49", "5-9", "1-4", "0", "200+", "50-199", "2-9"];
        sizes.sort_by(|a, b| natural(a, b));
        assert_eq!(sizes, ["0", "1-4", "2-9", "5-9", "10-49", "50+", "50-199", "200+"]);
    }

    #[test]
    fn cells_are_the_same_when_their_texts_are_whatever_the_type() {
        let mut coder = Coder::default();
        let mut codes = Vec::new();
        let mut of = |column: Column| {
            coder.chunk(&column, 0, &mut codes).unwrap();
            codes.clone()
        };
        assert_eq!(of(Column::new("a".into(), [Some(3i64), None, Some(-7), Some(9_000_000)])), [0, NONE, 1, 2]);
        assert_eq!(of(Column::new("a".into(), [3.0, f64::NAN, 2.5, 9_000_000.0])), [0, NONE, 3, 2]);
        assert_eq!(of(Column::new("a".into(), [" 3", "", "2.5", "dk", "dk"])), [0, NONE, 3, 4, 4]);
        assert_eq!(of(Column::new("a".into(), [true, false])), [5, 6]);
        assert_eq!(of(Column::new("a".into(), [0.0, -0.0])), [6, 7]);
        assert_eq!(coder.labels(), ["3", "-7", "9000000", "2.5", "dk", "1", "0", "-0"]);
    }

    #[test]
    fn a_column_of_many_values_needs_more_than_a_byte() {
        let mut codes = Codes::Narrow(Vec::new());
        codes.extend([1, 255].into_iter(), 255);
        codes.extend([256, 70_000].into_iter(), 70_000);
        assert_eq!((0..4).map(|at| codes.get(at)).collect::<Vec<_>>(), [1, 255, 256, 70_000]);
    }
}
