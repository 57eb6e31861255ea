//! The state folder: identity, last orders, a person's request, status.
//!
//! | file | holds |
//! |---|---|
//! | `lock` | held by the agent that runs |
//! | `servers/ID/` | what is of one server, by the server's own id, whatever its URL is |
//! | `servers/ID/host.json` | URL, id, number and token of this host there (mode 0600) |
//! | `servers/ID/orders.json` | the last orders: a restart goes on with them before the server answers |
//! | `servers/ID/keys.json` | the newest key list that was seen there: its root key stays |
//! | `servers/ID/enrol.json` | the key of a registration that was not answered yet |
//! | `servers/ID/jobs/` | jobs by attempt |
//! | `host.key` | the secret key with which this host signs what it commits (mode 0600) |
//! | `request.json` | what `pause`, `resume` and `finish` asked for; it holds until the next request, also over a restart |
//! | `status.json` | what `status` shows, written every second |
//! | `contributed.json` | work contributed so far |
//! | `history.json` | work contributed day by day |
//! | `traffic.json` | bytes over the network in this month |
//! | `blobs/` | fetched files by digest |
//!
//! Folders of before, which knew servers by their URLs alone, have these files at the top; [`StateFolder::open`] moves them.

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
use crate::exit::Usage;
use crate::net::ServerId;

pub(crate) const FILE_BYTES_MAX: u64 = 16 << 20;

