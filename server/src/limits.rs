//! How much each caller may ask for: buckets that fill with time, by caller and kind of request.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Callers remembered; beyond it those with full buckets are forgotten.
const CALLERS_MAX: usize = 200_000;

/// Kinds of requests, each with its own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Reads and writes of scientists and operators.
    Command,
    /// Requests of a host: heartbeats, leases, commits.
    Host,
    /// A first registration.
    Enrol,
    /// Blobs, by request.
    Blob,
    /// Blobs, by byte.
    BlobBytes,
    /// Without a token, by address.
    Open,
}

/// Rate limits, by caller.
#[derive(Clone, Debug)]
pub struct Rates {
    /// Requests a minute of every kind but the following; 0 for no limit.
    pub requests_per_minute: u64,
    /// First registrations a minute from one address; 0 for no limit.
    pub enrolments_per_minute: u64,
    /// Bytes uploaded a day under one token; 0 for no limit.
    pub upload_bytes_per_day: u64,
}

impl Rates {
    /// (most at once, gained per second)
    fn of(&self, kind: Kind) -> (f64, f64) {
        let (amount, seconds) = match kind {
            Kind::Enrol => (self.enrolments_per_minute, 60.0),
            Kind::BlobBytes => (self.upload_bytes_per_day, 86_400.0),
            Kind::Command | Kind::Host | Kind::Blob | Kind::Open => (self.requests_per_minute, 60.0),
        };
        (amount as f64, amount as f64 / seconds)
    }
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// All buckets.
pub struct Limits {
    rates: Rates,
    buckets: Mutex<BTreeMap<(String, Kind), Bucket>>,
    /// Callers who made the server panic, and until when they are turned away.
    blocked: Mutex<BTreeMap<String, Instant>>,
}

impl Limits {
    /// Full buckets.
    pub fn new(rates: Rates) -> Self {
        Self {
            rates,
            buckets: Mutex::default(),
            blocked: Mutex::default(),
        }
    }

    /// Turns a caller away until a time.
    pub fn block(&self, caller: &str, until: Instant, now: Instant) {
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        blocked.retain(|_, until| *until > now);
        blocked.insert(caller.to_owned(), until);
    }

    /// Seconds for which a caller is turned away still.
    pub fn blocked_for(&self, caller: &str, now: Instant) -> Option<u64> {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let left = blocked.get(caller)?.checked_duration_since(now)?;
        Some(left.as_secs() + 1)
    }

    /// Takes `amount` from a caller's bucket.
    ///
    /// # Errors
    /// Seconds until there is enough.
    pub fn take(&self, caller: &str, kind: Kind, amount: u64, now: Instant) -> Result<(), u64> {
        let (most, gain) = self.rates.of(kind);
        if most == 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS_MAX {
            let full = |bucket: &Bucket, (most, gain): (f64, f64)| {
                bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * gain >= most
            };
            buckets.retain(|(_, kind), bucket| !full(bucket, self.rates.of(*kind)));
        }
        let bucket = buckets
            .entry((caller.to_owned(), kind))
            .or_insert(Bucket { left: most, at: now });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * gain;
        bucket.left = (bucket.left + gained).min(most);
        bucket.at = now;
        // Something larger than a whole bucket passes when the bucket is full.
        let needed = (amount as f64).min(most);
        if bucket.left >= needed {
            bucket.left -= needed;
            Ok(())
        } else {
            Err(((needed - bucket.left) / gain).ceil() as u64)
        }
    }
}

impl Limits {
    /// Gives back what was taken and not used.
    pub fn give_back(&self, caller: &str, kind: Kind, amount: u64) {
        let (most, _) = self.rates.of(kind);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&(caller.to_owned(), kind)) {
            bucket.left = (bucket.left + amount as f64).min(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_empties_fills_with_time_and_is_nobody_elses() {
        let limits = Limits::new(Rates {
            requests_per_minute: 60,
            enrolments_per_minute: 0,
            upload_bytes_per_day: 86_400,
        });
        let now = Instant::now();
        assert!((0..60).all(|_| limits.take("a", Kind::Command, 1, now).is_ok()));
        assert_eq!(limits.take("a", Kind::Command, 1, now), Err(1));
        assert!(limits.take("b", Kind::Command, 1, now).is_ok());
        assert!(limits.take("a", Kind::Host, 1, now).is_ok());
        assert!(limits.take("a", Kind::Command, 1, now + Duration::from_secs(1)).is_ok());
        assert!(
            (0..1000).all(|_| limits.take("a", Kind::Enrol, 1, now).is_ok()),
            "0 is no limit"
        );
        assert!(limits.take("a", Kind::BlobBytes, 1 << 40, now).is_ok());
        assert_eq!(limits.take("a", Kind::BlobBytes, 100, now), Err(100));
        limits.give_back("a", Kind::BlobBytes, 40);
        assert_eq!(limits.take("a", Kind::BlobBytes, 100, now), Err(60));
        limits.give_back("a", Kind::BlobBytes, 1 << 40);
        assert!(limits.take("a", Kind::BlobBytes, 86_400, now).is_ok());
        assert!(
            limits.take("a", Kind::BlobBytes, 1, now).is_err(),
            "never more than a bucket holds"
        );
    }
}
