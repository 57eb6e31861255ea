//! Which server this is: its own name, which it keeps for good, and its life, which ends when it is restored from a backup.
//!
//! Both are kept in the store. A marker in the data folder says how far that life had come: the life, the number of the next event, and what
//! the file system says of the marker itself and a copy does not share: its number (inode, which a copy may have when the marker is gone), and when it was
//! created. A marker that is a copy, is of another life or knows later events than the store, or is missing beside a database in the folder, means
//! that the folder or the database comes from a backup or another machine; then a new life begins. What restores both below the file system (a
//! snapshot of a volume or a virtual machine) cannot be seen: `baton-server --restored` says so.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use protocol::http::{Orders, PROTOCOL, ServerView};
use protocol::{Digest, HostId};
use scheduler::{Core, Refusal};
use serde::{Deserialize, Serialize};

use crate::operate::RESTORED;
use crate::private;
use crate::store::{Store, StoreError};

/// Lives are below this: JSON readers that know doubles alone read them exactly.
const LIFE_END: u64 = 1 << 53;

/// Which server this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its own name: 32 hexadecimal digits.
    pub server: String,
    /// Which life of it; never 0.
    pub life: u64,
}

impl Identity {
    /// As anyone may know it.
    pub fn view(&self) -> ServerView {
        ServerView {
            server: self.server.clone(),
            life: self.life,
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            behind_ms: None,
            leader: None,
        }
    }

    /// Everything that a host should be doing now, and which server says so.
    ///
    /// # Errors
    /// No such host, or a banned one.
    pub fn orders(&self, core: &Core, host: HostId) -> Result<Orders, Refusal> {
        let mut orders = core.orders(host)?;
        orders.server.clone_from(&self.server);
        orders.life = self.life;
        Ok(orders)
    }
}

/// What the marker holds.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    life: u64,
    inode: u64,
    /// None from older versions, and where the file system does not know.
    #[serde(default)]
    created_ns: Option<u64>,
    events: u64,
}

/// The marker's place, and what the operator says of the folder.
#[derive(Clone, Debug)]
pub struct Home {
    marker: PathBuf,
    restored: bool,
    /// The store is in the folder as well.
    whole: bool,
}

impl Home {
    /// In a data folder. `restored`: it comes from a backup, whatever the marker says. `whole`: the store lies in it, so that a folder without a
    /// marker is no second folder of one database.
    pub fn new(data: &Path, restored: bool, whole: bool) -> Self {
        Self {
            marker: data.join("life"),
            restored,
            whole,
        }
    }

    /// The marker; none when there is none, or a copy.
    fn read(&self) -> io::Result<Option<Marker>> {
        let bytes = match std::fs::read(&self.marker) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let metadata = File::open(&self.marker)?.metadata()?;
        let (inode, created_ns) = (inode(&metadata), created_ns(&metadata));
        let marker: Option<Marker> = serde_json::from_slice(&bytes).ok();
        Ok(marker.filter(|marker| marker.inode == inode && (marker.created_ns.is_none() || marker.created_ns == created_ns)))
    }

    /// Says how far a life has come.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn mark(&self, life: u64, events: u64) -> io::Result<()> {
        let beside = self.marker.with_extension("new");
        let mut file = private::create(&beside)?;
        let metadata = file.metadata()?;
        let marker = Marker {
            life,
            inode: inode(&metadata),
            created_ns: created_ns(&metadata),
            events,
        };
        file.write_all(&serde_json::to_vec(&marker)?)?;
        file.sync_all()?;
        // Under its new name it is the same file.
        std::fs::rename(beside, &self.marker)
    }
}

/// The number of a file; 0 where files have none.
#[cfg(unix)]
pub(crate) fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// The number of a file; 0 where files have none.
#[cfg(not(unix))]
pub(crate) fn inode(_: &Metadata) -> u64 {
    0
}

/// When a file was created, Unix nanoseconds; none where the file system does not know.
fn created_ns(metadata: &Metadata) -> Option<u64> {
    let since = metadata.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Folder(io::Error::other(error)))?;
    Ok(bytes)
}

/// The key from which it follows what is checked, made up at the first start. It is the server's secret.
///
/// # Errors
/// The store does not answer, or the machine gives no random bytes.
pub async fn check_key(store: &dyn Store) -> Result<Digest, StoreError> {
    let known = store.facts().await?.get("check-key").and_then(|text| text.parse().ok());
    if let Some(key) = known {
        return Ok(key);
    }
    let key = Digest(random()?);
    store.put_fact("check-key".to_owned(), key.to_string()).await?;
    Ok(key)
}

