//! The sums per cell from which everything is computed: one `group by` for a year, one for a pair of years.

/// Sums of one indicator in one domain and one cell of a year. Cells without any such business may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CellSums {
    /// Index of the cell in [`Year::cells`](crate::Year).
    pub cell: usize,
    /// Businesses that count in n_h, lie in the domain and answered the item (u = 1).
    pub n: u64,
    /// Σ y over them.
    pub sum: f64,
    /// Σ y² over them.
    pub sum_sq: f64,
}

impl CellSums {
    /// An empty cell.
    #[must_use]
    pub fn new(cell: usize) -> Self {
        Self { cell, ..Self::default() }
    }

    /// Counts one business.
    pub fn add(&mut self, y: f64) {
        self.n += 1;
        self.sum += y;
        self.sum_sq += y * y;
    }
}

/// Sums where each business counts by its employees (g): the reading "arbejdspladser".
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EmployeeSums {
    /// Index of the cell.
    pub cell: usize,
    /// Businesses with u = 1.
    pub n: u64,
    /// Σ g.
    pub g: f64,
    /// Σ g·y.
    pub gy: f64,
    /// Σ g².
    pub gg: f64,
    /// Σ g²·y.
    pub ggy: f64,
    /// Σ g²·y².
    pub ggyy: f64,
    /// Σ g·y², for the design effect.
    pub gyy: f64,
}

impl EmployeeSums {
    /// An empty cell.
    #[must_use]
    pub fn new(cell: usize) -> Self {
        Self { cell, ..Self::default() }
    }

    /// Counts one business with `g` employees.
    pub fn add(&mut self, g: f64, y: f64) {
        self.n += 1;
        self.g += g;
        self.gy += g * y;
        self.gg += g * g;
        self.ggy += g * g * y;
        self.ggyy += g * g * y * y;
        self.gyy += g * y * y;
    }
}

/// Where the workplaces of a company lie for which one reply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterMember {
    /// Index of the cell.
    pub cell: usize,
    /// The company's workplaces in that cell that count in n_h.
    pub workplaces: u64,
    /// Those of them with u = 1.
    pub counted: u64,
}

/// Sums over companies whose workplaces lie alike: each company is one draw, its reply stands for all its workplaces.
///
/// Give a row for *every* pattern that answered, also where `counted` is 0 throughout: such companies stay in n with score 0.
/// The great majority has the pattern "one workplace in one cell".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterSums {
    /// The cell in whose stratum the company counts (say, that of most of its workplaces).
    pub home: usize,
    /// Where its workplaces lie.
    pub members: Vec<ClusterMember>,
    /// Companies of this pattern.
    pub n: u64,
    /// Σ y over these companies (0 where nothing is counted).
    pub sum: f64,
    /// Σ y² over these companies.
    pub sum_sq: f64,
}

