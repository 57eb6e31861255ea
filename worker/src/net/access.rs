//! Which server, with which token: flags, then environment, then the configuration file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use etcetera::BaseStrategy;
use serde::Deserialize;

use super::Client;
use super::projects::Project;
use crate::exit::Usage;

pub(crate) const CONFIG_BYTES_MAX: u64 = 1 << 20;
pub(crate) const TOKEN_BYTES_MAX: u64 = 1 << 12;

/// Where the server is, and who asks.
#[derive(Args, Clone, Debug)]
pub(crate) struct Access {
    /// The server's URL; several with commas between them, where several programs serve one database.
    #[arg(long, env = "BATON_SERVER", value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// The token. Other users of this machine can see it here: prefer --token-file.
    #[arg(long, env = "BATON_TOKEN", value_name = "TOKEN", hide_env_values = true, global = true)]
    pub(crate) token: Option<String>,
    /// A file that holds the token.
    #[arg(long, env = "BATON_TOKEN_FILE", value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust instead of the system's, a PEM file: for a server with a certificate of its own.
    #[arg(long, env = "BATON_CA_FILE", value_name = "FILE", global = true)]
    pub(crate) ca_file: Option<PathBuf>,
    /// The configuration file; `baton/config.toml` in the platform's configuration folder by default.
    #[arg(long, env = "BATON_CONFIG", value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

/// The part of the configuration file that says where the server is, at its top or in the section of a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    server: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    scientist: Role,
    #[serde(default)]
    worker: toml::Table,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    server: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
}

/// Server, token and certificate, from options, environment and configuration file.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The server's URL.
    pub(crate) server: String,
    /// The token, where there is one.
    pub(crate) token: Option<String>,
    /// Certificates to trust.
    pub(crate) ca: Option<PathBuf>,
}

impl Access {
    /// The configuration file's place.
    ///
    /// # Errors
    /// There is no home folder, and none was named.
    pub(crate) fn config_path(&self) -> anyhow::Result<PathBuf> {
        match &self.config {
            Some(path) => Ok(path.clone()),
            None => Ok(strategy()?.config_dir().join("baton").join("config.toml")),
        }
    }

    /// The configuration file; an empty one where there is none.
    ///
    /// # Errors
    /// It is not what it should be, with the line.
    pub(crate) fn config_file(&self) -> anyhow::Result<ConfigFile> {
        let path = self.config_path()?;
        if self.config.is_none() && !path.exists() {
            return Ok(ConfigFile::default());
        }
        let bytes = kernels::run::disk::read(&path, CONFIG_BYTES_MAX)?;
        let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))?;
        toml::from_str(&text).map_err(|error| Usage(format!("{}: {error}", path.display())).into())
    }

    /// Server and token for the scientist's commands.
    ///
    /// # Errors
    /// Something is missing, with what to do about it.
    pub(crate) fn scientist(&self) -> anyhow::Result<Client> {
        let file = self.config_file()?;
        let role = file.scientist.clone();
        let found = self.merge(&file, role)?;
        let token = found.token.ok_or_else(|| {
            Usage("no token: give --token-file FILE (the server wrote scientist.token at its first start), set BATON_TOKEN_FILE, or write token_file into the configuration file".into())
        })?;
        Client::new(&found.server, &token, found.ca.as_deref())
    }

    /// The preferences in the configuration file.
    ///
    /// # Errors
    /// The file is wrong.
    pub(crate) fn preferences(&self) -> anyhow::Result<toml::Table> {
        let mut table = self.config_file()?.worker;
        ["server", "token", "token_file"]
            .iter()
            .for_each(|key| drop(table.remove(*key)));
        Ok(table)
    }

    /// Server and enrolment token for the agent.
    ///
    /// # Errors
    /// No server is named, or the file is wrong.
    pub(crate) fn worker(&self) -> anyhow::Result<Found> {
        let file = self.config_file()?;
        let role = self.worker_role(&file)?;
        self.merge(&file, role)
    }

    /// Server and enrolment token of one of several projects. A token or a certificate that was given for a server alone is nothing of theirs.
    ///
    /// # Errors
    /// A server is named beside the projects, or the project's token file cannot be read.
    pub(crate) fn project(&self, project: &Project) -> anyhow::Result<Found> {
        let file = self.config_file()?;
        if let Some(server) = self.server.clone().or(self.worker_role(&file)?.server) {
            return Err(Usage(format!(
                "found the server {server} beside projects, expected either: name it as a project, with --project or in projects of [worker]"
            ))
            .into());
        }
        let token = project.token_file.as_deref().map(token_in).transpose()?;
        Ok(Found {
            server: project.server.clone(),
            token: token.filter(|token| !token.is_empty()),
            ca: project.ca_file.clone(),
        })
    }

    fn worker_role(&self, file: &ConfigFile) -> anyhow::Result<Role> {
        let text = |key: &str| -> anyhow::Result<Option<String>> {
            match file.worker.get(key) {
                None => Ok(None),
                Some(toml::Value::String(text)) => Ok(Some(text.clone())),
                Some(other) => Err(Usage(format!("configuration file: worker.{key} is {other}, expected a text")).into()),
            }
        };
        Ok(Role {
            server: text("server")?,
            token: text("token")?,
            token_file: text("token_file")?.map(PathBuf::from),
        })
    }

    fn merge(&self, file: &ConfigFile, role: Role) -> anyhow::Result<Found> {
        let server = self.server.clone().or(role.server).or_else(|| file.server.clone());
        let server = server.ok_or_else(|| {
            let path = self
                .config_path()
                .map_or_else(|_| "the configuration file".into(), |path| path.display().to_string());
            Usage(format!(
                "no server: give --server URL, set BATON_SERVER, or write server = \"URL\" into {path}"
            ))
        })?;
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(path)) => Some(token_in(path)?),
            (None, None) => match (
                role.token.or_else(|| file.token.clone()),
                role.token_file.or_else(|| file.token_file.clone()),
            ) {
                (Some(token), _) => Some(token),
                (None, Some(path)) => Some(token_in(&path)?),
                (None, None) => None,
            },
        };
        Ok(Found {
            server,
            token: token.filter(|token| !token.is_empty()),
            ca: self.ca_file.clone().or_else(|| file.ca_file.clone()),
        })
    }
}

/// The token that a file holds.
fn token_in(path: &Path) -> anyhow::Result<String> {
    let wrong = |problem: String| {
        Usage(format!(
            "token file {}: {problem}; it is a file that holds the token alone",
            path.display()
        ))
    };
    let bytes = kernels::run::disk::read(path, TOKEN_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".into()))?;
    // Some editors put a byte-order mark before what they write.
    Ok(text.trim_start_matches('\u{feff}').trim().to_owned())
}

/// The platform's folders.
///
/// # Errors
/// There is no home folder.
pub(crate) fn strategy() -> anyhow::Result<impl BaseStrategy> {
    etcetera::choose_base_strategy()
        .context("no home folder: name the configuration and the state folder yourself (--config, --state)")
}

/// The volunteer's state folder, unless another one is named.
///
/// # Errors
/// There is no home folder.
pub(crate) fn state_folder() -> anyhow::Result<PathBuf> {
    let strategy = strategy()?;
    let base = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(base.join("baton").join("worker"))
}