/// Reads who this is; none before the first server of the store has begun.
///
/// # Errors
/// The store does not answer.
pub async fn read(store: &dyn Store) -> Result<Option<Identity>, StoreError> {
    Ok(of(&store.facts().await?))
}

/// Who this is, by what a store keeps.
pub(crate) fn of(facts: &BTreeMap<String, String>) -> Option<Identity> {
    let life = facts.get("life").and_then(|life| life.parse().ok());
    let server = facts.get("server").cloned();
    server.zip(life).map(|(server, life)| Identity { server, life })
}

/// Reads who this is, or makes it up at the first start. `events` is the number of the store's next event. Also whether a new life begins here,
/// with a state of an older one.
///
/// # Errors
/// The store or the folder does not answer, or the machine gives no random bytes.
pub async fn begin(store: &dyn Store, home: Option<&Home>, events: u64) -> Result<(Identity, bool), StoreError> {
    let facts: BTreeMap<String, String> = store.facts().await?;
    let server = match facts.get("server") {
        Some(server) => server.clone(),
        None => {
            let server = Digest::of(&random::<32>()?).to_string()[..32].to_owned();
            store.put_fact("server".to_owned(), server.clone()).await?;
            server
        }
    };
    let known: Option<u64> = facts.get("life").and_then(|life| life.parse().ok());
    let is_copy = facts.get(RESTORED).is_some_and(|value| value == "1");
    let restored = match (known, home) {
        (Some(_), _) if is_copy => true,
        (_, None) => false,
        (_, Some(home)) if home.restored => true,
        (None, _) => false,
        (Some(life), Some(home)) => {
            let marker = home.read().map_err(StoreError::Folder)?;
            marker.map_or(home.whole, |marker| marker.life != life || marker.events > events)
        }
    };
    if let (Some(life), false) = (known, restored) {
        return Ok((Identity { server, life }, false));
    }
    let life = u64::from_le_bytes(random()?) % (LIFE_END - 1) + 1;
    store.put_fact("life".to_owned(), life.to_string()).await?;
    if is_copy {
        store.put_fact(RESTORED.to_owned(), "0".to_owned()).await?;
    }
    Ok((Identity { server, life }, restored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn a_copy_an_older_state_and_a_word_of_the_operator_begin_a_new_life_and_a_restart_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = MemoryStore::default();
        let home = Home::new(folder.path(), false, true);
        let (first, restored) = begin(&store, Some(&home), 0).await.unwrap();
        assert!(!restored && first.life != 0 && first.server.len() == 32);
        home.mark(first.life, 10).unwrap();
        assert_eq!(begin(&store, Some(&home), 12).await.unwrap(), (first.clone(), false));

        let older = begin(&store, Some(&home), 9).await.unwrap();
        assert!(older.1 && older.0.life != first.life && older.0.server == first.server);
        home.mark(older.0.life, 9).unwrap();

        let kept = folder.path().join("kept");
        std::fs::copy(&home.marker, &kept).unwrap();
        std::fs::rename(&kept, &home.marker).unwrap();
        let (copied, restored) = begin(&store, Some(&home), 9).await.unwrap();
        assert!(restored, "a copy");
        // Written in place, it has the number of the marker that it was copied from.
        home.mark(copied.life, 9).unwrap();
        let mut marker: serde_json::Value = serde_json::from_slice(&std::fs::read(&home.marker).unwrap()).unwrap();
        assert!(!begin(&store, Some(&home), 9).await.unwrap().1);
        if let Some(created_ns) = marker["created_ns"].as_u64() {
            marker["created_ns"] = (created_ns - 1).into();
            std::fs::write(&home.marker, marker.to_string()).unwrap();
            assert!(
                begin(&store, Some(&home), 9).await.unwrap().1,
                "a copy that got the same number"
            );
        }
        std::fs::remove_file(&home.marker).unwrap();
        assert!(begin(&store, Some(&home), 9).await.unwrap().1, "no marker");
        let second = Home::new(folder.path(), false, false);
        assert!(
            !begin(&store, Some(&second), 9).await.unwrap().1,
            "another folder of the same database"
        );
        let said = Home::new(folder.path(), true, true);
        assert!(begin(&store, Some(&said), 9).await.unwrap().1, "the operator's word");
    }
}
