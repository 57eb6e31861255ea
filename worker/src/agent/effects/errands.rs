//! Jobs over the network: packages and checkpoints in, boundaries out. Each errand goes on until it is done or makes no sense any more, however
//! long the server is away.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kernels::package::Package;
use kernels::run::RunError;
use planner::{Boundary, Cause, Failure, Fetched, Trouble};
use protocol::http::{Commit, Committed, EndAttempt, Lease, Orders};
use protocol::outputs::{self, OUTPUTS_BYTES_MAX, Outputs};
use protocol::{AttemptId, Digest};
use reqwest::Method;

use super::threads;
use crate::agent::canary::Canary;
use crate::agent::job_folder::{CHECKPOINT_BYTES_MAX, JobFolder, JobStart};
use crate::agent::room::{Footprint, Room};
use crate::agent::signatures::Signer;
use crate::net::link::Link;
use crate::net::{Client, NetError, blobs};

pub(crate) const ARCHIVE_BYTES_MAX: u64 = 1 << 30;
/// Fetched files that no job needs are kept this long.
pub(crate) const KEEP: Duration = Duration::from_secs(3600);
/// The status of a commit whose blobs are not there, or not there any more.
const MISSING_BLOB: u16 = 412;
/// How often blobs are brought for one commit, and one that arrives wrong is fetched.
pub(crate) const TRIES: u32 = 5;

/// A lease's package, where it goes on, and what the planner needs to know of both.
pub(crate) struct Arrived {
    /// The package.
    pub(crate) package: Arc<Package>,
    /// The last good boundary here, with its state; until a thread takes it.
    pub(crate) start: Option<JobStart>,
    /// What is to be tried before it is computed.
    pub(crate) canary: Option<Canary>,
    /// For the planner.
    pub(crate) fetched: Fetched,
}

impl Arrived {
    fn new(package: Arc<Package>, start: JobStart, canary: Option<Canary>, folder: &JobFolder) -> Self {
        let fetched = Fetched {
            steps_per_segment: package.manifest().run.steps_per_segment,
            reached: start.journal.last().segment,
            boundaries: start.lines.iter().cloned().map(threads::boundary).collect(),
            checkpoints: folder.on_disk(),
        };
        Self {
            package,
            start: Some(start),
            canary,
            fetched,
        }
    }
}

/// The way to the server, and the folder of fetched files.
#[derive(Clone)]
pub(crate) struct Errands {
    /// The server.
    pub(crate) client: Client,
    /// Whether it answers.
    pub(crate) link: Arc<Link>,
    /// Fetched files, by digest.
    pub(crate) blobs: PathBuf,
    /// Folders of jobs, by attempt.
    pub(crate) jobs: PathBuf,
    /// One download at a time.
    pub(crate) downloading: Arc<tokio::sync::Mutex<()>>,
}

impl Errands {
    fn blob(&self, digest: Digest) -> PathBuf {
        self.blobs.join(digest.to_string())
    }

