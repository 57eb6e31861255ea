//! The digest chain: one entry a boundary, each covering its parent's.
//!
//! Two runs agree when their chains agree; the first entry that differs names the segment to replay. The hardware class is
//! not covered, so that chains of different devices can be compared.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// One boundary of a run. Entry 0 is the initial state C0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainEntry {
    /// How many segments lie before this boundary.
    pub segment: u64,
    /// How many steps lie before this boundary.
    pub step: u64,
    /// Covers all the other fields and the package.
    pub digest: Digest,
    /// Digest of the boundary before; all zero for C0.
    pub parent: Digest,
    /// Digest of the state in the standard layout.
    pub content: Digest,
    /// Digest of what the segment put out for people to look at.
    pub outputs: Digest,
}

/// The parent of C0.
pub const NO_PARENT: Digest = Digest([0; 32]);

impl ChainEntry {
    /// The boundary after `parent`; C0 when there is none.
    pub fn next(package: Digest, parent: Option<&Self>, step: u64, content: Digest, outputs: Digest) -> Self {
        let segment = parent.map_or(0, |parent| parent.segment + 1);
        let parent = parent.map_or(NO_PARENT, |parent| parent.digest);
        let mut entry = Self {
            segment,
            step,
            digest: NO_PARENT,
            parent,
            content,
            outputs,
        };
        entry.digest = entry.computed(package);
        entry
    }

    /// What the digest has to be, given all the other fields.
    ///
    /// BLAKE3 over `"baton boundary 1\n"`, package (32 bytes), parent (32), segment (u64, little-endian), step (u64),
    /// content (32), outputs (32).
    pub fn computed(&self, package: Digest) -> Digest {
        let mut bytes = [0; 161];
        let parts: [&[u8]; 7] = [
            b"baton boundary 1\n",
            &package.0,
            &self.parent.0,
            &self.segment.to_le_bytes(),
            &self.step.to_le_bytes(),
            &self.content.0,
            &self.outputs.0,
        ];
        let mut rest = &mut bytes[..];
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        Digest::of(&bytes)
    }

    /// Whether this is a boundary that can follow `parent` (C0 when there is none) in a run of `package`.
    pub fn follows(&self, package: Digest, parent: Option<&Self>) -> bool {
        let expected = Self::next(package, parent, self.step, self.content, self.outputs);
        let forward = parent.map_or(self.step == 0, |parent| parent.step < self.step);
        forward && *self == expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_follows_its_own_parent_and_no_other() {
        let package = Digest::of(b"package");
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let first = ChainEntry::next(package, None, 0, a, b);
        let second = ChainEntry::next(package, Some(&first), 10, b, a);
        assert!(first.follows(package, None) && second.follows(package, Some(&first)));
        assert!(!second.follows(package, None) && !second.follows(a, Some(&first)));
        let other = ChainEntry::next(package, None, 0, b, a);
        assert!(!second.follows(package, Some(&other)));
        assert!(!ChainEntry { step: 11, ..second }.follows(package, Some(&first)));
    }

    #[test]
    fn the_digest_is_frozen() {
        let entry = ChainEntry::next(
            Digest::of(b"package"),
            None,
            0,
            Digest::of(b"content"),
            Digest::of(b"outputs"),
        );
        assert_eq!(
            entry.digest.to_string(),
            "75d5815bfb1fd8e941dae2692cd759691ffe84747f70ac7c064a633a87667381"
        );
    }
}
