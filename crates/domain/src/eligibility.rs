//! Who belongs to the population: rules as data, each exclusion a named, counted outcome.