/// Sums of one indicator in one domain over one year.
#[derive(Debug, Clone, Copy)]
pub enum Sums<'a> {
    /// Every business counts once: the default.
    Businesses(&'a [CellSums]),
    /// Every business counts by its employees.
    Employees(&'a [EmployeeSums]),
    /// Workplaces count, companies vary.
    Companies(&'a [ClusterSums]),
}

/// Sums over the businesses that count in n_h in *both* years, by cell of the earlier (`from`) and of the later year (`to`).
///
/// x is the earlier year's y where u = 1 then, y the later's where u = 1 now; a business outside the domain in a year adds
/// nothing to that year's sums. With [`Sums::Companies`], `from` and `to` are rows of the two years' [`ClusterSums`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OverlapSums {
    /// Cell in the earlier year.
    pub from: usize,
    /// Cell in the later year.
    pub to: usize,
    /// Of the pair's businesses, those with u = 1 in the earlier year.
    pub n_x: u64,
    /// Σ x over them.
    pub sum_x: f64,
    /// Σ x² over them.
    pub sum_xx: f64,
    /// Those with u = 1 in the later year.
    pub n_y: u64,
    /// Σ y over them.
    pub sum_y: f64,
    /// Σ y² over them.
    pub sum_yy: f64,
    /// Those with u = 1 in both years.
    pub n_xy: u64,
    /// Σ x over those with u = 1 in both years.
    pub both_x: f64,
    /// Σ y over those with u = 1 in both years.
    pub both_y: f64,
    /// Σ x·y over those with u = 1 in both years.
    pub sum_xy: f64,
}

impl OverlapSums {
    /// An empty pair of cells.
    #[must_use]
    pub fn new(from: usize, to: usize) -> Self {
        Self { from, to, ..Self::default() }
    }

    /// Adds other sums, of the years in which their businesses were in the group.
    pub fn merge(&mut self, from: &Self, before: bool, now: bool) {
        if before {
            self.n_x += from.n_x;
            self.sum_x += from.sum_x;
            self.sum_xx += from.sum_xx;
        }
        if now {
            self.n_y += from.n_y;
            self.sum_y += from.sum_y;
            self.sum_yy += from.sum_yy;
        }
        if before && now {
            self.n_xy += from.n_xy;
            self.both_x += from.both_x;
            self.both_y += from.both_y;
            self.sum_xy += from.sum_xy;
        }
    }

    /// Counts one business that answered in both years; `None` where u = 0.
    pub fn add(&mut self, x: Option<f64>, y: Option<f64>) {
        if let Some(x) = x {
            self.n_x += 1;
            self.sum_x += x;
            self.sum_xx += x * x;
        }
        if let Some(y) = y {
            self.n_y += 1;
            self.sum_y += y;
            self.sum_yy += y * y;
        }
        if let (Some(x), Some(y)) = (x, y) {
            self.n_xy += 1;
            self.both_x += x;
            self.both_y += y;
            self.sum_xy += x * y;
        }
    }
}

/// [`OverlapSums`] where each business counts by its employees: a in the earlier year, b in the later.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EmployeeOverlapSums {
    /// Cell in the earlier year.
    pub from: usize,
    /// Cell in the later year.
    pub to: usize,
    /// Businesses with u = 1 in both years.
    pub n_xy: u64,
    /// Σ a.
    pub a: f64,
    /// Σ a·x.
    pub ax: f64,
    /// Σ a².
    pub aa: f64,
    /// Σ a²·x.
    pub aax: f64,
    /// Σ a²·x².
    pub aaxx: f64,
    /// Σ b.
    pub b: f64,
    /// Σ b·y.
    pub by: f64,
    /// Σ b².
    pub bb: f64,
    /// Σ b²·y.
    pub bby: f64,
    /// Σ b²·y².
    pub bbyy: f64,
    /// Σ a·b over those with u = 1 in both years.
    pub ab: f64,
    /// Σ a·b·x over them.
    pub abx: f64,
    /// Σ a·b·y over them.
    pub aby: f64,
    /// Σ a·b·x·y over them.
    pub abxy: f64,
}

impl EmployeeOverlapSums {
    /// An empty pair of cells.
    #[must_use]
    pub fn new(from: usize, to: usize) -> Self {
        Self { from, to, ..Self::default() }
    }

    /// Counts one business that answered in both years: (employees, y) per year, `None` where u = 0.
    pub fn add(&mut self, earlier: Option<(f64, f64)>, later: Option<(f64, f64)>) {
        if let Some((a, x)) = earlier {
            self.a += a;
            self.ax += a * x;
            self.aa += a * a;
            self.aax += a * a * x;
            self.aaxx += a * a * x * x;
        }
        if let Some((b, y)) = later {
            self.b += b;
            self.by += b * y;
            self.bb += b * b;
            self.bby += b * b * y;
            self.bbyy += b * b * y * y;
        }
        if let (Some((a, x)), Some((b, y))) = (earlier, later) {
            self.n_xy += 1;
            self.ab += a * b;
            self.abx += a * b * x;
            self.aby += a * b * y;
            self.abxy += a * b * x * y;
        }
    }
}

impl From<&OverlapSums> for EmployeeOverlapSums {
    fn from(s: &OverlapSums) -> Self {
        let (n_x, n_y) = (s.n_x as f64, s.n_y as f64);
        Self {
            from: s.from,
            to: s.to,
            n_xy: s.n_xy,
            a: n_x,
            ax: s.sum_x,
            aa: n_x,
            aax: s.sum_x,
            aaxx: s.sum_xx,
            b: n_y,
            by: s.sum_y,
            bb: n_y,
            bby: s.sum_y,
            bbyy: s.sum_yy,
            ab: s.n_xy as f64,
            abx: s.both_x,
            aby: s.both_y,
            abxy: s.sum_xy,
        }
    }
}

/// Sums over the businesses that answered in both years, in the form that fits the two years' [`Sums`].
#[derive(Debug, Clone, Copy)]
pub enum Pairs<'a> {
    /// For [`Sums::Businesses`] and, by rows, [`Sums::Companies`].
    Businesses(&'a [OverlapSums]),
    /// For [`Sums::Employees`].
    Employees(&'a [EmployeeOverlapSums]),
}