    /// Bring everything here that a lease needs before it can be computed, and open the job's journal. What is here already is used. The
    /// checkpoint to begin from is read, unpacked and digested once, here. A job for which there is no room is refused before that.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(crate) async fn fetch(&self, lease: Lease, room: Room) -> Result<Box<Arrived>, Trouble> {
        let path = self.jobs.join(lease.attempt.to_string());
        let folder = blocking(move || JobFolder::create(&path).map_err(ours)).await?;
        let archive = folder.archive();
        // One that was damaged here is not the package's fault.
        let (there, wanted) = (archive.clone(), lease.archive);
        let is_whole = blocking(move || Ok(blobs::digest_of(&there).is_ok_and(|found| found == wanted))).await?;
        if !is_whole {
            self.download(lease.archive, ARCHIVE_BYTES_MAX.min(room.disk_bytes)).await?;
            folder.adopt(&self.blob(lease.archive), &archive).map_err(ours)?;
        }
        let (wanted, class, canary) = (lease.package, lease.class, Canary::of(&lease));
        let (package, here) = {
            let folder = folder.clone();
            blocking(move || {
                let package = load(&archive, wanted)?;
                // What is of the job on disk is in use already.
                let begun = !folder.on_disk().is_empty();
                let disk_bytes = if begun { u64::MAX } else { room.disk_bytes };
                if lease
                    .until_segment
                    .checked_mul(package.manifest().run.steps_per_segment)
                    .is_none()
                {
                    let text = format!(
                        "it has {} segments, whose steps are more than can be counted",
                        lease.until_segment
                    );
                    return Err(failed(Cause::Package, text));
                }
                if let Some(why) = Footprint::of(&package).why_not(Room { disk_bytes, ..room }) {
                    return Err(ours_text(why));
                }
                let here = folder.open(&package, class).unwrap_or_else(|error| {
                    tracing::warn!("{error}; the job begins again from what the server has");
                    None
                });
                Ok((package, here))
            })
            .await?
        };
        let safe = lease.checkpoint;
        let is_newer = |start: &JobStart| {
            let last = start.journal.last().segment;
            safe.as_ref().is_none_or(|safe| safe.entry.segment <= last)
        };
        if let Some(start) = here.filter(is_newer) {
            return Ok(Box::new(Arrived::new(package, start, canary, &folder)));
        }
        let Some(safe) = safe else {
            return blocking(move || {
                let start = folder.begin(&package, class).map_err(ours)?;
                Ok(Box::new(Arrived::new(package, start, canary, &folder)))
            })
            .await;
        };
        self.download(safe.blob, CHECKPOINT_BYTES_MAX.min(room.disk_bytes)).await?;
        folder.adopt(&self.blob(safe.blob), &folder.start()).map_err(ours)?;
        blocking(move || {
            let found = kernels::run::read_checkpoint(&folder.start(), &package);
            let found = found.map_err(|error| failed(Cause::Unknown, error.to_string()))?;
            if found.class != class || found.entry != safe.entry {
                let text = format!(
                    "the checkpoint is of class {}, boundary {}; the lease is for class {class}, boundary {}",
                    found.class, found.entry.segment, safe.entry.segment
                );
                return Err(failed(Cause::Mismatch, text));
            }
            let start = folder.begin_at(&package, found).map_err(ours)?;
            Ok(Box::new(Arrived::new(package, start, canary, &folder)))
        })
        .await
    }

    async fn download(&self, digest: Digest, bytes_max: u64) -> Result<(), Trouble> {
        let _alone = self.downloading.lock().await;
        let path = self.blob(digest);
        let mut tries = 0;
        loop {
            tries += 1;
            let down = || blobs::download(&self.client, digest, &path, bytes_max);
            match self.link.insist(down).await {
                // A bit may have been lost on the way; what comes wrong every time is wrong where it comes from.
                Err(NetError::Corrupt(why)) if tries < TRIES => tracing::warn!("{why}: it is fetched again"),
                Err(error @ NetError::Corrupt(_)) => {
                    return Err(failed(Cause::Unknown, format!("{error}, {TRIES} times")));
                }
                done => return done.map_err(trouble),
            }
        }
    }

    /// Bring boundaries home: the last one's checkpoint and all outputs, then the commit, under this host's signature.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(crate) async fn commit(
        &self,
        folder: JobFolder,
        (attempt, epoch): (AttemptId, u64),
        boundaries: Vec<Boundary>,
        signer: Option<Signer>,
    ) -> Result<Committed, Trouble> {
        let last = boundaries.last();
        let last = last.and_then(|last| Some((folder.checkpoint(last.entry.segment), last.checkpoint?)));
        let word = boundaries.last().zip(signer.as_ref());
        let signature = word.map(|(last, signer)| signer.sign(attempt, epoch, &last.entry));
        let Some((path, checkpoint)) = last else {
            return Err(failed(Cause::Unknown, "a boundary without a checkpoint"));
        };
        let with_outputs = boundaries.iter().filter(|boundary| boundary.output_bytes > 0);
        let segments: Vec<u64> = with_outputs.map(|boundary| boundary.entry.segment).collect();
        let outputs = match segments.is_empty() {
            true => None,
            false => Some(blocking(move || gather(&folder, &segments)).await?),
        };
        let commit = Commit {
            epoch,
            computed_ms: boundaries.iter().fold(0, |sum, boundary| sum.saturating_add(boundary.ms)),
            entries: boundaries.into_iter().map(|boundary| boundary.entry).collect(),
            checkpoint,
            outputs: outputs.as_ref().map(|(_, digest)| *digest),
            signature,
        };
        let route = format!("/v1/attempts/{attempt}/commit");
        let mut tries = 0;
        loop {
            tries += 1;
            let up = async || blobs::upload_file(&self.client, &path, checkpoint).await;
            self.link.insist(up).await.map_err(trouble)?;
            if let Some((bytes, digest)) = &outputs {
                let up = async || blobs::upload_bytes(&self.client, bytes, *digest).await;
                self.link.insist(up).await.map_err(trouble)?;
            }
            match self.link.insist(|| self.client.send(Method::POST, &route, &commit)).await {
                // A server with a full disk let go of the first while the second was on its way.
                Err(error) if error.status() == MISSING_BLOB && tries < TRIES => {}
                committed => return committed.map_err(trouble),
            }
        }
    }

    /// Say that an attempt has stopped here.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(crate) async fn end(&self, attempt: AttemptId, end: EndAttempt) -> Result<Orders, Trouble> {
        let route = format!("/v1/attempts/{attempt}/end");
        let told = self.link.insist(|| self.client.send(Method::POST, &route, &end)).await;
        told.map_err(trouble)
    }

    /// Remove fetched files that no job needs.
    pub(crate) fn sweep(&self, needed: &BTreeSet<Digest>) {
        let now = SystemTime::now();
        for entry in fs::read_dir(&self.blobs).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest: Option<Digest> = name.split('.').next().and_then(|name| name.parse().ok());
            let age = entry.metadata().and_then(|metadata| metadata.modified());
            let old = age.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > KEEP));
            if old && digest.is_none_or(|digest| !needed.contains(&digest)) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

