//! What segments put out, as one blob: a bundle with an entry `SEGMENT/OUTPUT` for each output of each segment, in standard bytes.
//!
//! It says of itself which segments it covers, so that repeated and overlapping commits do no harm; each segment's outputs are held against
//! the digest in its boundary before they are used.

use std::collections::BTreeMap;

use crate::bundle::{self, BundleError};

/// Bytes that one commit's outputs may unpack to.
pub const OUTPUTS_BYTES_MAX: u64 = 2 << 30;

/// Segment to its outputs, in the package's order.
pub type Outputs = BTreeMap<u64, Vec<Vec<u8>>>;

/// As one blob.
///
/// # Errors
/// Too many, or memory runs out.
pub fn pack(outputs: Outputs) -> Result<Vec<u8>, BundleError> {
    let mut entries = BTreeMap::new();
    for (segment, outputs) in outputs {
        for (index, bytes) in outputs.into_iter().enumerate() {
            entries.insert(format!("{segment:020}/{index:04}"), bytes);
        }
    }
    bundle::pack(&entries)
}

/// Out of a blob that unpacks to at most so many bytes.
///
/// # Errors
/// It is no such blob.
pub fn unpack(blob: &[u8], bytes_max: u64) -> Result<Outputs, BundleError> {
    let mut outputs = Outputs::new();
    for (index, (name, bytes)) in bundle::unpack(blob, bytes_max)?.into_iter().enumerate() {
        let problem = BundleError::Entry {
            index,
            problem: "its name is no segment and output",
        };
        let numbers = name
            .split_once('/')
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse::<usize>().ok()?)));
        let Some((segment, output)) = numbers else {
            return Err(problem);
        };
        let of_segment: &mut Vec<Vec<u8>> = outputs.entry(segment).or_default();
        if of_segment.len() != output {
            return Err(problem);
        }
        of_segment.push(bytes);
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_keep_their_segments_and_order() {
        let outputs: Outputs = [(9, vec![vec![1], vec![]]), (10, vec![vec![2; 3], vec![3]])].into();
        assert_eq!(unpack(&pack(outputs.clone()).unwrap(), OUTPUTS_BYTES_MAX).unwrap(), outputs);
        let gap = BTreeMap::from([("00000000000000000001/0001".to_owned(), vec![])]);
        assert!(unpack(&bundle::pack(&gap).unwrap(), OUTPUTS_BYTES_MAX).is_err());
    }
}
