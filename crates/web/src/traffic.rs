//! How many requests were answered, in what class and how fast: counts only, since the program began.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static CLASSES: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];
static MILLISECONDS: AtomicU64 = AtomicU64::new(0);

/// Requests answered since the program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// By the first digit of the status: 1xx to 5xx.
    pub classes: [u64; 5],
    /// Time spent on all of them.
    pub milliseconds: u64,
}

/// Notes an answered request.
pub(crate) fn note(status: u16, took: Duration) {
    if let Some(class) = usize::from(status / 100).checked_sub(1).and_then(|class| CLASSES.get(class)) {
        class.fetch_add(1, Ordering::Relaxed);
    }
    MILLISECONDS.fetch_add(u64::try_from(took.as_millis()).unwrap_or(0), Ordering::Relaxed);
}

/// The counts.
#[must_use]
pub fn counts() -> Traffic {
    Traffic {
        classes: [0, 1, 2, 3, 4].map(|class| CLASSES[class].load(Ordering::Relaxed)),
        milliseconds: MILLISECONDS.load(Ordering::Relaxed),
    }
}
