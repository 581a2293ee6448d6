//! The time of day, on a clock that a simulation turns: the system's own goes on while a simulated run takes no time.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// When this was first asked, by both clocks.
static BEGINNING: LazyLock<(SystemTime, Instant)> = LazyLock::new(|| (SystemTime::now(), Instant::now()));

/// The time since 1970. Tokio's clock is ahead of the system's in a simulation, and behind it after the machine has slept.
pub(crate) fn unix_now() -> Duration {
    let (time, instant) = *BEGINNING;
    let later = SystemTime::now().max(time + Instant::now().saturating_duration_since(instant));
    later.duration_since(UNIX_EPOCH).unwrap_or_default()
}
