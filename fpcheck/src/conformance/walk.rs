//! A package walked from boundary to boundary, on one device or on many in turn.

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::outputs::outputs_digest;
use kernels::run::{Executor, RunError, initial_boundary};
use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer, Tier};

/// Most bytes of a state that a walk takes through a checkpoint.
const STATE_BYTES_MAX: u64 = 1 << 32;

/// A package open on some devices, each of which may compute the next segment.
pub(crate) struct Walk<'a> {
    package: &'a Package,
    seats: Vec<(&'a dyn Device, SessionOptions)>,
    open: Vec<Option<Executor<'a>>>,
}

impl<'a> Walk<'a> {
    /// Take places; each is opened when its turn comes.
    pub(crate) fn new(package: &'a Package, seats: Vec<(&'a dyn Device, SessionOptions)>) -> Self {
        let open = seats.iter().map(|_| None).collect();
        Self { package, seats, open }
    }

    /// The chain of so many segments from the initial state, segment `k` computed by `who(k)`. With `reopen`, every segment begins
    /// in a new session. Wherever the place changes, and with `reopen` at every boundary, the state goes through a checkpoint's bytes.
    pub(crate) fn chain(
        &mut self,
        segments: u64,
        reopen: bool,
        mut who: impl FnMut(u64) -> usize,
    ) -> Result<Vec<ChainEntry>, RunError> {
        let digest = self.package.digest();
        let (first, mut state) = initial_boundary(self.package);
        let mut chain = vec![first];
        let mut sits = None;
        for segment in 0..segments {
            let seat = who(segment);
            let last = chain.last().expect("it begins with C0").clone();
            if reopen {
                self.open[seat] = None;
            }
            let executor = match &mut self.open[seat] {
                Some(executor) => executor,
                empty => {
                    let (device, options) = &self.seats[seat];
                    empty.insert(Executor::open(self.package, *device, options)?)
                }
            };
            if sits != Some(seat) || reopen {
                state = through_bytes(digest, last.clone(), state)?;
                executor.enter(segment, &state)?;
                sits = Some(seat);
            }
            executor.advance(u64::MAX)?;
            let boundary = executor.cross()?;
            let outputs = outputs_digest(&boundary.outputs);
            let content = content_digest(&boundary.state);
            chain.push(ChainEntry::next(digest, Some(&last), boundary.step, content, outputs));
            state = boundary.state;
        }
        Ok(chain)
    }
}

/// The chain of a package on one device.
pub(crate) fn alone(
    package: &Package,
    device: &dyn Device,
    options: &SessionOptions,
    segments: u64,
    reopen: bool,
) -> Result<Vec<ChainEntry>, RunError> {
    Walk::new(package, vec![(device, options.clone())]).chain(segments, reopen, |_| 0)
}

fn through_bytes(package: Digest, entry: ChainEntry, buffers: Vec<StateBuffer>) -> Result<Vec<StateBuffer>, RunError> {
    let segment = entry.segment;
    let checkpoint = Checkpoint {
        package,
        entry,
        // No one reads it back: walks go where classes would forbid, to see what happens.
        class: HardwareClass {
            tier: Tier::Portable,
            key: package,
        },
        buffers,
    };
    let there_and_back = checkpoint
        .to_bytes()
        .and_then(|bytes| Checkpoint::from_bytes(&bytes, STATE_BYTES_MAX));
    there_and_back
        .map(|read| read.buffers)
        .map_err(|cause| RunError::Checkpoint { segment, cause })
}

/// Where two chains part, in words; nothing where they agree.
pub(crate) fn parting(expected: &[ChainEntry], found: &[ChainEntry]) -> Option<String> {
    let at = expected
        .iter()
        .zip(found)
        .position(|(a, b)| (a.content, a.outputs) != (b.content, b.outputs))
        .or_else(|| (expected.len() != found.len()).then_some(expected.len().min(found.len())))?;
    let (Some(a), Some(b)) = (expected.get(at), found.get(at)) else {
        return Some(format!("{} boundaries against {}", found.len(), expected.len()));
    };
    let what = if a.content == b.content { "outputs" } else { "the state" };
    let from = expected[at.saturating_sub(1)].step;
    Some(format!("{what} differ after segment {at} (steps {from} to {})", a.step))
}
