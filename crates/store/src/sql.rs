//! How statements are declared, bound, run and read; the one place where values meet SQL.
use std::sync::OnceLock;

use domain::time::Millis;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, Row};

use crate::{Result, StoreError};

/// Declares a subject's statements as constants and lists them for the test that prepares each on both engines.
///
/// `NAME = "select …";` is one statement. `[bulk n] NAME = "head", "(row of # marks)", "tail";` repeats the row for
/// many rows at once; `n` is the number of parameters (`$1` … `$n`) that all rows share. `[padded n]` is one statement for
/// at most [`TOGETHER`] rows, filled up by repeating the last one: for statements to which a row said twice is said once.
macro_rules! statements {
    ($($name:ident = $text:expr;)* $([bulk $fixed:literal] $bulk:ident = $head:expr, $row:expr, $tail:expr;)*
        $([padded $shared:literal] $padded:ident = $first:expr, $each:expr, $last:expr;)*) => {
        $(pub(crate) const $name: &str = $text;)*
        $(static $bulk: $crate::sql::Bulk = $crate::sql::Bulk::new($fixed, $head, $row, $tail);)*
        $(static $padded: $crate::sql::Bulk = $crate::sql::Bulk::padded($shared, $first, $each, $last);)*
        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
        #[cfg(test)]
        pub(crate) const BULKS: &[(&str, &$crate::sql::Bulk)] = &[$((stringify!($bulk), &$bulk),)* $((stringify!($padded), &$padded)),*];
    };
}
pub(crate) use statements;

/// Parameters per statement, about. SQLite looks its parameters up one after the other, so that their cost grows with the
/// square of their number: 3,300 frame rows took 2.6 s with 10,000 parameters per statement, a fraction of it with 240.
const PARAMETERS: usize = 240;
/// Sizes in which a bulk statement exists: few, so that the number of prepared statements stays small.
const SIZES: usize = 3;

/// Rows of a padded statement at most.
pub(crate) const TOGETHER: usize = 100;

/// A statement over many rows, in a few fixed sizes.
pub(crate) struct Bulk {
    padded: bool,
    fixed: usize,
    head: &'static str,
    row: &'static str,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES],
}

impl Bulk {
    pub(crate) const fn new(fixed: usize, head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self { padded: false, fixed, head, row, tail, texts: [const { OnceLock::new() }; SIZES] }
    }

