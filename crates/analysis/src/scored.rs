//! The answers one by one, scored and weighted: what drivers, reliability and themes need beyond the cell sums.
use std::borrow::Cow;

use domain::indicator::{Answer, Definitions, Indicator};
use statistics::Design;

use crate::analyse::design_options;
use crate::cells::{self, Cells, Row};
use crate::codes::NONE;
use crate::error::AnalyseError;
use crate::input::{self, Input};
use crate::options::Method;
use crate::table::Table;

/// Every response that counts, with its weight; positions are the same in all methods.
pub struct Scored {
    input: Input,
    cells: Cells,
    designs: Vec<Design>,
}

impl Scored {
    /// Reads, checks, joins and weights as [`analyse_rows`](crate::analyse_rows) does.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(
        frame: &Table,
        responses: &Table,
        definitions: &Definitions,
        method: &Method,
    ) -> Result<Self, AnalyseError> {
        let input = input::read(frame, responses, definitions, method, &|_| ())?;
        let cells = cells::cells(&input, method);
        let options = design_options(&input, method)?;
        let weigh = |year| Design::single(year, &options).map_err(|e| AnalyseError::Weights(e.to_string()));
        let designs = cells.years.iter().map(weigh).collect::<Result<_, _>>()?;
        Ok(Self { input, cells, designs })
    }

    /// Number of responses that count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.input.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Years with answers, ascending.
    #[must_use]
    pub fn years(&self) -> &[i32] {
        &self.input.years
    }

    /// The year of a response: its position in [`Scored::years`], which is also that in [`Scored::designs`] and [`Scored::frame`].
    #[must_use]
    pub fn year(&self, response: usize) -> usize {
        self.input.atoms[self.input.atom_of(response)].year
    }

    /// The business that answered.
    #[must_use]
    pub fn business(&self, response: usize) -> Cow<'_, str> {
        self.input.ids.text(self.input.business[response])
    }

    /// For how many businesses of the frame a response stands.
    #[must_use]
    pub fn weight(&self, response: usize) -> f64 {
        self.designs[self.year(response)].weight(self.cell(response)).unwrap_or(0.0)
    }

    /// The weighting cell of a response: its position among the cells of its year.
    #[must_use]
    pub fn cell(&self, response: usize) -> usize {
        self.cells.of_atom[self.input.atom_of(response)] as usize
    }

    /// The weighting cells of every year.
    #[must_use]
    pub fn frame(&self) -> &[statistics::Year] {
        &self.cells.years
    }

    /// The designs, one a year.
    #[must_use]
    pub fn designs(&self) -> &[Design] {
        &self.designs
    }

    /// What every response is to an indicator: outside its base, blank, or with a value.
    #[must_use]
    pub fn values(&self, indicator: &Indicator) -> Vec<Row> {
        cells::rows(&self.input, indicator)
    }

    /// The answers to one item of the definitions; `None` when no definition reads it.
    #[must_use]
    pub fn answers(&self, item: &str) -> Option<Vec<Answer>> {
        self.input.answers_to(item)
    }

    /// The group of a response in a breakdown that the method names; `None` where the cell is empty.
    #[must_use]
    pub fn group(&self, breakdown: &str, response: usize) -> Option<&str> {
        let source = self.input.columns.get(breakdown)?;
        let code = self.input.code(source, self.input.atom_of(response));
        (code != NONE).then(|| source.labels[code as usize].as_str())
    }
}
