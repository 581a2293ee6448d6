//! Durations as the event stream writes them.

use std::time::Duration;

/// A duration in whole seconds: `1m5s`.
pub fn elapsed(d: Duration) -> String {
    let seconds = rounded(d);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, m) => format!("{m}m{s}s"),
        (h, m) => format!("{h}h{m}m{s}s"),
    }
}

/// A duration in whole seconds, rounded.
pub fn rounded(d: Duration) -> u64 {
    d.as_secs() + u64::from(d.subsec_millis() >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_whole_seconds() {
        for (ms, want) in [(0, "0s"), (499, "0s"), (500, "1s"), (65_000, "1m5s"), (3_600_000, "1h0m0s")] {
            assert_eq!(elapsed(Duration::from_millis(ms)), want);
        }
    }
}
