//! mailout
