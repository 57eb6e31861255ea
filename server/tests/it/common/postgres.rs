//! A throwaway PostgreSQL cluster: initdb into a temporary folder, a socket there, gone with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub struct Cluster {
    folder: tempfile::TempDir,
    options: Vec<String>,
    server: Mutex<Child>,
}

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`, where there is such a user.
fn command(program: &Path) -> Command {
    let own = Command::new("id").arg("-u").output().expect("id runs");
    if own.stdout.trim_ascii() == b"0" {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Starts the server of a cluster in a folder.
fn spawn(folder: &Path, options: &[String]) -> Child {
    let bin = binaries().expect("found before");
    command(&bin.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses="])
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres starts")
}

impl Cluster {
    /// A cluster that forgets what a power cut would take; none, and a printed word, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&["-F"])
    }

    /// The same, with options of its own.
    pub fn start_with(options: &[&str]) -> Option<Self> {
        let Some(bin) = binaries() else {
            let skip = "skipped: PostgreSQL's binaries (initdb, postgres) are not installed";
            assert!(std::env::var_os("BATON_REQUIRE_POSTGRES").is_none(), "{skip}");
            println!("{skip}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").expect("a folder");
        let open = Command::new("chmod").arg("777").arg(folder.path()).status();
        assert!(open.is_ok_and(|status| status.success()));
        let data = folder.path().join("data");
        let made = command(&bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "baton", "-A", "trust", "-N"])
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "initdb");
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let server = Mutex::new(spawn(folder.path(), &options));
        let cluster = Self { folder, options, server };
        cluster.until_up();
        Some(cluster)
    }

    fn until_up(&self) {
        let socket = self.socket();
        for _ in 0..600 {
            if socket.exists() && self.try_sql("SELECT 1") {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL did not come up");
    }

    /// Ends the server as a crash does, with all of its connections, and starts it again.
    pub fn restart(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        self.stop();
        let _ended = server.wait().is_ok();
        *server = spawn(self.folder.path(), &self.options);
        self.until_up();
    }

    fn stop(&self) {
        let data = self.folder.path().join("data");
        if let Some(bin) = binaries() {
            let stop = command(&bin.join("pg_ctl"))
                .arg("-D")
                .arg(&data)
                .args(["-m", "immediate", "-w", "stop"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            // Nothing to be done about it here.
            let _stopped = stop.is_ok();
        }
    }

    fn try_sql(&self, sql: &str) -> bool {
        self.try_sql_in("postgres", sql)
    }

    /// Does something in a database. Whether it was done.
    pub fn try_sql_in(&self, database: &str, sql: &str) -> bool {
        let psql = binaries().expect("found before").join("psql");
        let status = Command::new(psql)
            .arg("-h")
            .arg(self.folder.path())
            .args(["-U", "baton", "-d", database, "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// The socket that the cluster listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// URL of a new, empty database.
    pub fn database(&self, name: &str) -> String {
        assert!(self.try_sql(&format!("CREATE DATABASE {name}")));
        self.database_url(name)
    }

    /// URL of a database that is there.
    pub fn database_url(&self, name: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://baton@{socket}/{name}")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        let server = self.server.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ended = server.wait().is_ok();
    }
}
