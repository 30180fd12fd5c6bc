//! Tables with native charts as XLSX: real number cells that show the digits of the page, headings that stay, widths, print.
use charts::Printed;
use domain::language::Language;
use rust_xlsxwriter::{
    Chart, ChartErrorBars, ChartErrorBarsType, ChartFormat, ChartRange, ChartSolidFill, ChartType, Color,
    DocProperties, Format, FormatAlign, FormatBorder, Url, Workbook, Worksheet, XlsxError,
};

/// Why a workbook cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the workbook cannot be made: {0}")]
pub struct BookError(#[from] XlsxError);

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words: a name, a verdict, why a figure is not shown.
    Text(String),
    /// A year: a number without thousands' marks.
    Year(i32),
    /// A count.
    Count(u64),
    /// A figure with its decimals and, where it is one, its percent sign.
    Figure(Printed),
    /// A figure of fewer than 20 answers, with the star that says so.
    Uncertain(Printed),
    /// The uncertainty: `±3,2`.
    Margin(Printed),
    /// A difference with its sign.
    Difference(Printed),
}

impl Cell {
    /// The cell as page and paper print it.
    #[must_use]
    pub fn printed(&self, language: Language) -> String {
        let number = |p: &Printed| text::format::number(language, p.value, p.decimals);
        let figure = |p: &Printed| {
            let between = if language == Language::En { "" } else { "\u{a0}" };
            if p.percent { format!("{}{between}%", number(p)) } else { number(p) }
        };
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Year(year) => year.to_string(),
            Self::Count(n) => text::format::integer(language, i64::try_from(*n).unwrap_or(i64::MAX)),
            Self::Figure(p) => figure(p),
            Self::Uncertain(p) => format!("{}*", figure(p)),
            Self::Margin(p) => format!("±{}", number(p)),
            Self::Difference(p) if p.value > 0.0 => format!("+{}", number(p)),
            Self::Difference(p) => number(p),
        }
    }
}

/// A table with what stands above and beneath it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Name of its sheet; cut where it is too long.
    pub name: String,
    /// Title above it.
    pub title: String,
    /// Paragraphs under the title.
    pub lead: Vec<String>,
    /// Headings of the columns; empty: paragraphs only.
    pub head: Vec<String>,
    /// The rows, as many cells as headings.
    pub rows: Vec<Vec<Cell>>,
    /// Columns that hold words and get room for them, besides the first.
    pub wide: Vec<usize>,
    /// Paragraphs beneath it.
    pub notes: Vec<String>,
    /// Charts beneath it.
    pub charts: Vec<NativeChart>,
}

impl Table {
    /// Width of a column in letters.
    fn width(&self, column: usize) -> u16 {
        match self.head.get(column) {
            None => 70,
            Some(_) if column == 0 => 36,
            Some(_) if self.wide.contains(&column) => 26,
            Some(title) if title.starts_with('±') => 8,
            // No word of a heading is cut.
            Some(title) => {
                let longest = title.split([' ', '-']).map(|word| word.chars().count()).max().unwrap_or(0);
                u16::try_from(longest + 2).unwrap_or(u16::MAX).clamp(10, 20)
            }
        }
    }
}

/// Form of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bars lying: names of groups are long.
    Bars,
    /// Columns standing.
    Columns,
    /// A line over the rows.
    Line,
}

/// A chart that the workbook draws from its own cells, so that it follows them.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeChart {
    /// Form.
    pub form: Form,
    /// Title.
    pub title: String,
    /// The same in words, for those who do not see it.
    pub alt: String,
    /// First and last row of the table that it draws, from 0.
    pub rows: (usize, usize),
    /// Column of the names.
    pub names: usize,
    /// The columns drawn, each with the column of its uncertainty.
    pub series: Vec<(usize, Option<usize>)>,
}