/// The outputs of these segments as one blob, with its digest.
fn gather(folder: &JobFolder, segments: &[u64]) -> Result<(Vec<u8>, Digest), Trouble> {
    let mut all = Outputs::new();
    for segment in segments {
        let path = folder.outputs(*segment);
        let bytes = fs::read(&path).map_err(|error| ours_text(format!("{}: {error}", path.display())))?;
        let one =
            outputs::unpack(&bytes, OUTPUTS_BYTES_MAX).map_err(|error| ours_text(format!("{}: {error}", path.display())))?;
        all.extend(one);
    }
    let blob = outputs::pack(all).map_err(|error| ours_text(error.to_string()))?;
    let digest = Digest::of(&blob);
    Ok((blob, digest))
}

fn load(archive: &Path, wanted: Digest) -> Result<Arc<Package>, Trouble> {
    let bytes = fs::read(archive).map_err(|error| ours_text(format!("{}: {error}", archive.display())))?;
    let package = Package::from_archive(&bytes);
    let package = package.map_err(|error| failed(Cause::Package, format!("bad package: {error}")))?;
    if package.digest() != wanted {
        let text = format!("the archive holds package {}, the lease is for {wanted}", package.digest());
        return Err(failed(Cause::Package, text));
    }
    Ok(Arc::new(package))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(failed(
            Cause::Unknown,
            format!("a task of this agent panicked, which is a fault of baton, not of the job: {error}"),
        )),
    }
}

