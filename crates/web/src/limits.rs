//! How often something may be tried: links that nobody was given, receipt codes, and forms behind one link.
//!
//! Failures are counted, not people: an office of two hundred behind one address is never kept from its own links, while whoever tries
//! addresses at random is soon answered without a look into the database. The receipt's code is short, so its tries are counted per
//! link, wherever they come from. Sign-in counts for itself (its own table, since several instances share it). Counts live in memory:
//! another instance, or a restart, begins anew.
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use domain::time::Clock;
use governor::clock::Clock as Measure;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::app::View;
use crate::error::{ErrorPage, PageError};

/// Keys kept before those that are of no account any more are forgotten.
const KEPT: usize = 10_000;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// A link that was never given out, per address.
    Link,
    /// A receipt's code, per link.
    Code,
    /// A form, per link.
    Form,
}

/// The clock of the program, as the counting wants it.
#[derive(Clone)]
struct Since(Arc<dyn Clock>);

impl Measure for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(self.0.now().0.unsigned_abs()).into()
    }
}

type Counter = RateLimiter<String, DashMapStateStore<String>, Since, NoOpMiddleware<Nanos>>;

/// The counts.
pub struct Limits {
    links: Counter,
    codes: Counter,
    forms: Counter,
    since: Since,
    /// When those of no account were last forgotten, in milliseconds.
    swept: AtomicI64,
}

/// Between two sweeps, in milliseconds.
const SWEEP: i64 = 10_000;

impl Limits {
    /// Nothing tried yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let since = Since(clock);
        let counter = |burst: u32, every: Duration| {
            let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::with_period(every).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst);
            RateLimiter::dashmap_with_clock(quota, since.clone())
        };
        Self {
            // A folder of letters typed wrong is forgiven; after that one every ten seconds.
            links: counter(60, Duration::from_secs(10)),
            // 50 bits: ten tries, then one every five minutes, find nothing in a thousand years.
            codes: counter(10, Duration::from_secs(300)),
            // Each click saves itself, and two devices may: far more than fingers do.
            forms: counter(240, Duration::from_millis(250)),
            since,
            swept: AtomicI64::new(0),
        }
    }

    /// Counts one try.
    ///
    /// # Errors
    /// So long it has to wait.
    pub fn count(&self, what: Tried, key: &str) -> Result<(), Duration> {
        let counter = match what {
            Tried::Link => &self.links,
            Tried::Code => &self.codes,
            Tried::Form => &self.forms,
        };
        let (now, swept) = (self.since.0.now().0, self.swept.load(Ordering::Relaxed));
        if now - swept > SWEEP && counter.len() > KEPT {
            self.swept.store(now, Ordering::Relaxed);
            counter.retain_recent();
        }
        counter.check_key(&key.to_owned()).map_err(|not_yet| not_yet.wait_time_from(self.since.now()))
    }
}

/// "Too often": the page that says for how long, and the header that says it to programs.
///
/// # Errors
/// When the template fails.
pub fn too_often(view: View<'_>, wait: Duration) -> Result<Response, PageError> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut response = view.status(StatusCode::TOO_MANY_REQUESTS).render(&ErrorPage::too_often(seconds))?;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use domain::time::{Millis, SetClock};

    use super::*;

    #[test]
    fn tries_run_out_per_key_and_come_back_with_time() {
        let clock = Arc::new(SetClock::new(Millis(1_790_848_800_000)));
        let limits = Limits::new(clock.clone());
        for _ in 0..10 {
            assert_eq!(limits.count(Tried::Code, "one"), Ok(()));
        }
        assert_eq!(limits.count(Tried::Code, "one"), Err(Duration::from_secs(300)));
        assert_eq!(limits.count(Tried::Code, "another"), Ok(()), "each link has its own");
        assert_eq!(limits.count(Tried::Form, "one"), Ok(()), "each thing is counted for itself");
        clock.set(Millis(1_790_848_800_000 + 300_000));
        assert_eq!(limits.count(Tried::Code, "one"), Ok(()));
        assert!(limits.count(Tried::Code, "one").is_err());
    }
}
