//! How an analysis is made: the choices of the command line, parsed and with their defaults.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use domain::industry::Grouping;

/// A word that is none of the choices of an option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" is not one of {choices}")]
pub struct ChoiceError {
    given: String,
    choices: String,
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The words of the command line, in order.
            pub const CHOICES: &[&str] = &[$($word),+];

            /// The word of the command line.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl FromStr for $name {
            type Err = ChoiceError;

            fn from_str(word: &str) -> Result<Self, ChoiceError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(ChoiceError { given: word.to_owned(), choices: Self::CHOICES.join(", ") }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

choice! {
    /// How answers are weighted to the frame.
    Weighting {
        /// N/n per stratum, thin strata joined.
        #[default]
        Cells = "cells",
        /// Raked to margins.
        Rake = "rake",
        /// One weight for all.
        None = "none",
    }
}
choice! {
    /// Finite-population correction.
    Fpc {
        /// By the businesses that answered.
        #[default]
        Unit = "unit",
        /// By those that answered the item.
        Item = "item",
        /// Without.
        None = "none",
    }
}
choice! {
    /// Variance of raked figures.
    Variance {
        /// As drawn: equals R.
        #[default]
        Design = "design",
        /// For response that differs by size: for publications.
        Response = "response",
    }
}
choice! {
    /// How the overlap of two years enters the variance of a change.
    Overlap {
        /// Covariance of each stratum on its own.
        #[default]
        Own = "own",
        /// One correlation for all strata: where cells are small.
        Pooled = "pooled",
        /// The years are taken as independent.
        None = "none",
    }
}
choice! {
    /// Format of the tables written.
    Format {
        /// CSV.
        #[default]
        Csv = "csv",
        /// Parquet.
        Parquet = "parquet",
    }
}

/// How figures are made, apart from where the data lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Weighting.
    pub weights: Weighting,
    /// Columns of the frame that make the strata. The classes of `size` (without it, of the last of several) join their neighbours.
    pub strata: Vec<String>,
    /// Columns whose totals raking meets.
    pub margins: Vec<String>,
    /// Breakdowns, in reading order.
    pub by: Vec<String>,
    /// Answers that a weighting cell needs.
    pub min_cell: u32,
    /// Finite-population correction.
    pub fpc: Fpc,
    /// Variance of raked figures.
    pub variance: Variance,
    /// Figures from fewer answers are hidden; 0 switches all hiding off.
    pub min_n: u32,
    /// Overlap of years in changes.
    pub overlap: Overlap,
    /// Key of the shipped grouping of sectors: maps industry codes, names `collapse_into` and the reading order.
    pub sectors: String,
    /// A grouping of the municipality's own; wins over `sectors`.
    pub own_sectors: Option<Arc<Grouping>>,
    /// Key of the shipped size definition: maps employees and names the reading order.
    pub sizes: String,
}

impl Default for Method {
    fn default() -> Self {
        let strata = || vec!["sector".to_owned(), "size".to_owned()];
        Self {
            weights: Weighting::default(),
            strata: strata(),
            margins: strata(),
            by: strata(),
            min_cell: 2,
            fpc: Fpc::default(),
            variance: Variance::default(),
            min_n: 5,
            overlap: Overlap::default(),
            sectors: "dst10".to_owned(),
            own_sectors: None,
            sizes: "dk".to_owned(),
        }
    }
}

impl Method {
    /// Which of the strata is the one whose classes join their neighbours?
    pub(crate) fn class(&self) -> Option<&str> {
        let size = self.strata.iter().find(|s| *s == "size");
        size.or_else(|| self.strata.last().filter(|_| self.strata.len() > 1)).map(String::as_str)
    }

    /// The options as written on the command line, for the provenance.
    #[must_use]
    pub fn described(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("weights", self.weights.to_string()),
            ("strata", self.strata.join(",")),
            ("margins", self.margins.join(",")),
            ("by", self.by.join(",")),
            ("min-cell", self.min_cell.to_string()),
            ("fpc", self.fpc.to_string()),
            ("variance", self.variance.to_string()),
            ("min-n", self.min_n.to_string()),
            ("overlap", self.overlap.to_string()),
            ("sectors", self.own_sectors.as_ref().map_or_else(|| self.sectors.clone(), |own| own.key().to_owned())),
            ("sizes", self.sizes.clone()),
        ];
        pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }
}

/// What `pejling analyse` is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The frame, CSV or Parquet.
    pub frame: PathBuf,
    /// The responses, CSV or Parquet.
    pub responses: PathBuf,
    /// The indicator definitions.
    pub indicators: PathBuf,
    /// Folder that receives the results.
    pub out: PathBuf,
    /// Format of the tables.
    pub format: Format,
    /// How figures are made.
    pub method: Method,
}
