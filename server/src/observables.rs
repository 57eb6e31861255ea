//! The observables of a job over time, for its page: read from what its hosts committed, a little at each look, and kept small.
//!
//! Invariant: a number is shown only if the outputs that it is read from have the digest that their boundary covers. What is read at a time is bounded in time, bytes and
//! number, whatever hosts committed; a job that went back is read anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use package::outputs::outputs_digest;
use package::table::{Row, Table};
use protocol::http::JobView;
use protocol::http::lease::{COMMIT_ENTRIES_MAX, ChainLine};
use protocol::outputs::{self, Outputs};
use protocol::{ChainEntry, Digest, JobId};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::blob::{BlobError, read};
use crate::problem::{Answer, Fault};
use crate::submission;

/// Columns that are kept of a job, the first ones.
pub const COLUMNS_MAX: usize = 12;
/// Points that are kept of a job: with more, every second one goes.
const POINTS_MAX: usize = 600;
/// Jobs of which points are kept: with more, the one that was looked at longest ago goes.
const JOBS_MAX: usize = 64;
/// Jobs that are read at the same time.
const READERS: usize = 2;
/// For one look's reading.
const READING: Duration = Duration::from_millis(500);
/// How long a look waits for it.
const PATIENCE: Duration = Duration::from_millis(250);
/// Bytes of a commit's outputs, packed and unpacked: larger ones are not read.
const OUTPUTS_BYTES_MAX: u64 = 64 << 20;
/// Lines of the chain that are asked for at a time: one commit at least, and C0.
const LINES: u32 = COMMIT_ENTRIES_MAX as u32 + 1;

/// A column's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name of the column.
    pub name: String,
    /// Physical unit.
    pub unit: Option<String>,
}

/// The observables of a job, as far as they were read.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The columns.
    pub columns: Vec<Column>,
    /// Unit of the points' times; none where these are steps.
    pub time_unit: Option<String>,
    /// Time (or step), and a number for each column.
    pub points: Vec<(f64, Vec<Option<f64>>)>,
    /// Boundary up to which it was read.
    pub upto: u64,
    /// Segments whose outputs were not read: they are too large, gone, or not those that their boundary covers.
    pub left_out: u64,
    /// Digest of the boundary up to which it was read.
    pub(crate) last: Option<Digest>,
    /// Every so many rows are kept.
    pub(crate) stride: u64,
    pub(crate) rows: u64,
}

impl Series {
    fn of(table: &Table) -> Self {
        let column = |column: &package::manifest::Column| Column {
            name: column.name.clone(),
            unit: column.unit.clone(),
        };
        Self {
            columns: table.columns().take(COLUMNS_MAX).map(column).collect(),
            time_unit: table.time_unit().map(str::to_owned),
            stride: 1,
            ..Self::default()
        }
    }

    fn add(&mut self, rows: Vec<Row>) {
        for mut row in rows {
            if self.rows.is_multiple_of(self.stride) {
                row.cells.truncate(COLUMNS_MAX);
                self.points.push((row.time, row.cells));
            }
            self.rows += 1;
            if self.points.len() > POINTS_MAX {
                let mut keep = false;
                self.points.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride *= 2;
            }
        }
    }
}

/// What is kept of a job.
struct Kept {
    series: Arc<Series>,
    /// It is being read.
    busy: bool,
    looked: Instant,
}

/// The observables of the jobs that were looked at last.
pub struct Observables {
    kept: Mutex<BTreeMap<JobId, Kept>>,
    readers: Arc<Semaphore>,
}

impl Default for Observables {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }
}

impl Observables {
    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a job, and whether it may be read on now: then it counts as being read.
    fn begin(&self, job: &JobView) -> (Arc<Series>, bool) {
        let mut kept = self.kept();
        let looked = Instant::now();
        if !kept.contains_key(&job.job) && kept.len() >= JOBS_MAX {
            let oldest = kept.iter().filter(|(_, kept)| !kept.busy).min_by_key(|(_, kept)| kept.looked);
            if let Some(oldest) = oldest.map(|(job, _)| *job) {
                kept.remove(&oldest);
            }
        }
        let known = kept.entry(job.job).or_insert_with(|| Kept {
            series: Arc::default(),
            busy: false,
            looked,
        });
        known.looked = looked;
        let is_read = known.series.last.is_some() && known.series.last == job.chain;
        let reads = !is_read && !known.busy;
        known.busy |= reads;
        (Arc::clone(&known.series), reads)
    }

    fn end(&self, job: JobId, series: Option<Series>) {
        if let Some(kept) = self.kept().get_mut(&job) {
            kept.busy = false;
            if let Some(series) = series {
                kept.series = Arc::new(series);
            }
        }
    }

    fn get(&self, job: JobId) -> Option<Arc<Series>> {
        self.kept().get(&job).map(|kept| Arc::clone(&kept.series))
    }
}

