//! Businesses by number: an index of keys in eight bytes each, however many there are.
use std::borrow::Cow;
use std::cmp::Ordering;

use polars::prelude::*;

use crate::codes::{NONE, as_code, fold, hash};

/// The distinct keys, numbered as they come. Whole numbers are their own key; other texts are kept beside their hash and compared.
#[derive(Clone, Default)]
pub(crate) struct Ids {
    /// An even number is twice a whole number; an odd one the hash of a text.
    keys: Vec<u64>,
    /// Open addressing: positions in `keys`, or [`NONE`]. None is needed as long as whole numbers come in ascending order, as registers
    /// keep them: then `keys` are searched.
    index: Vec<u32>,
    unordered: bool,
    /// Where the next key is looked for first: another year of the same register goes through the same keys.
    next: usize,
    /// The texts one after the other.
    texts: Vec<u8>,
    /// Where the text of a key ends, up to the last key that is a text.
    ends: Vec<usize>,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}

/// A key as it stands in a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Key<'a> {
    /// `None` for an empty cell. A text that a whole number would be written as is that number.
    #[inline]
    pub(crate) fn of(cell: &'a str) -> Option<Self> {
        let cell = cell.trim();
        let bytes = cell.as_bytes();
        match bytes {
            [] => return None,
            [b'0'] => return Some(Self::Number(0)),
            [b'1'..=b'9', ..] if bytes.len() <= 18 && bytes.iter().all(u8::is_ascii_digit) => {}
            _ => return Some(Self::Text(cell)),
        }
        Some(Self::Number(bytes.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0'))))
    }

    fn hashed(self) -> u64 {
        match self {
            Self::Number(n) => n << 1,
            Self::Text(text) => hash(text.as_bytes()) | 1,
        }
    }
}

impl Ids {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number of a key, which is added when it is new.
    #[inline]
    pub(crate) fn insert(&mut self, key: Key<'_>) -> u32 {
        if !self.unordered {
            if let Key::Number(_) = key
                && let Some(code) = self.insert_in_order(key.hashed())
            {
                return code;
            }
            self.unordered = true;
            self.grow();
        }
        if self.keys.len() * 10 >= self.index.len() * 7 {
            self.grow();
        }
        let hashed = key.hashed();
        match self.find(key, hashed) {
            Ok(found) => found,
            Err(place) => {
                let code = as_code(self.keys.len());
                if let Key::Text(text) = key {
                    self.ends.resize(self.keys.len(), self.texts.len());
                    self.texts.extend_from_slice(text.as_bytes());
                    self.ends.push(self.texts.len());
                }
                self.keys.push(hashed);
                self.index[place] = code;
                code
            }
        }
    }

    /// As long as the keys ascend; `None` when this one does not fit in.
    #[inline]
    fn insert_in_order(&mut self, hashed: u64) -> Option<u32> {
        let near = self.keys.get(self.next..).unwrap_or_default().iter().take(8).position(|k| *k >= hashed);
        let code = match near {
            Some(steps) if self.keys[self.next + steps] == hashed => self.next + steps,
            _ if self.keys.last().is_none_or(|last| *last < hashed) => {
                self.keys.push(hashed);
                self.keys.len() - 1
            }
            _ => self.keys.binary_search(&hashed).ok()?,
        };
        self.next = code + 1;
        Some(as_code(code))
    }

    /// Makes ready for being looked through in any order.
    pub(crate) fn seal(&mut self) {
        if self.index.is_empty() {
            self.unordered = true;
            self.grow();
        }
    }

    /// The number of a key that is known. The keys must be [sealed](Ids::seal).
    #[inline]
    pub(crate) fn get(&self, key: Key<'_>) -> Option<u32> {
        self.find(key, key.hashed()).ok()
    }

    /// The numbers of many keys, [`NONE`] for those that are not known. Looking at many places at once hides the time that memory takes.
    pub(crate) fn get_numbers(&self, numbers: &[u64], codes: &mut Vec<u32>) {
        let mut found = [0_u32; 64];
        for block in numbers.chunks(found.len()) {
            for (code, number) in found.iter_mut().zip(block) {
                *code = self.index[self.start(number << 1)];
            }
            for (code, number) in found.iter_mut().zip(block) {
                if self.keys.get(*code as usize) != Some(&(number << 1)) {
                    *code = self.get(Key::Number(*number)).unwrap_or(NONE);
                }
            }
            codes.extend_from_slice(&found[..block.len()]);
        }
    }

    #[inline]
    fn start(&self, hashed: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the length of the index")]
        let place = fold(hashed) as usize & (self.index.len() - 1);
        place
    }

    /// The number, or the free place.
    #[inline]
    fn find(&self, key: Key<'_>, hashed: u64) -> Result<u32, usize> {
        let mut place = self.start(hashed);
        loop {
            let code = self.index[place];
            if code == NONE {
                return Err(place);
            }
            if self.keys[code as usize] == hashed && self.is(code, key) {
                return Ok(code);
            }
            place = (place + 1) & (self.index.len() - 1);
        }
    }

    #[inline]
    fn is(&self, code: u32, key: Key<'_>) -> bool {
        match key {
            Key::Number(_) => true,
            Key::Text(text) => self.kept(code as usize) == text.as_bytes(),
        }
    }

    fn kept(&self, code: usize) -> &[u8] {
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.texts[start..self.ends[code]]
    }

    fn grow(&mut self) {
        let size = (self.index.len() * 2).max(self.keys.len() * 2).next_power_of_two().max(1 << 12);
        // The old index is not needed for the new one.
        self.index = Vec::new();
        self.index = vec![NONE; size];
        for (code, hashed) in self.keys.iter().enumerate() {
            let mut place = self.start(*hashed);
            while self.index[place] != NONE {
                place = (place + 1) & (size - 1);
            }
            self.index[place] = as_code(code);
        }
    }

    /// Gives the index back when nothing will be looked up any more.
    pub(crate) fn settle(&mut self) {
        self.index = Vec::new();
    }

    /// The text of a key.
    pub(crate) fn text(&self, code: u32) -> Cow<'_, str> {
        let key = self.keys[code as usize];
        if key & 1 == 0 {
            return Cow::Owned((key >> 1).to_string());
        }
        String::from_utf8_lossy(self.kept(code as usize))
    }

    /// By text.
    pub(crate) fn compare(&self, one: u32, other: u32) -> Ordering {
        let (a, b) = (self.keys[one as usize], self.keys[other as usize]);
        if a & 1 == 0 && b & 1 == 0 {
            return aligned(a >> 1).cmp(&aligned(b >> 1));
        }
        self.text(one).cmp(&self.text(other))
    }
}

