//! The last frame of a molecular job, for the picture on its page: positions out of its newest checkpoint, as JSON.
//!
//! Invariants: only what the checkpoint's own digest covers is shown; a checkpoint that is larger than [`CHECKPOINT_BYTES_MAX`], packed or unpacked, is not read; as many are
//! read at a time as the budget of memory has room for, and [`READERS`] at most; the newest answers are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::checkpoint::Element;
use protocol::http::JobView;
use protocol::{Checkpoint, Digest};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::blob::read;
use crate::problem::{Answer, Fault};
use crate::submission;

pub(crate) mod atoms;

use atoms::Atoms;

/// Bytes of a checkpoint of which a picture is made, and of the state in it.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 20;
/// Checkpoints that are read at the same time.
const READERS: usize = 2;
/// Answers that are kept.
const KEPT: usize = 16;
/// How long a page waits to hear whether its job's package has particles.
const PATIENCE: Duration = Duration::from_millis(250);
/// Units of one coordinate over the whole box.
const UNITS: f64 = 4_294_967_296.0;

/// The newest frames, by the checkpoint that they are of.
pub struct Frames {
    kept: Mutex<VecDeque<(Digest, Arc<str>)>>,
    readers: Semaphore,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            readers: Semaphore::new(READERS),
        }
    }
}

impl Frames {
    fn kept(&self, checkpoint: Digest) -> Option<Arc<str>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .find(|(of, _)| *of == checkpoint)
            .map(|(_, text)| Arc::clone(text))
    }

    fn keep(&self, checkpoint: Digest, text: Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((checkpoint, text));
        kept.truncate(KEPT);
    }
}

/// What is drawn.
#[derive(Debug, PartialEq, Serialize)]
struct Scene<'a> {
    segment: u64,
    /// Names of kinds.
    names: &'a [String],
    /// The kind of each particle.
    kinds: &'a [u8],
    /// Pairs of particles.
    bonds: &'a [[u32; 2]],
    /// Three coordinates of each particle, pm, around the middle of all.
    at: Vec<i64>,
}

/// The particles of a job's package, where it has some, is known by now, and has a frame.
pub(crate) async fn particles(app: &Arc<App>, job: &JobView) -> Option<Arc<Atoms>> {
    job.checkpoint?;
    let (app, archive) = (Arc::clone(app), job.archive);
    // It goes on where a look does not wait for it: the next one finds it.
    let asked = tokio::spawn(async move { submission::atoms(&app, archive).await });
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?.ok()?
}

/// The newest frame of a job.
///
/// # Errors
/// The job has none, its checkpoint is too large for a picture, or it cannot be read.
pub(crate) async fn of(app: &Arc<App>, job: &JobView) -> Answer<Arc<str>> {
    let nothing = || Fault::not_found(format!("job {} has no frame of particles", job.job));
    let checkpoint = job.checkpoint.ok_or_else(nothing)?;
    if let Some(known) = app.frames.kept(checkpoint) {
        return Ok(known);
    }
    let atoms = submission::atoms(app, job.archive).await?.ok_or_else(nothing)?;
    let reader = app.frames.readers.acquire().await;
    let _reader = reader.map_err(|_| Fault::unavailable("the server stops"))?;
    let packed = app.blobs.size(checkpoint).await?.ok_or_else(nothing)?;
    let room = app
        .memory
        .take(packed.min(CHECKPOINT_BYTES_MAX) + CHECKPOINT_BYTES_MAX)
        .await?;
    let bytes = read(app.blobs.as_ref(), checkpoint, CHECKPOINT_BYTES_MAX).await?;
    let drawing = tokio::task::spawn_blocking(move || {
        let _room = room;
        let checkpoint = Checkpoint::from_bytes(&bytes, CHECKPOINT_BYTES_MAX)?;
        Ok::<_, protocol::checkpoint::CheckpointError>(scene(&atoms, &checkpoint))
    });
    let drawn = drawing.await.map_err(|error| Fault::unavailable(error.to_string()))?;
    let text: Arc<str> = drawn?.ok_or_else(nothing)?.into();
    app.frames.keep(checkpoint, Arc::clone(&text));
    Ok(text)
}

/// A checkpoint's particles as JSON; none where it holds other ones than the package.
fn scene(atoms: &Atoms, checkpoint: &Checkpoint) -> Option<String> {
    let buffer = checkpoint.buffers.iter().find(|buffer| buffer.name == "positions")?;
    if buffer.element != Element::U32 || buffer.shape != [atoms.total as u64, 3] {
        return None;
    }
    let words = buffer.bytes.as_chunks::<12>().0;
    let place = |row: u32| -> Option<[u32; 3]> {
        let words = words.get(row as usize)?;
        Some([0, 4, 8].map(|at| u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]])))
    };
    let places: Vec<[u32; 3]> = atoms.rows.iter().map(|row| place(*row)).collect::<Option<_>>()?;
    let at = centred(&in_one_piece(atoms, &places));
    let scene = Scene {
        segment: checkpoint.entry.segment,
        names: &atoms.names,
        kinds: &atoms.kinds,
        bonds: &atoms.bonds,
        at,
    };
    serde_json::to_string(&scene).ok()
}

