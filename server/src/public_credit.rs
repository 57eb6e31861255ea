//! The credit table that anyone may see, where the operator shows it. It looks at all hosts, so it is made at most once a minute, however many ask.
//!
//! Invariant: it shows credit as it was when the UTC day began. From anything newer a host would know when its work was checked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::http::CreditView;
use scheduler::Core;

/// A table is shown for so long.
const LASTS: Duration = Duration::from_secs(60);

/// The table, where anyone may see it.
#[derive(Debug)]
pub struct PublicCredit {
    is_shown: bool,
    made: Mutex<Option<(Instant, Arc<[CreditView]>)>>,
}

impl PublicCredit {
    /// Shown to anyone, or only to those with a token.
    pub fn new(is_shown: bool) -> Self {
        Self {
            is_shown,
            made: Mutex::default(),
        }
    }

    /// Whether anyone may see it.
    pub fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// The table, at most a minute old.
    pub fn rows(&self, core: &Core) -> Arc<[CreditView]> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((at, rows)) if at.elapsed() < LASTS => Arc::clone(rows),
            _ => {
                let rows: Arc<[CreditView]> = core.credits(true).into();
                *made = Some((Instant::now(), Arc::clone(&rows)));
                rows
            }
        }
    }
}
