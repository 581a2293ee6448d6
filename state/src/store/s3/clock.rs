//! The server's clock, which comes with every answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

/// The time on the server, by which leases run: the clocks of two machines differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<Mutex<Option<(SystemTime, Instant)>>>);

impl Clock {
    fn now(&self) -> SystemTime {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.map_or_else(SystemTime::now, |(server, then)| server + then.elapsed())
    }

    /// How long ago something was written.
    pub(super) fn age(&self, written: Option<DateTime>) -> Duration {
        let written = written.and_then(|t| SystemTime::try_from(t).ok());
        written.and_then(|t| self.now().duration_since(t).ok()).unwrap_or_default()
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|d| DateTime::from_str(d, DateTimeFormat::HttpDate).ok());
        if let Some(now) = date.and_then(|d| SystemTime::try_from(d).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
        }
        Ok(())
    }
}
