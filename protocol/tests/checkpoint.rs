//! Contract: a checkpoint reads back exactly what was written, and any other bytes are refused with the reason.
//!
//! The golden file pins version 1 of the format. It must never change; its size and its digest are pinned apart, so that a failure says
//! whether the layout or the values moved.

use proptest::prelude::*;
use protocol::checkpoint::{Element, Inspected, content_digest, inspect};
use protocol::{ChainEntry, Checkpoint, CheckpointError, Digest, HardwareClass, StateBuffer, Tier};

const STATE_BYTES_MAX: u64 = 1 << 20;

fn checkpoint(buffers: Vec<StateBuffer>) -> Checkpoint {
    let package = Digest::of(b"a package");
    let first = ChainEntry::next(package, None, 0, Digest::of(b"C0"), Digest::of(b""));
    let entry = ChainEntry::next(package, Some(&first), 1000, content_digest(&buffers), Digest::of(b"rows"));
    let class = HardwareClass {
        tier: Tier::ClassBound,
        key: Digest::of(b"a device"),
    };
    Checkpoint {
        package,
        entry,
        class,
        buffers,
    }
}

fn small() -> Checkpoint {
    let floats: Vec<u8> = [0.0f32, -0.0, 1.5, -2.25e-41, f32::MAX, 1e-38]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let words: Vec<u8> = [0u32, 1, u32::MAX].iter().flat_map(|x| x.to_le_bytes()).collect();
    checkpoint(vec![
        StateBuffer {
            name: "position".into(),
            element: Element::F32,
            shape: vec![2, 3],
            bytes: floats,
        },
        StateBuffer {
            name: "count".into(),
            element: Element::U32,
            shape: vec![3],
            bytes: words,
        },
    ])
}

/// The checkpoint; inspecting it comes to the same.
fn read(bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let whole = Checkpoint::from_bytes(bytes, STATE_BYTES_MAX);
    match (&whole, inspect(bytes, STATE_BYTES_MAX)) {
        (Ok(whole), Ok(inspected)) => {
            let state_bytes = whole.buffers.iter().map(|buffer| buffer.bytes.len() as u64).sum();
            let expected = Inspected {
                package: whole.package,
                entry: whole.entry.clone(),
                class: whole.class,
                state_bytes,
                first_words: whole.buffers.iter().map(first_word).collect(),
            };
            assert_eq!(inspected, expected);
        }
        (Ok(_), Err(error)) => assert!(error.to_string().contains("too much memory"), "inspected: {error}"),
        (Err(error), Ok(_)) => panic!("inspected, it is in order: {error}"),
        (Err(_), Err(_)) => {}
    }
    whole
}

/// A buffer's name, and its first element.
fn first_word(buffer: &StateBuffer) -> (String, u32) {
    let word = buffer.bytes.first_chunk().copied().map_or(0, u32::from_le_bytes);
    (buffer.name.clone(), word)
}

fn message(bytes: &[u8]) -> String {
    read(bytes).expect_err("must be refused").to_string()
}

/// Bytes with a digest that fits them: what someone would make who wants to be believed.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 32);
    let digest = Digest::of(&bytes);
    bytes.extend(digest.0);
    bytes
}

#[test]
fn golden_file_of_version_1_reads_and_is_written_the_same() {
    let golden = include_bytes!("golden/checkpoint-v1.baton");
    assert_eq!(golden.len(), 415, "the layout moved");
    assert_eq!(
        Digest::of(golden).to_string(),
        "aefe21c81db82a6bee3643993bfeb93726f0ae910afbd69dc89a5af37752d29d",
        "the values moved"
    );
    assert_eq!(read(golden).expect("reads"), small());
    assert_eq!(small().to_bytes().expect("writes"), golden);
}

#[test]
fn a_state_larger_than_what_is_looked_at_at_a_time_is_inspected() {
    // Not a multiple of anything.
    let bytes: Vec<u8> = (0..50_001u32)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let whole = checkpoint(vec![
        StateBuffer {
            name: "empty".into(),
            element: Element::F32,
            shape: vec![0, 3],
            bytes: Vec::new(),
        },
        StateBuffer {
            name: "x".into(),
            element: Element::U32,
            shape: vec![3, 16_667],
            bytes,
        },
    ]);
    let file = whole.to_bytes().expect("writes");
    assert_eq!(read(&file).expect("reads"), whole);
    assert_eq!(inspect(&file, STATE_BYTES_MAX).expect("in order").state_bytes, 4 * 50_001);
}

#[test]
fn every_flipped_bit_is_refused() {
    let whole = small().to_bytes().expect("writes");
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(read(&bytes).is_err(), "bit {bit} of byte {at} was flipped and nobody saw it");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let whole = small().to_bytes().expect("writes");
    (0..whole.len()).for_each(|length| assert!(read(&whole[..length]).is_err(), "{length} bytes were accepted"));
}

#[test]
fn the_reason_is_said() {
    let whole = small().to_bytes().expect("writes");
    assert!(message(b"#!/bin/sh\n").contains("not a checkpoint"));
    assert!(message(&whole[..100]).contains("truncated"));
    assert!(message(&whole[..whole.len() - 1]).contains("damaged"));
    let mut newer = whole.clone();
    newer[8] = 2;
    assert!(message(&newer).contains("version 2"));
    let mut header = whole.clone();
    header[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(message(&header).contains("a header of 4294967295 bytes"));
    let too_large = Checkpoint::from_bytes(&whole, 35)
        .expect_err("36 bytes are in it")
        .to_string();
    assert!(too_large.contains("more than 35 bytes"), "{too_large}");
}

#[test]
fn a_forged_step_is_refused() {
    let mut forged = small();
    forged.entry.step += 1;
    let text = message(&forged.to_bytes().expect("writes"));
    assert!(text.contains("the boundary digest is"), "{text}");
    let mut forged = small();
    forged.buffers[0].bytes[0] ^= 1;
    let text = message(&forged.to_bytes().expect("writes"));
    assert!(text.contains("the content digest is"), "{text}");
}

#[test]
fn a_shape_that_does_not_fit_is_not_written() {
    let mut wrong = small();
    wrong.buffers[0].shape = vec![7, 3];
    assert!(wrong.to_bytes().is_err());
    wrong.buffers[0].shape = vec![u64::MAX, u64::MAX];
    assert!(wrong.to_bytes().is_err());
}

proptest! {
    #[test]
    fn what_is_written_reads_back(words in prop::collection::vec(any::<u32>(), 0..400), step in 1u64..) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let buffer = StateBuffer { name: "x".into(), element: Element::I32, shape: vec![words.len() as u64], bytes };
        let mut written = checkpoint(vec![buffer]);
        written.entry.step = step;
        written.entry.digest = written.entry.computed(written.package);
        prop_assert_eq!(read(&written.to_bytes().expect("writes")).expect("reads"), written);
    }

    /// Even when the digests fit, wrong bytes give an error or a checkpoint, never a panic and never more memory than allowed.
    #[test]
    fn hostile_bytes_never_panic(at in 0usize..500, with in prop::collection::vec(any::<u8>(), 1..16)) {
        let mut bytes = small().to_bytes().expect("writes");
        let at = at % bytes.len();
        let end = bytes.len().min(at + with.len());
        bytes.splice(at..end, with);
        let _ = read(&bytes);
        if bytes.len() > 48 {
            let _ = read(&sealed(bytes));
        }
    }
}