/// A colour per series, dark to light, told apart without colour vision too.
const SERIES: [u32; 4] = [0x1D_4F7C, 0xC8_6B1E, 0x6F_9FC8, 0x8A_8F96];
/// Longest name of a sheet.
const NAME: usize = 31;
/// Height of a line.
const LINE: f64 = 15.5;
/// Rows that a chart covers.
const CHART_ROWS: u32 = 20;

/// Writes tables as a workbook, a sheet each, in the given order.
///
/// # Errors
/// [`BookError`] when the format cannot hold them.
pub fn workbook(language: Language, title: &str, author: &str, tables: &[Table]) -> Result<Vec<u8>, BookError> {
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_title(title).set_author(author).set_company(author));
    let hand = Hand::new(language, title);
    let names = names(tables);
    for (table, name) in tables.iter().zip(&names) {
        let sheet = book.add_worksheet();
        sheet.set_name(name)?;
        hand.write(sheet, name, table)?;
    }
    if let (Some(first), true) = (names.first(), tables.len() > 1) {
        let from = contents_row(&tables[0]);
        let sheet = book.worksheet_from_name(first)?;
        for (at, name) in (from..).zip(names.iter().skip(1)) {
            let link = Url::new(format!("internal:'{name}'!A1")).set_text(name);
            sheet.write_url(at, 0, &link)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

/// A single table with its charts.
///
/// # Errors
/// As [`workbook`].
pub fn table(language: Language, author: &str, table: &Table) -> Result<Vec<u8>, BookError> {
    workbook(language, &table.title, author, std::slice::from_ref(table))
}

/// Names that the format takes: no forbidden signs, at most 31 characters, none twice.
fn names(tables: &[Table]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for table in tables {
        let plain: String = table.name.chars().map(|c| if "[]:*?/\\'".contains(c) { ' ' } else { c }).collect();
        let cut: String = plain.trim().chars().take(NAME).collect();
        let cut = if cut.is_empty() { "–".to_owned() } else { cut };
        let is_taken = |name: &String| names.iter().any(|n| n.to_lowercase() == name.to_lowercase());
        let numbered = (2..).map(|i| format!("{} {i}", cut.chars().take(NAME - 4).collect::<String>()));
        let free = std::iter::once(cut.clone()).chain(numbered).find(|name| !is_taken(name));
        names.push(free.unwrap_or(cut));
    }
    names
}

/// The row after the table's own text, where the first sheet lists the others.
fn contents_row(table: &Table) -> u32 {
    row(1 + table.lead.len() + usize::from(!table.head.is_empty()) + table.rows.len() + table.notes.len() + 2)
}

/// A count of rows as the format counts them.
fn row(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn column(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Writes in one manner.
struct Hand {
    language: Language,
    title: String,
    heading: Format,
    head: Format,
    head_left: Format,
    text: Format,
    paragraph: Format,
}

impl Hand {
    fn new(language: Language, title: &str) -> Self {
        let ink = Color::RGB(0x16_202B);
        let base = Format::new().set_font_color(ink);
        let head = base.clone().set_bold().set_text_wrap().set_border_bottom(FormatBorder::Thin);
        let head = head.set_align(FormatAlign::Bottom);
        Self {
            language,
            title: title.to_owned(),
            heading: base.clone().set_bold().set_font_size(15),
            head_left: head.clone().set_align(FormatAlign::Left),
            head: head.set_align(FormatAlign::Right),
            text: base.clone().set_text_wrap().set_align(FormatAlign::Top),
            paragraph: base.set_text_wrap().set_align(FormatAlign::Top),
        }
    }

    /// The digits of the page as a number format.
    fn format_of(&self, cell: &Cell) -> Format {
        let digits =
            |p: &Printed| if p.decimals == 0 { "0".to_owned() } else { format!("0.{}", "0".repeat(p.decimals)) };
        let percent = if self.language == Language::En { "%" } else { " %" };
        let code = match cell {
            Cell::Figure(p) if p.percent => format!("{}{percent}", digits(p)),
            // Large figures are counts of registers: their thousands are set apart.
            Cell::Figure(p) if p.value.abs() >= 1000.0 => format!("#,##{}", digits(p)),
            Cell::Figure(p) => digits(p),
            Cell::Uncertain(p) if p.percent => format!("{}{percent}\"*\"", digits(p)),
            Cell::Uncertain(p) => format!("{}\"*\"", digits(p)),
            Cell::Margin(p) => format!("\"±\"{}", digits(p)),
            Cell::Difference(p) => {
                let digits = digits(p);
                format!("\"+\"{digits};\"\u{2212}\"{digits};{digits}")
            }
            Cell::Count(_) => "#,##0".to_owned(),
            Cell::Year(_) => "0".to_owned(),
            Cell::Empty | Cell::Text(_) => return self.text.clone(),
        };
        Format::new().set_num_format(code).set_align(FormatAlign::Top).set_align(FormatAlign::Right)
    }

    fn write(&self, sheet: &mut Worksheet, name: &str, table: &Table) -> Result<(), XlsxError> {
        let only_text = table.head.is_empty();
        for at in 0..table.head.len().max(1) {
            sheet.set_column_width(column(at), table.width(at))?;
        }
        sheet.write_string_with_format(0, 0, &table.title, &self.heading)?;
        let mut at = 1;
        for paragraph in &table.lead {
            self.paragraph(sheet, at, paragraph, table)?;
            at += 1;
        }
        let head = at;
        if !only_text {
            for (c, title) in table.head.iter().enumerate() {
                let left = c == 0 || table.wide.contains(&c);
                let format = if left { &self.head_left } else { &self.head };
                sheet.write_string_with_format(head, column(c), title, format)?;
            }
            let words = table.head.iter().enumerate().map(|(c, title)| (c, title.as_str()));
            sheet.set_row_height(head, f64::from(tallest(table, words)) * LINE + 3.0)?;
            sheet.set_freeze_panes(head + 1, 1)?;
            sheet.set_repeat_rows(head, head)?;
            let last = head + row(table.rows.len()).max(1);
            sheet.autofilter(head, 0, last, column(table.head.len() - 1))?;
            at += 1;
        }
        let first = at;
        for cells in &table.rows {
            let words = cells.iter().enumerate().filter_map(|(c, cell)| match cell {
                Cell::Text(text) => Some((c, text.as_str())),
                _ => None,
            });
            // Not every program makes rows as high as their words need.
            match tallest(table, words) {
                0 | 1 => {}
                lines => {
                    sheet.set_row_height(at, f64::from(lines) * LINE)?;
                }
            }
            for (c, cell) in cells.iter().enumerate() {
                self.cell(sheet, at, column(c), cell)?;
            }
            at += 1;
        }
        for note in &table.notes {
            self.paragraph(sheet, at + 1, note, table)?;
            at += 1;
        }
        at += 2;
        for chart in &table.charts {
            let (tall, drawn) = draw(name, table, chart, head, first);
            sheet.insert_chart(at, 0, &drawn)?;
            at += tall + 1;
        }
        sheet.set_paper_size(9).set_print_fit_to_pages(1, 0).set_margins(0.5, 0.5, 0.6, 0.7, 0.3, 0.3);
        if table.head.len() > 5 {
            sheet.set_landscape();
        }
        sheet.set_footer(format!("&L{}&R&P / &N", self.title.replace('&', "&&")));
        Ok(())
    }

    /// A paragraph over the table's whole width, as high as it needs.
    fn paragraph(&self, sheet: &mut Worksheet, at: u32, text: &str, table: &Table) -> Result<(), XlsxError> {
        let last = table.head.len().saturating_sub(1).min(7);
        let letters = (0..=last).map(|c| usize::from(table.width(c))).sum::<usize>();
        if last > 0 {
            sheet.merge_range(at, 0, at, column(last), text, &self.paragraph)?;
        } else {
            sheet.write_string_with_format(at, 0, text, &self.paragraph)?;
        }
        let lines = row(text.chars().count().div_ceil(letters.max(1))).max(1);
        sheet.set_row_height(at, f64::from(lines) * LINE + 3.0)?;
        Ok(())
    }

    fn cell(&self, sheet: &mut Worksheet, at: u32, c: u16, cell: &Cell) -> Result<(), XlsxError> {
        let format = self.format_of(cell);
        match cell {
            Cell::Empty => {}
            Cell::Text(text) => {
                sheet.write_string_with_format(at, c, text, &format)?;
            }
            Cell::Year(year) => {
                sheet.write_number_with_format(at, c, f64::from(*year), &format)?;
            }
            Cell::Count(n) => {
                sheet.write_number_with_format(at, c, f64::from(u32::try_from(*n).unwrap_or(u32::MAX)), &format)?;
            }
            Cell::Figure(p) | Cell::Uncertain(p) => {
                let value = if p.percent { p.value / 100.0 } else { p.value };
                sheet.write_number_with_format(at, c, value, &format)?;
            }
            Cell::Margin(p) | Cell::Difference(p) => {
                sheet.write_number_with_format(at, c, p.value, &format)?;
            }
        }
        Ok(())
    }
}

/// A chart over cells of its own sheet, with the rows that it covers.
fn draw(name: &str, table: &Table, chart: &NativeChart, head: u32, first: u32) -> (u32, Chart) {
    let form = match chart.form {
        Form::Bars => ChartType::Bar,
        Form::Columns => ChartType::Column,
        Form::Line => ChartType::Line,
    };
    let (from, to) = (first + row(chart.rows.0), first + row(chart.rows.1));
    let range = |c: usize| ChartRange::new_from_range(name, from, column(c), to, column(c));
    let mut drawn = Chart::new(form);
    for (at, (values, margin)) in chart.series.iter().enumerate() {
        let colour = Color::RGB(SERIES[at % SERIES.len()]);
        let mut format = ChartFormat::new();
        if chart.form == Form::Line {
            format.set_line(rust_xlsxwriter::ChartLine::new().set_color(colour).set_width(2.25));
        } else {
            format.set_solid_fill(ChartSolidFill::new().set_color(colour));
        }
        let series = drawn.add_series();
        series.set_values(&range(*values)).set_categories(&range(chart.names)).set_format(&mut format);
        series.set_name(&ChartRange::new_from_range(name, head, column(*values), head, column(*values)));
        // The uncertainty is drawn where it is in the chart's own unit: percentages are stored as parts of one.
        let drawable = margin.filter(|m| is_plain(table, chart.rows, *m));
        if let Some(margin) = drawable {
            let bounds = range(margin);
            let mut bars = ChartErrorBars::new();
            bars.set_type(ChartErrorBarsType::Custom(bounds.clone(), bounds));
            bars.set_format(
                ChartFormat::new().set_line(rust_xlsxwriter::ChartLine::new().set_color(Color::RGB(0x51_606F))),
            );
            series.set_y_error_bars(&bars);
        }
    }
    drawn.title().set_name(&chart.title);
    if chart.series.len() < 2 {
        drawn.legend().set_hidden();
    } else {
        drawn.legend().set_position(rust_xlsxwriter::ChartLegendPosition::Bottom);
    }
    if chart.form == Form::Bars {
        // The names stand on the vertical axis of lying bars, and are read from the top.
        drawn.y_axis().set_reverse();
    }
    let bounds = bounds(table, chart);
    let values = if chart.form == Form::Bars { drawn.x_axis() } else { drawn.y_axis() };
    if let Some((low, high)) = bounds {
        values.set_min(low).set_max(high);
    }
    values.set_major_gridlines_line(rust_xlsxwriter::ChartLine::new().set_color(Color::RGB(0xD9_DEE3)));
    let rows = row(chart.rows.1 - chart.rows.0 + 1);
    let tall = if chart.form == Form::Bars { (6 + rows * 2).max(CHART_ROWS) } else { CHART_ROWS };
    drawn.set_alt_text(short(&chart.alt)).set_width(760).set_height(tall * 20);
    (tall, drawn)
}

/// Lines that the longest of a row's words needs, each in the width of its column.
fn tallest<'t>(table: &Table, words: impl Iterator<Item = (usize, &'t str)>) -> u32 {
    let needs = |(c, words): (usize, &str)| {
        let width = usize::from(table.width(c)).saturating_sub(1).max(1);
        let (mut lines, mut at) = (1, 0);
        for word in words.split(' ') {
            let letters = word.chars().count();
            if at > 0 && at + 1 + letters > width {
                lines += 1;
                at = 0;
            }
            lines += letters.saturating_sub(1) / width;
            at += letters + usize::from(at > 0);
        }
        row(lines)
    };
    words.map(needs).max().unwrap_or(1)
}

/// Between which values a chart's axis runs: bars from zero, a line with room around it, so that a small difference looks small.
fn bounds(table: &Table, chart: &NativeChart) -> Option<(f64, f64)> {
    let printed = |c: usize| {
        let rows = table.rows.iter().skip(chart.rows.0).take(chart.rows.1 - chart.rows.0 + 1);
        rows.filter_map(move |cells| match cells.get(c) {
            Some(Cell::Figure(p) | Cell::Uncertain(p)) => Some(if p.percent { p.value / 100.0 } else { p.value }),
            _ => None,
        })
    };
    let values: Vec<f64> = chart.series.iter().flat_map(|(values, _)| printed(*values)).collect();
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if !low.is_finite() {
        return None;
    }
    // Index and percentages have round tens, a mean of a short scale round ones.
    let step = match low.abs().max(high.abs()) {
        most if most <= 1.0 => 0.1,
        most if most <= 10.0 => 1.0,
        _ => 10.0,
    };
    let down = |v: f64| (v / step).floor() * step;
    let (low, high) = match chart.form {
        Form::Line => (down(low - step), down(high + step) + step),
        Form::Bars | Form::Columns => (down(low.min(0.0)), down(high) + step),
    };
    let is_negative = values.iter().any(|v| *v < 0.0);
    // A tenth that is not one in binary would stand as 0.30000000000000004 on the axis.
    let tidy = |v: f64| (v * 1000.0).round() / 1000.0;
    Some((tidy(if is_negative { low } else { low.max(0.0) }), tidy(high)))
}

/// The format takes 255 characters of alternative text: whole sentences, or words with an ellipsis.
fn short(alt: &str) -> String {
    const LONGEST: usize = 250;
    if alt.chars().count() <= LONGEST {
        return alt.to_owned();
    }
    let cut: String = alt.chars().take(LONGEST).collect();
    match (cut.rfind(". "), cut.rfind(' ')) {
        (Some(end), _) if end > LONGEST / 3 => cut[..=end].to_owned(),
        (_, Some(end)) => format!("{} …", &cut[..end]),
        _ => cut,
    }
}

/// Are the margins of these rows in the unit in which the figures are stored?
fn is_plain(table: &Table, (from, to): (usize, usize), margin: usize) -> bool {
    let cells = table.rows.iter().skip(from).take(to - from + 1).filter_map(|cells| cells.get(margin));
    cells.clone().any(|cell| matches!(cell, Cell::Margin(_)))
        && cells.clone().all(|cell| !matches!(cell, Cell::Margin(p) if p.percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sheets_are_legal_and_none_twice() {
        let named = |name: &str| Table { name: name.to_owned(), ..Table::default() };
        let long = "Tilfredshed med kommunens samlede information";
        let made = names(&[named("a/b:c"), named(long), named(long), named(""), named("A B C")]);
        assert_eq!(made[0], "a b c");
        assert!(made.iter().all(|name| !name.is_empty() && name.chars().count() <= NAME), "{made:?}");
        assert_ne!(made[1], made[2]);
        assert_ne!(made[0].to_lowercase(), made[4].to_lowercase());
    }
}