/// Positions, nm, each particle beside the one that it is bound to, whichever side of the box either lies on.
fn in_one_piece(atoms: &Atoms, places: &[[u32; 3]]) -> Vec<[f64; 3]> {
    let along = |coordinates: [f64; 3]| {
        let unit = &atoms.unit_nm;
        [0, 1, 2].map(|k| (0..3).map(|vector| coordinates[vector] * unit[vector][k]).sum::<f64>())
    };
    let mut bound = vec![Vec::new(); places.len()];
    for [a, b] in &atoms.bonds {
        bound[*a as usize].push(*b as usize);
        bound[*b as usize].push(*a as usize);
    }
    let mut found: Vec<Option<[f64; 3]>> = vec![None; places.len()];
    for first in 0..places.len() {
        if found[first].is_some() {
            continue;
        }
        found[first] = Some(along(places[first].map(f64::from)));
        let mut open = vec![first];
        while let Some(here) = open.pop() {
            let from = found[here].unwrap_or_default();
            for next in &bound[here] {
                if found[*next].is_none() {
                    // Fixed-point coordinates wrap as the box does: the difference is that of the nearest image.
                    let step = [0, 1, 2].map(|k| f64::from(places[*next][k].wrapping_sub(places[here][k]).cast_signed()));
                    let step = along(step);
                    found[*next] = Some([0, 1, 2].map(|k| from[k] + step[k]));
                    open.push(*next);
                }
            }
        }
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// The same in pm around the middle of all.
fn centred(points_nm: &[[f64; 3]]) -> Vec<i64> {
    let count = points_nm.len().max(1) as f64;
    let middle = [0, 1, 2].map(|k| points_nm.iter().map(|point| point[k] / count).sum::<f64>());
    // Numbers that no box has are cut to the ends of the type.
    let in_pm = |nm: f64| (nm * 1000.0).round().clamp(-UNITS, UNITS) as i64;
    points_nm
        .iter()
        .flat_map(|point| [0, 1, 2].map(|k| in_pm(point[k] - middle[k])))
        .collect()
}

#[cfg(test)]
mod tests {
    use protocol::{ChainEntry, HardwareClass, StateBuffer, Tier};

    use super::*;

    /// Three particles in a box of 2 by 2 by 4 nm, the first two bound over the edge.
    fn atoms() -> Atoms {
        Atoms {
            total: 4,
            unit_nm: [[2.0 / UNITS, 0.0, 0.0], [0.0, 2.0 / UNITS, 0.0], [0.0, 0.0, 4.0 / UNITS]],
            rows: vec![0, 1, 3],
            kinds: vec![0, 1, 0],
            names: vec!["C".to_owned(), "O".to_owned()],
            bonds: vec![[0, 1]],
            without: String::new(),
        }
    }

    fn checkpoint(words: &[u32], shape: &[u64]) -> Checkpoint {
        let buffers = vec![StateBuffer {
            name: "positions".to_owned(),
            element: Element::U32,
            shape: shape.to_vec(),
            bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }];
        let content = protocol::checkpoint::content_digest(&buffers);
        let package = Digest::of(b"package");
        Checkpoint {
            package,
            entry: ChainEntry::next(package, None, 0, content, Digest::of(b"outputs")),
            class: HardwareClass {
                tier: Tier::Portable,
                key: Digest([0; 32]),
            },
            buffers,
        }
    }

    #[test]
    fn particles_that_are_bound_over_the_edge_of_the_box_are_shown_side_by_side_around_the_middle() {
        // Eighths of the box: 0.25 nm along x and y, 0.5 nm along z.
        let eighth = 1 << 29;
        let places = [[0, 0, 0], [7, 0, 0], [9, 9, 9], [4, 0, 2]];
        let words: Vec<u32> = places
            .iter()
            .flatten()
            .map(|place: &u32| place.wrapping_mul(eighth))
            .collect();
        let text = scene(&atoms(), &checkpoint(&words, &[4, 3])).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        // At x = 0, -0.25 and 1 nm, with the middle at 0.25; at z = 0, 0 and 1 nm, with the middle at a third.
        assert_eq!(found["at"], serde_json::json!([-250, 0, -333, -500, 0, -333, 750, 0, 667]));
        assert_eq!(found["names"], serde_json::json!(["C", "O"]));
        assert_eq!(
            (&found["kinds"], &found["bonds"]),
            (&serde_json::json!([0, 1, 0]), &serde_json::json!([[0, 1]]))
        );
    }

    #[test]
    fn a_state_of_other_particles_than_the_packages_gives_no_picture_and_no_number_panics() {
        assert_eq!(scene(&atoms(), &checkpoint(&[0; 9], &[3, 3])), None);
        assert_eq!(scene(&atoms(), &checkpoint(&[0; 12], &[12])), None);
        let wild = Atoms {
            unit_nm: [[f64::MAX, 0.0, 0.0], [0.0, f64::MAX, 0.0], [-f64::MAX, f64::MAX, 1.0]],
            ..atoms()
        };
        let text = scene(&wild, &checkpoint(&[u32::MAX; 12], &[4, 3])).unwrap();
        assert!(text.contains("\"at\":["), "{text}");
    }
}
