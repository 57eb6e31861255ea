//! The state folder: identity, last orders, a person's request, status.
//!
//! | file | holds |
//! |---|---|
//! | `lock` | held by the agent that runs |
//! | `host.json` | server, number and token of this host (mode 0600) |
//! | `orders.json` | the last orders: a restart goes on with them before the server answers |
//! | `request.json` | what `pause`, `resume` and `finish` asked for; it holds until the next request, also over a restart |
//! | `status.json` | what `status` shows, written every second |
//! | `contributed.json` | work contributed so far |
//! | `jobs/`, `blobs/` | jobs by attempt, fetched files by digest |

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use kernels::run::disk;
use planner::{Request, Time};
use protocol::HostId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::machine;

const FILE_BYTES_MAX: u64 = 16 << 20;

/// Who we are to a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The server's URL.
    pub(crate) server: String,
    /// Our number there.
    pub(crate) host: HostId,
    /// Our own token.
    pub(crate) token: String,
}

/// What a person asked for, as the state folder keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "mode")]
pub(crate) enum Asked {
    /// Compute whenever the preferences let it.
    #[default]
    Run,
    /// Do not compute.
    Pause {
        /// For so many milliseconds; none until told otherwise.
        for_ms: Option<u64>,
        /// Unix time of the request, milliseconds. It only ever shortens what is left: a clock that was set back lengthens nothing.
        at_ms: u64,
    },
    /// Complete the jobs that are here, take no more, and end.
    Finish,
}

impl Asked {
    /// Milliseconds that are left of a pause at this Unix time; none where it is no pause, or one without an end.
    pub(crate) fn left_ms(self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Pause {
                for_ms: Some(for_ms),
                at_ms,
            } => Some(for_ms.saturating_sub(now_ms.saturating_sub(at_ms))),
            _ => None,
        }
    }

    /// As the planner takes it at this moment: from here on its length counts by a clock that never goes back.
    pub(crate) fn request(self, now: Time) -> Request {
        match self {
            Self::Run => Request::Run,
            Self::Finish => Request::Finish,
            Self::Pause { .. } => Request::Pause {
                until: self.left_ms(machine::now_ms()).map(|left| now.after(left)),
            },
        }
    }
}

/// The state folder.
#[derive(Clone, Debug)]
pub(crate) struct StateFolder(PathBuf);

impl StateFolder {
    /// The folder, made if need be, and readable by its owner alone.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        for folder in [path.to_owned(), path.join("jobs"), path.join("blobs")] {
            fs::create_dir_all(&folder).with_context(|| format!("state folder {}", folder.display()))?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).with_context(|| path.display().to_string())?;
        }
        Ok(Self(path.to_owned()))
    }

    /// A place in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Be the one agent that works here.
    ///
    /// # Errors
    /// Another one does.
    pub(crate) fn lock(&self) -> anyhow::Result<File> {
        let path = self.join("lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => bail!(
                "an agent runs in {} already: `baton worker status` shows it; a second one needs a folder of its own (--state DIR)",
                self.0.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Whether an agent works here.
    pub(crate) fn is_locked(&self) -> bool {
        let Ok(file) = File::open(self.join("lock")) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// What a file holds; none when it is not there or not whole.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let bytes = disk::read(&self.join(name), FILE_BYTES_MAX).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Replace a file durably.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn write(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(disk::replace(&self.join(name), &serde_json::to_vec_pretty(value)?)?)
    }

    /// Replace a file that may be lost in a power cut.
    pub(crate) fn write_lightly(&self, name: &str, value: &impl Serialize) {
        let path = self.join(name);
        let temporary = path.with_extension("tmp");
        let bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
        if fs::write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, &path))
            .is_err()
        {
            tracing::warn!("cannot write {}", path.display());
        }
    }

    /// Keep this host's identity, in a file that its owner alone may read.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn write_identity(&self, identity: &Identity) -> anyhow::Result<()> {
        let path = self.join("host.json");
        let temporary = self.join("host.tmp");
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || -> std::io::Result<()> {
            let mut file = options.open(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(identity)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().with_context(|| path.display().to_string())
    }

    /// Bytes of all that lies in it.
    pub(crate) fn bytes(&self) -> u64 {
        fn below(path: &Path) -> u64 {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let sizes = entries.map(|entry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => below(&entry.path()),
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            });
            sizes.sum()
        }
        below(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_agent_works_in_a_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(&place.path().join("state")).unwrap();
        assert!(!folder.is_locked());
        let lock = folder.lock().unwrap();
        assert!(folder.is_locked());
        assert!(folder.lock().unwrap_err().to_string().contains("--state"));
        drop(lock);
        assert!(!folder.is_locked());
    }

    #[test]
    fn a_request_outlives_a_restart_and_torn_files_are_none() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(place.path()).unwrap();
        assert_eq!(folder.read::<Asked>("request.json"), None);
        let asked = Asked::Pause {
            for_ms: Some(7),
            at_ms: 1,
        };
        folder.write("request.json", &asked).unwrap();
        assert_eq!(folder.read("request.json"), Some(asked));
        fs::write(folder.join("request.json"), "{\"mode\":").unwrap();
        assert_eq!(folder.read::<Asked>("request.json"), None);
    }

    #[test]
    fn a_pause_lasts_no_longer_than_asked_for_whatever_the_clock_says() {
        let month_ms = 30 * 86_400_000;
        let asked = Asked::Pause {
            for_ms: Some(60_000),
            at_ms: 2 * month_ms,
        };
        assert_eq!(asked.left_ms(2 * month_ms + 20_000), Some(40_000));
        assert_eq!(asked.left_ms(month_ms), Some(60_000), "the clock was a month ahead");
        assert_eq!(asked.left_ms(3 * month_ms), Some(0));
        assert_eq!(asked.request(Time(5)), Request::Pause { until: Some(Time(5)) }, "long ago");
    }
}
