//! What the workers of one relay share: its rest after a failure, its pace, and how often policy refused a round.
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ids::RoundId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards are counts and instants, whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `until`; `false` when told to stop.
pub(super) async fn rest(until: Instant, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = sleep_until(until) => true,
    }
}

/// Closed while the relay is away.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<GateState>, Notify);

#[derive(Debug, Default)]
struct GateState {
    failures: u32,
    opens: Option<Instant>,
}

impl Gate {
    /// The relay is away: everybody waits. Failures seen at the same time count once. Returns how often in a row.
    pub(super) fn close(&self, wait: impl FnOnce(u32) -> Duration) -> u32 {
        let now = Instant::now();
        let mut state = lock(&self.0);
        if state.opens.is_none_or(|opens| opens <= now) {
            state.failures += 1;
            state.opens = Some(now + wait(state.failures));
            self.1.notify_waiters();
        }
        state.failures
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&self) {
        loop {
            let mut closing = pin!(self.1.notified());
            closing.as_mut().enable();
            if self.is_closed() {
                return;
            }
            closing.await;
        }
    }

    /// The relay took a message.
    pub(super) fn answered(&self) {
        *lock(&self.0) = GateState::default();
    }

    pub(super) fn failures(&self) -> u32 {
        lock(&self.0).failures
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.0).opens.is_some_and(|opens| opens > Instant::now())
    }

    /// Waits until it opens; `false` when told to stop.
    pub(super) async fn pass(&self, stop: &CancellationToken) -> bool {
        let opens = lock(&self.0).opens;
        match opens {
            Some(opens) => rest(opens, stop).await,
            None => !stop.is_cancelled(),
        }
    }
}

/// Spreads messages over the minute.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn per_minute(messages: Option<u32>) -> Self {
        Self { interval: messages.filter(|n| *n > 0).map(|n| Duration::from_secs(60) / n), next: Mutex::new(None) }
    }

    /// Is there none?
    pub(super) const fn is_free(&self) -> bool {
        self.interval.is_none()
    }

    /// Waits for the next turn; `false` when told to stop.
    pub(super) async fn turn(&self, stop: &CancellationToken) -> bool {
        let Some(interval) = self.interval else { return !stop.is_cancelled() };
        let turn = {
            let mut next = lock(&self.next);
            let turn = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(turn + interval);
            turn
        };
        rest(turn, stop).await
    }
}

/// Counts refusals by policy in a row, round by round.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<HashMap<RoundId, u32>>);

impl Breaker {
    /// One more; returns how many in a row.
    pub(super) fn refused(&self, round: &RoundId) -> u32 {
        let mut counts = lock(&self.0);
        let count = counts.entry(round.clone()).or_default();
        *count += 1;
        *count
    }

    /// A message of the round was taken, or the round was paused.
    pub(super) fn reset(&self, round: &RoundId) {
        lock(&self.0).remove(round);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_at_the_same_time_count_once_and_the_gate_opens_again() {
        let (gate, stop) = (Gate::default(), CancellationToken::new());
        let wait = |_| Duration::from_secs(10);
        assert_eq!((gate.close(wait), gate.close(wait)), (1, 1));
        assert!(gate.is_closed());
        assert!(gate.pass(&stop).await);
        assert!(!gate.is_closed());
        assert_eq!(gate.close(wait), 2);
        gate.answered();
        assert_eq!((gate.failures(), gate.is_closed()), (0, false));
        gate.close(wait);
        stop.cancel();
        assert!(!gate.pass(&stop).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_holds_over_all_workers() {
        let (pace, stop) = (Pace::per_minute(Some(60)), CancellationToken::new());
        let begin = Instant::now();
        for _ in 0..6 {
            assert!(pace.turn(&stop).await);
        }
        // Time stands still in this test but for the waits asked for.
        assert_eq!(begin.elapsed().as_secs(), 5);
        assert!(Pace::per_minute(None).turn(&stop).await);
    }

    #[test]
    fn only_refusals_in_a_row_count() {
        let (breaker, round) = (Breaker::default(), RoundId("r".into()));
        assert_eq!((breaker.refused(&round), breaker.refused(&round)), (1, 2));
        breaker.reset(&round);
        assert_eq!(breaker.refused(&round), 1);
    }
}