/// Whole numbers in the order of their texts: 10 stands before 9.
fn aligned(number: u64) -> (u128, u32) {
    let digits = number.checked_ilog10().unwrap_or(0) + 1;
    (u128::from(number) * 10_u128.pow(20 - digits), digits)
}

/// The keys of a column; the cell of the first row without one is told.
pub(crate) fn keys(column: &Column, mut each: impl FnMut(usize, Option<Key<'_>>)) -> PolarsResult<()> {
    if column.dtype().is_integer() && *column.dtype() != DataType::UInt64 {
        let numbers = column.cast(&DataType::Int64)?;
        for (row, cell) in numbers.i64()?.iter().enumerate() {
            match cell.map(u64::try_from) {
                Some(Ok(number)) => each(row, Some(Key::Number(number))),
                Some(Err(_)) => each(row, cell.map(|c| c.to_string()).as_deref().and_then(Key::of)),
                None => each(row, None),
            }
        }
        return Ok(());
    }
    let texts = crate::table::as_text(column)?;
    for (row, cell) in texts.iter().enumerate() {
        each(row, cell.and_then(Key::of));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_found_again() {
        let mut ids = Ids::default();
        let written = |n: u64| if n.is_multiple_of(3) { format!("DK-{n}") } else { n.to_string() };
        for n in 0..20_000 {
            assert_eq!(ids.insert(Key::of(&written(n)).unwrap()), as_code(n as usize));
        }
        ids.seal();
        for n in 0..20_000 {
            assert_eq!(ids.get(Key::of(&format!(" {} ", written(n))).unwrap()), Some(as_code(n as usize)));
            assert_eq!(ids.text(as_code(n as usize)), written(n));
        }
        assert_eq!(ids.get(Key::Number(20_000)), None);
        assert_eq!(ids.get(Key::of("007").unwrap()), None);
        assert_eq!(ids.len(), 20_000);
    }

    #[test]
    fn numbers_in_any_order_are_found_again() {
        // The first year ascends; the second leaves some out and adds some; the third begins anew, out of order.
        let years: [Vec<u64>; 3] =
            [(0..900).map(|n| 7 * n).collect(), (30..1_000).map(|n| 7 * n).collect(), vec![6_930, 1, 7, 0, 8_000]];
        for upto in 1..=years.len() {
            let mut ids = Ids::default();
            let mut known: Vec<u64> = Vec::new();
            for number in years[..upto].iter().flatten() {
                let code = ids.insert(Key::Number(*number)) as usize;
                if code == known.len() {
                    known.push(*number);
                }
                assert_eq!(known[code], *number);
            }
            ids.seal();
            let mut codes = Vec::new();
            let asked: Vec<u64> = known.iter().rev().copied().chain([3, 9_999]).collect();
            ids.get_numbers(&asked, &mut codes);
            let expected = (0..known.len()).rev().map(as_code).chain([NONE, NONE]);
            assert!(codes.into_iter().eq(expected));
        }
    }

    #[test]
    fn texts_of_one_hash_stay_apart() {
        let mut ids = Ids::default();
        ids.insert(Key::Text("a"));
        ids.seal();
        // As if "b" had the hash of "a".
        let hashed = Key::Text("a").hashed();
        assert!(ids.find(Key::Text("b"), hashed).is_err());
    }

    #[test]
    fn numbers_are_in_the_order_of_their_texts() {
        let mut ids = Ids::default();
        let mut texts = ["9", "10", "1", "100", "99", "2", "x", "0", "1000000000000"];
        let mut codes: Vec<u32> = texts.iter().map(|t| ids.insert(Key::of(t).unwrap())).collect();
        codes.sort_by(|a, b| ids.compare(*a, *b));
        texts.sort_unstable();
        assert_eq!(codes.iter().map(|c| ids.text(*c).into_owned()).collect::<Vec<_>>(), texts);
    }
}