    pub(crate) const fn padded(fixed: usize, head: &'static str, row: &'static str, tail: &'static str) -> Self {
        Self { padded: true, fixed, head, row, tail, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// Rows per statement, largest first.
    fn sizes(&self) -> [usize; SIZES] {
        if self.padded {
            return [TOGETHER, 24, 6];
        }
        let columns = self.row.matches('#').count().max(1);
        let most = (PARAMETERS / columns).max(1);
        [most, (most / 6).max(1), 1]
    }

    /// The text for the size of this index: made of the declaration alone, never of data.
    fn text(&'static self, size: usize) -> &'static str {
        self.texts[size].get_or_init(|| {
            let mut text = self.head.to_owned();
            let mut next = self.fixed;
            for row in 0..self.sizes()[size] {
                text.push_str(if row == 0 { " " } else { ", " });
                for part in self.row.split_inclusive('#') {
                    match part.strip_suffix('#') {
                        Some(before) => {
                            next += 1;
                            text.push_str(before);
                            text.push('$');
                            text.push_str(&next.to_string());
                        }
                        None => text.push_str(part),
                    }
                }
            }
            text.push(' ');
            text.push_str(self.tail);
            text
        })
    }

    #[cfg(test)]
    pub(crate) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        (0..SIZES).map(|size| self.text(size))
    }

    fn calls<'a, R>(
        &'static self,
        rows: &'a [R],
        fixed: &impl Fn(Call) -> Call,
        bind: &impl Fn(Call, &'a R) -> Call,
    ) -> Vec<Call> {
        let mut calls = Vec::new();
        if self.padded {
            for some in rows.chunks(TOGETHER) {
                // The smallest that holds them all; the first one always does.
                let size = (0..SIZES).rev().find(|size| self.sizes()[*size] >= some.len()).unwrap_or(0);
                let filled = some.iter().chain(some.iter().rev().take(1).cycle()).take(self.sizes()[size]);
                calls.push(filled.fold(fixed(call(self.text(size))), bind));
            }
            return calls;
        }
        let mut rest = rows;
        for (size, count) in self.sizes().into_iter().enumerate() {
            while rest.len() >= count {
                let (now, later) = rest.split_at(count);
                rest = later;
                calls.push(now.iter().fold(fixed(call(self.text(size))), bind));
            }
        }
        calls
    }

    /// Runs it for all rows; returns how many rows were affected.
    pub(crate) async fn run<'a, R>(
        &'static self,
        conn: &mut AnyConnection,
        rows: &'a [R],
        fixed: impl Fn(Call) -> Call,
        bind: impl Fn(Call, &'a R) -> Call,
    ) -> Result<u64> {
        let mut affected = 0;
        for call in self.calls(rows, &fixed, &bind) {
            affected += call.run(conn).await?;
        }
        Ok(affected)
    }

    /// Runs it for all rows and collects what comes back.
    pub(crate) async fn rows<'a, R>(
        &'static self,
        conn: &mut AnyConnection,
        rows: &'a [R],
        fixed: impl Fn(Call) -> Call,
        bind: impl Fn(Call, &'a R) -> Call,
    ) -> Result<Vec<AnyRow>> {
        let mut found = Vec::new();
        for call in self.calls(rows, &fixed, &bind) {
            found.extend(call.rows(conn).await?);
        }
        Ok(found)
    }
}

/// A statement with its values. A text with NUL is refused here, before it reaches an engine.
pub(crate) struct Call {
    text: &'static str,
    arguments: AnyArguments,
    nul: bool,
}

/// A statement to be bound.
pub(crate) fn call(text: &'static str) -> Call {
    Call { text, arguments: AnyArguments::default(), nul: false }
}

const BINDS: &str = "a plain value can always be bound";

impl Call {
    pub(crate) fn text(mut self, value: &str) -> Self {
        self.nul |= value.as_bytes().contains(&0);
        self.arguments.add(value).expect(BINDS);
        self
    }

    pub(crate) fn maybe(mut self, value: Option<&str>) -> Self {
        self.nul |= value.is_some_and(|v| v.as_bytes().contains(&0));
        self.arguments.add(value).expect(BINDS);
        self
    }

    pub(crate) fn int(mut self, value: i64) -> Self {
        self.arguments.add(value).expect(BINDS);
        self
    }

    pub(crate) fn maybe_int(mut self, value: Option<i64>) -> Self {
        self.arguments.add(value).expect(BINDS);
        self
    }

    pub(crate) fn real(mut self, value: f64) -> Self {
        self.arguments.add(value).expect(BINDS);
        self
    }

    pub(crate) fn at(self, value: Millis) -> Self {
        self.int(value.0)
    }

    pub(crate) fn maybe_at(self, value: Option<Millis>) -> Self {
        self.maybe_int(value.map(|m| m.0))
    }

    /// A count; more than 2⁶³ of anything does not occur.
    pub(crate) fn count(self, value: u64) -> Self {
        self.int(i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self.arguments.add(value.to_vec()).expect(BINDS);
        self
    }

    fn query(self) -> Result<sqlx::query::Query<'static, sqlx::Any, AnyArguments>> {
        if self.nul { Err(StoreError::Nul) } else { Ok(sqlx::query_with(self.text, self.arguments)) }
    }

    /// Runs it; returns how many rows were affected.
    pub(crate) async fn run(self, conn: &mut AnyConnection) -> Result<u64> {
        Ok(self.query()?.execute(conn).await?.rows_affected())
    }

    /// Runs it where a second row with the same key is somebody's mistake: `what` exists already.
    pub(crate) async fn run_new(self, conn: &mut AnyConnection, what: &'static str) -> Result<()> {
        match self.query()?.execute(conn).await {
            Ok(_) => Ok(()),
            Err(error) if StoreError::is_unique(&error) => Err(StoreError::Conflict(what)),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs it where one row must be affected: otherwise there is no such `what`.
    pub(crate) async fn run_one(self, conn: &mut AnyConnection, what: &'static str) -> Result<()> {
        if self.run(conn).await? == 0 { Err(StoreError::NotFound(what)) } else { Ok(()) }
    }

    pub(crate) async fn rows(self, conn: &mut AnyConnection) -> Result<Vec<AnyRow>> {
        Ok(self.query()?.fetch_all(conn).await?)
    }

    pub(crate) async fn maybe_row(self, conn: &mut AnyConnection) -> Result<Option<AnyRow>> {
        Ok(self.query()?.fetch_optional(conn).await?)
    }

    /// The one row; otherwise there is no such `what`.
    pub(crate) async fn row(self, conn: &mut AnyConnection, what: &'static str) -> Result<AnyRow> {
        self.maybe_row(conn).await?.ok_or(StoreError::NotFound(what))
    }
}

/// Reads a row's columns from left to right.
pub(crate) struct Columns<'r> {
    row: &'r AnyRow,
    next: usize,
}

/// The columns of a row.
pub(crate) fn columns(row: &AnyRow) -> Columns<'_> {
    Columns { row, next: 0 }
}

impl Columns<'_> {
    fn take<'s, T: sqlx::Decode<'s, sqlx::Any> + sqlx::Type<sqlx::Any>>(&'s mut self) -> Result<T> {
        let at = self.next;
        self.next += 1;
        Ok(self.row.try_get(at)?)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.take()
    }

    pub(crate) fn maybe(&mut self) -> Result<Option<String>> {
        self.take()
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.take()
    }

    pub(crate) fn maybe_int(&mut self) -> Result<Option<i64>> {
        self.take()
    }

    pub(crate) fn real(&mut self) -> Result<f64> {
        self.take()
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        self.take()
    }

    pub(crate) fn maybe_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        self.take()
    }