/// The observables of a job, as far as they were read; reading goes on meanwhile. None where there are none.
pub async fn of(app: &Arc<App>, job: &JobView) -> Option<Arc<Series>> {
    job.chain?;
    let (known, reads) = app.observables.begin(job);
    if !reads {
        return Some(known);
    }
    let (app, job) = (Arc::clone(app), job.clone());
    let id = job.job;
    let reader = Arc::clone(&app);
    let Ok(permit) = Arc::clone(&app.observables.readers).try_acquire_owned() else {
        app.observables.end(id, None);
        return Some(known);
    };
    // It goes on, and ends in order, also when the one who looked is gone.
    let reading = tokio::spawn(async move {
        let _permit = permit;
        let done = read_on(&reader, &job, known).await;
        let done = done.inspect_err(|fault| tracing::debug!(job = %job.job, ?fault, "observables"));
        reader.observables.end(job.job, done.ok());
    });
    let _in_time = tokio::time::timeout(PATIENCE, reading).await;
    app.observables.get(id)
}

/// Reads on where a series ends, for a while.
async fn read_on(app: &Arc<App>, job: &JobView, known: Arc<Series>) -> Answer<Series> {
    let Some(table) = submission::table(app, job.archive).await? else {
        return Ok(Series {
            last: job.chain,
            ..Series::default()
        });
    };
    let mut series = match still_holds(app, job, &known).await? {
        true => Arc::unwrap_or_clone(known),
        false => Series::of(&table),
    };
    let until = Instant::now() + READING;
    loop {
        let (before, from) = (series.last, series.last.map_or(0, |_| series.upto + 1));
        let mut waiting: Vec<ChainEntry> = Vec::new();
        for ChainLine { entry, outputs } in app.engine.store.chain(job.job, from, LINES).await? {
            match (entry.segment, outputs) {
                // C0 puts nothing out.
                (0, None) => (series.upto, series.last) = (0, Some(entry.digest)),
                (_, None) => waiting.push(entry),
                (_, Some(blob)) => {
                    waiting.push(entry);
                    commit(app, &table, &mut series, std::mem::take(&mut waiting), blob).await?;
                }
            }
            if Instant::now() >= until {
                return Ok(series);
            }
        }
        if series.last == before {
            return Ok(series);
        }
    }
}

/// Whether the boundary up to which a series was read is in the job's chain still.
async fn still_holds(app: &App, job: &JobView, known: &Series) -> Answer<bool> {
    let Some(last) = known.last else { return Ok(false) };
    let lines = app.engine.store.chain(job.job, known.upto, 1).await?;
    Ok(lines.first().is_some_and(|line| line.entry.digest == last))
}

/// Adds what one commit put out.
async fn commit(app: &Arc<App>, table: &Table, series: &mut Series, entries: Vec<ChainEntry>, blob: Digest) -> Answer<()> {
    let Some(last) = entries.last().map(|entry| (entry.segment, entry.digest)) else {
        return Ok(());
    };
    let mut found = unpacked(app, blob).await?;
    for entry in entries.iter().filter(|entry| entry.segment > 0) {
        let of_segment = found
            .remove(&entry.segment)
            .filter(|outputs| outputs_digest(outputs) == entry.outputs);
        match of_segment {
            Some(outputs) => series.add(table.rows(entry.step, &outputs)),
            None => series.left_out += 1,
        }
    }
    (series.upto, series.last) = (last.0, Some(last.1));
    Ok(())
}

/// A blob of outputs; none where it is too large or gone.
async fn unpacked(app: &Arc<App>, blob: Digest) -> Answer<Outputs> {
    let size = app.blobs.size(blob).await?;
    let Some(packed) = size.filter(|size| *size <= OUTPUTS_BYTES_MAX) else {
        return Ok(Outputs::new());
    };
    let room = app.memory.take(packed.saturating_add(OUTPUTS_BYTES_MAX)).await?;
    let bytes = match read(app.blobs.as_ref(), blob, OUTPUTS_BYTES_MAX).await {
        Err(BlobError::Missing(_)) => return Ok(Outputs::new()),
        other => other?,
    };
    let unpacking = tokio::task::spawn_blocking(move || {
        let _room = room;
        outputs::unpack(&bytes, OUTPUTS_BYTES_MAX).unwrap_or_default()
    });
    unpacking.await.map_err(|error| Fault::unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_thinned_evenly_and_keeps_its_first_point() {
        let mut series = Series {
            stride: 1,
            ..Series::default()
        };
        let row = |step: u64| Row {
            step,
            time: step as f64,
            cells: vec![Some(step as f64)],
        };
        for segment in 0..100 {
            series.add((segment * 100..(segment + 1) * 100).map(row).collect());
        }
        assert!(
            (POINTS_MAX / 2..=POINTS_MAX).contains(&series.points.len()),
            "{}",
            series.points.len()
        );
        let times: Vec<f64> = series.points.iter().map(|(time, _)| *time).collect();
        let expected: Vec<f64> = (0..times.len()).map(|at| (at as u64 * series.stride) as f64).collect();
        assert_eq!(times, expected);
    }
}