/// Who we are to a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The server's URL, as it was last reached.
    pub(crate) server: String,
    /// The server's own id; none where it had none then.
    #[serde(default)]
    pub(crate) id: Option<ServerId>,
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
    /// The folder as it is, whether or not it is one: nothing is made or changed.
    pub(crate) fn view(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder, made if need be, and readable by its owner alone.
    ///
    /// # Errors
    /// It cannot be made, or it is a folder of something else.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        refuse_foreign(path)?;
        for folder in [path.to_owned(), path.join("servers"), path.join("blobs")] {
            fs::create_dir_all(&folder).with_context(|| format!("state folder {}", folder.display()))?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).with_context(|| path.display().to_string())?;
        }
        let folder = Self(path.to_owned());
        folder.move_old_files()?;
        Ok(folder)
    }

    /// Move what an earlier version kept at the top to its server's folder, the identity last: a crash in between moves the rest later.
    fn move_old_files(&self) -> anyhow::Result<()> {
        let Some(own) = self.read::<Identity>("host.json") else {
            return Ok(());
        };
        let home = self.home(own.id.as_ref(), &own.server)?;
        for name in ["jobs", "orders.json", "enrol.json", "host.json"] {
            let (from, to) = (self.join(name), home.join(name));
            if from.exists() && !to.exists() {
                fs::rename(&from, &to).with_context(|| format!("moving {} to {}", from.display(), to.display()))?;
            }
        }
        Ok(())
    }

    /// The folder of one server, made if need be: by its id, or by its URL where it has none.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn home(&self, id: Option<&ServerId>, url: &str) -> anyhow::Result<Self> {
        let path = self.join("servers").join(match id {
            Some(id) => id.as_str().to_owned(),
            None => format!("url-{}", protocol::Digest::of(url.as_bytes()).short()),
        });
        fs::create_dir_all(&path).with_context(|| format!("state folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// The folder of no server: it is not made.
    pub(crate) fn unregistered(&self) -> Self {
        Self(self.join("servers").join("none"))
    }

    /// Give a server's folder the name of the id that the server now has.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn rename_home(&self, from: &Self, id: &ServerId) -> anyhow::Result<Self> {
        let to = self.join("servers").join(id.as_str());
        if !to.exists() {
            fs::rename(from.path(), &to).with_context(|| format!("moving {} to {}", from.path().display(), to.display()))?;
        }
        Ok(Self(to))
    }

    /// What this host is at every server that it was registered with, each with its folder, by the folder's name.
    pub(crate) fn identities(&self) -> Vec<(Identity, Self)> {
        let folders = fs::read_dir(self.join("servers")).into_iter().flatten().flatten();
        let mut homes: Vec<Self> = folders.map(|folder| Self(folder.path())).collect();
        homes.sort_by(|a, b| a.0.cmp(&b.0));
        let own = |home: Self| Some((home.read("host.json")?, home));
        homes.into_iter().filter_map(own).collect()
    }

    /// Files that should say what this host is at a server, and cannot be read.
    pub(crate) fn damaged_identities(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.join("servers")).into_iter().flatten().flatten();
        let homes = folders.map(|folder| Self(folder.path()));
        let damaged = homes.filter(|home| home.join("host.json").exists() && home.read::<Identity>("host.json").is_none());
        damaged.map(|home| home.join("host.json")).collect()
    }

    /// Folders of jobs in this folder of a server.
    pub(crate) fn job_folders(&self) -> usize {
        fs::read_dir(self.join("jobs")).into_iter().flatten().count()
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

/// What a state folder holds from its first start on, and had at its top in earlier versions.
const SIGNS: [&str; 4] = ["servers", "lock", "host.json", "request.json"];

/// A folder with other things in it is not made one of ours: its permissions would change, and what lies in it would count as the jobs'.
fn refuse_foreign(path: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // A new file system has that one.
    let mut foreign = entries.map(|entry| entry.file_name()).filter(|name| name != "lost+found");
    let Some(first) = foreign.next() else { return Ok(()) };
    if SIGNS.iter().any(|sign| path.join(sign).exists()) {
        return Ok(());
    }
    bail!(Usage(format!(
        "{} is no state folder of an agent, and not empty ({} lies in it): name a new folder, an empty one, or that of an agent, with --state DIR",
        path.display(),
        first.display()
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_of_something_else_is_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("lost+found")).unwrap();
        fs::create_dir(place.path().join("letters")).unwrap();
        let message = StateFolder::open(place.path()).unwrap_err().to_string();
        assert!(message.contains("letters") && message.contains("--state"), "{message}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing is made");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let open = fs::Permissions::from_mode(0o755);
            fs::set_permissions(place.path(), open.clone()).unwrap();
            drop(StateFolder::open(place.path()).unwrap_err());
            let mode = fs::metadata(place.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, open.mode());
        }
        fs::remove_dir(place.path().join("letters")).unwrap();
        StateFolder::open(place.path()).unwrap();
    }

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
    fn a_folder_of_before_is_moved_to_its_servers_folder_whole() {
        let place = tempfile::tempdir().unwrap();
        let own = "{\"server\":\"http://a\",\"host\":3,\"token\":\"t\"}";
        fs::write(place.path().join("host.json"), own).unwrap();
        fs::write(place.path().join("orders.json"), "{}").unwrap();
        fs::create_dir_all(place.path().join("jobs/7")).unwrap();
        let folder = StateFolder::open(place.path()).unwrap();
        let (identity, home) = folder.identities().remove(0);
        assert_eq!((identity.host, identity.id), (HostId(3), None));
        assert!(home.join("jobs/7").is_dir() && home.join("orders.json").is_file());
        assert!(!place.path().join("host.json").exists() && !place.path().join("jobs").exists());
        let id = ServerId::parse(&"ab".repeat(32)).unwrap();
        let named = folder.rename_home(&home, &id).unwrap();
        assert!(named.join("jobs/7").is_dir() && folder.identities().len() == 1);
    }

    #[test]
    fn an_identity_that_cannot_be_read_is_named() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateFolder::open(place.path()).unwrap();
        let home = folder.home(ServerId::parse(&"ab".repeat(16)).as_ref(), "http://a").unwrap();
        assert!(folder.damaged_identities().is_empty());
        fs::write(home.join("host.json"), "{\"server\":").unwrap();
        assert_eq!(folder.damaged_identities(), [home.join("host.json")]);
        assert!(folder.identities().is_empty());
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

    proptest! {
        #[test]
        fn no_stored_time_and_no_clock_makes_a_pause_longer(for_ms: Option<u64>, at_ms: u64, now_ms: u64, later: u64, begun: u64) {
            let asked = Asked::Pause { for_ms, at_ms };
            let left = asked.left_ms(now_ms);
            prop_assert_eq!(left.is_some(), for_ms.is_some());
            prop_assert!(left <= for_ms);
            prop_assert!(asked.left_ms(now_ms.saturating_add(later)) <= left, "time passes");
            let Request::Pause { until } = asked.request(Time(begun)) else { return Err(TestCaseError::fail("no pause")) };
            prop_assert!(until.is_none_or(|until| until.since(Time(begun)) <= for_ms.unwrap_or(0)));
            let text = serde_json::to_string(&asked).unwrap();
            prop_assert_eq!(serde_json::from_str::<Asked>(&text).unwrap(), asked);
        }
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