    pub(crate) fn at(&mut self) -> Result<Millis> {
        self.int().map(Millis)
    }

    pub(crate) fn maybe_at(&mut self) -> Result<Option<Millis>> {
        Ok(self.maybe_int()?.map(Millis))
    }

    /// A flag: a time, or nothing.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.maybe_int()?.is_some())
    }

    /// A condition that came back as 1 or 0.
    pub(crate) fn yes(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<T> {
        let value = self.int()?;
        T::try_from(value).map_err(|_| corrupt(what, format!("{value} is out of range")))
    }

    pub(crate) fn maybe_number<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<Option<T>> {
        self.maybe_int()?
            .map(|value| T::try_from(value).map_err(|_| corrupt(what, format!("{value} is out of range"))))
            .transpose()
    }

    pub(crate) fn year(&mut self) -> Result<i32> {
        self.number("year")
    }

    pub(crate) fn count(&mut self) -> Result<u64> {
        self.number("count")
    }

    /// One of a set of words.
    pub(crate) fn word<T>(&mut self, what: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| corrupt(what, "unknown word".to_owned()))
    }

    /// One of a set of words, or nothing.
    pub(crate) fn maybe_word<T>(&mut self, what: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        self.maybe()?.map(|text| parse(&text).ok_or_else(|| corrupt(what, "unknown word".to_owned()))).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self, what: &'static str) -> Result<T> {
        from_json(what, &self.text()?)
    }

    pub(crate) fn maybe_json<T: serde::de::DeserializeOwned>(&mut self, what: &'static str) -> Result<Option<T>> {
        self.maybe()?.map(|text| from_json(what, &text)).transpose()
    }
}

pub(crate) fn corrupt(what: &'static str, reason: String) -> StoreError {
    StoreError::Corrupt { what, reason }
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    // serde's message may quote the value; position and kind are enough.
    serde_json::from_str(text)
        .map_err(|e| corrupt(what, format!("{:?} at line {}, column {}", e.classify(), e.line(), e.column())))
}

pub(crate) fn to_json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| corrupt(what, e.to_string()))
}

/// A word of a serde enum, as it is stored.
pub(crate) fn word_of<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(corrupt(what, "not a word".to_owned())),
    }
}

/// The serde enum of a stored word.
pub(crate) fn of_word<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}
