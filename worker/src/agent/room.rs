//! Memory and disk that a job takes here, and the room that the preferences leave for it: compared before anything of the job but its package is fetched.
//!
//! Copies of a state on its way, at most at the same time, besides the device's own: the one that was just read from the device and waits for the writer;
//! of the one that is written, its bytes in another order for compression and the compressed bytes, or these and the file's; and what memory is lost between
//! them. A small one may wait besides. Where a segment may begin again with more room, there is the state that it began from, too.
//! `docs/volunteer.md` has the table; `tests/tests/mishaps/limits.rs` measures it.

use kernels::package::Package;

/// Copies of the state on the host, besides the device's buffers.
pub(crate) const STATES_IN_MEMORY: u64 = 4;
/// Copies of a segment's outputs on the host.
const OUTPUTS_IN_MEMORY: u64 = 3;
/// Checkpoints on disk: the one to begin from, the two newest, the one that is written.
pub(crate) const STATES_ON_DISK: u64 = 4;
/// What the agent itself takes in memory.
const AGENT_BYTES: u64 = 150_000_000;

/// Bytes that there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Memory for one job.
    pub(crate) ram_bytes: u64,
    /// What is left for the state folder.
    pub(crate) disk_bytes: u64,
}

/// Bytes that a job takes, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    ram_bytes: u64,
    disk_bytes: u64,
    state_bytes: u64,
}

impl Footprint {
    /// Of a job that runs this package.
    pub(crate) fn of(package: &Package) -> Self {
        let (program, manifest) = (package.program(), package.manifest());
        let device = program
            .buffers
            .iter()
            .fold(0u64, |sum, buffer| sum.saturating_add(buffer.size));
        let outputs = manifest.outputs.iter().fold(0u64, |sum, output| {
            let source = manifest.buffers.iter().position(|buffer| buffer.name == output.buffer);
            let row = source.map_or(0, |source| package.elements(source).saturating_mul(4));
            let rows = manifest.run.steps_per_segment.div_ceil(output.every.max(1));
            sum.saturating_add(row.saturating_mul(rows))
        });
        let state = package.state_bytes();
        let copies = STATES_IN_MEMORY + u64::from(!manifest.grow.is_empty());
        Self {
            // Outputs gather in buffers of the device.
            ram_bytes: device
                .saturating_add(outputs)
                .saturating_add(copies.saturating_mul(state))
                .saturating_add(OUTPUTS_IN_MEMORY.saturating_mul(outputs))
                .saturating_add(AGENT_BYTES),
            disk_bytes: STATES_ON_DISK.saturating_mul(state).saturating_add(outputs),
            state_bytes: state,
        }
    }

    /// Why there is no room for it; none where there is.
    pub(crate) fn why_not(&self, room: Room) -> Option<String> {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        let (what, needs, has, key) = match () {
            () if self.ram_bytes > room.ram_bytes => ("memory", self.ram_bytes, room.ram_bytes, "ram_max_used_gb"),
            () if self.disk_bytes > room.disk_bytes => ("disk", self.disk_bytes, room.disk_bytes, "disk_max_used_gb"),
            () => return None,
        };
        Some(format!(
            "it may need {:.2} GB of {what} for a state of {:.2} GB, and {key} leaves {:.2} GB for it here",
            gb(needs),
            gb(self.state_bytes),
            gb(has)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_held_against_both_limits_by_name() {
        let package = kernels::examples::load("gray-scott").expect("a shipped example");
        let footprint = Footprint::of(&package);
        assert!(footprint.ram_bytes > 5 * package.state_bytes() && footprint.disk_bytes >= 4 * package.state_bytes());
        let room = Room {
            ram_bytes: footprint.ram_bytes,
            disk_bytes: footprint.disk_bytes,
        };
        assert_eq!(footprint.why_not(room), None);
        let ram_bytes = footprint.ram_bytes - 1;
        assert!(
            footprint
                .why_not(Room { ram_bytes, ..room })
                .unwrap()
                .contains("ram_max_used_gb")
        );
        let disk_bytes = footprint.disk_bytes - 1;
        assert!(
            footprint
                .why_not(Room { disk_bytes, ..room })
                .unwrap()
                .contains("disk_max_used_gb")
        );
    }
}