fn failed(cause: Cause, text: impl Into<String>) -> Trouble {
    Trouble::Failed(Failure::new(cause, text))
}

/// Something of this machine, not of the job: others may take it.
fn ours_text(text: String) -> Trouble {
    failed(Cause::Host, text)
}

fn ours(error: RunError) -> Trouble {
    ours_text(error.to_string())
}

fn trouble(error: NetError) -> Trouble {
    let text = error.to_string();
    match (&error, error.status()) {
        (_, 401 | 403) => Trouble::UnknownHost(text),
        (_, 404 | 409 | 410) => Trouble::LeaseOver(text),
        (NetError::File(_), _) => ours_text(text),
        // A boundary that does not follow: this device computed something else.
        (_, 422) => failed(Cause::Mismatch, text),
        _ => failed(Cause::Unknown, text),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};

    use protocol::http::Action;
    use protocol::{HardwareClass, JobId, Tier};

    use super::*;
    use crate::net::hostile;

    fn errands(url: &str, place: &Path) -> Errands {
        Errands {
            client: Client::new(url, "secret", None).unwrap(),
            link: Arc::new(Link::new(Duration::from_millis(10))),
            blobs: place.join("blobs"),
            jobs: place.join("jobs"),
            downloading: Arc::default(),
        }
    }

    #[tokio::test]
    async fn a_package_that_was_damaged_on_this_disk_is_fetched_again_and_not_the_scientists_fault() {
        let package = kernels::examples::load("ising").unwrap();
        let bytes = package.to_archive().unwrap();
        let archive = Digest::of(&bytes);
        let url = hostile::serve(move |_, stream| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                bytes.len()
            );
            drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes)));
        });
        let place = tempfile::tempdir().unwrap();
        let errands = errands(&url, place.path());
        fs::create_dir_all(&errands.blobs).unwrap();
        let class = HardwareClass {
            tier: Tier::Portable,
            key: archive,
        };
        let lease = Lease {
            job: JobId(1),
            attempt: AttemptId(7),
            epoch: 1,
            batch: AttemptId(7),
            device: "cpu".into(),
            action: Action::Run,
            reason: String::new(),
            name: String::new(),
            package: package.digest(),
            archive,
            checkpoint: None,
            class,
            until_segment: 5,
            commit_every_s: 30,
            canary: None,
            signed: None,
        };
        let room = Room {
            ram_bytes: u64::MAX,
            disk_bytes: u64::MAX,
        };
        for damage in [&b""[..], b"nonsense"] {
            for place in [errands.jobs.join("7/package.bundle"), errands.blob(archive)] {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, damage).unwrap();
            }
            let fetched = errands.fetch(lease.clone(), room).await;
            let fetched = fetched.unwrap_or_else(|trouble| panic!("{trouble:?}"));
            assert_eq!(fetched.package.digest(), package.digest());
        }
    }

    #[tokio::test]
    async fn a_blob_that_always_comes_wrong_is_fetched_five_times_and_not_for_ever() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let url = hostile::serve(move |_, stream| {
            count.fetch_add(1, Ordering::Relaxed);
            let wrong = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwrong";
            drop(stream.write_all(wrong.as_bytes()));
        });
        let place = tempfile::tempdir().unwrap();
        let errands = errands(&url, place.path());
        fs::create_dir_all(&errands.blobs).unwrap();
        let wanted = Digest::of(b"right");
        let fetched = tokio::time::timeout(Duration::from_secs(20), errands.download(wanted, 100)).await;
        let Err(Trouble::Failed(failure)) = fetched.expect("it ends") else {
            panic!("it is another blob")
        };
        assert_eq!(asked.load(Ordering::Relaxed), TRIES);
        assert!(
            failure.text.contains(&wanted.to_string()) && failure.text.contains("5 times"),
            "{}",
            failure.text
        );
        assert_eq!(fs::read_dir(&errands.blobs).unwrap().count(), 0, "nothing of it stays");
    }
}
