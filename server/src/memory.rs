//! A budget of memory for unpacking and validating uploads, over all requests, so that many of them at once take no more than one large one would.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Answer, Fault};

/// Bytes that one permit stands for.
const UNIT: u64 = 1 << 10;
/// What validating an upload takes beside its bytes: four zstd windows of 8 MiB.
pub(crate) const EACH: u64 = 32 << 20;
/// Longest wait for room.
const PATIENCE: Duration = Duration::from_secs(20);

/// The budget.
pub struct Memory {
    all: u32,
    free: Arc<Semaphore>,
}

/// Room in the budget, for as long as it lives.
pub struct Room {
    _permit: OwnedSemaphorePermit,
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX >> 3)
}

impl Memory {
    /// A budget for twice the largest thing that is taken, and for some small ones beside it.
    pub fn new(largest: u64) -> Self {
        let all = units(largest.saturating_add(EACH).saturating_mul(2));
        Self {
            all,
            free: Arc::new(Semaphore::new(all as usize)),
        }
    }

    /// Takes room for something of so many bytes, as soon as there is some.
    ///
    /// # Errors
    /// There is none in time: the client comes again.
    pub async fn take(&self, bytes: u64) -> Answer<Room> {
        let wanted = units(bytes.saturating_add(EACH)).min(self.all);
        let taking = Arc::clone(&self.free).acquire_many_owned(wanted);
        match tokio::time::timeout(PATIENCE, taking).await {
            Ok(Ok(permit)) => Ok(Room { _permit: permit }),
            _ => Err(Fault::unavailable(
                "too many checkpoints and packages are being looked into: come again",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_of_the_largest_have_room_and_a_third_waits_for_one_of_them() {
        let memory = Memory::new(100 << 20);
        let first = memory.take(100 << 20).await.unwrap_or_else(|_| panic!("room"));
        let _second = memory.take(100 << 20).await.unwrap_or_else(|_| panic!("room"));
        let third = memory.take(1);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut third).await.is_err());
        drop(first);
        assert!(third.await.is_ok());
    }
}
