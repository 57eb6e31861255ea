//! `baton host` and `baton token`: what an operator does about hosts, and who gets in.

use clap::Subcommand;
use protocol::HostId;
use protocol::http::{BanHost, CreditView, HostView, IssueToken, IssuedToken, Listed, Scope, TokenView};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::remote;
use crate::console::{output, table};
use crate::exit::Exit;
use crate::net::{Access, Client, NetError};

/// How to reach the server, and how to print what it says.
#[derive(clap::Args, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(super) access: Access,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Look at a server's hosts, and keep some out (operators).
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// List all hosts.
    List(Common),
    /// Show verified work by the subject who enrolled the hosts.
    Credit(Common),
    /// End a host's leases at once, and take in nothing more from it.
    Ban {
        /// The host's number.
        host: HostId,
        /// Why, for the volunteer.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
    /// Give a host no more work: what it has leaves it at the next boundary. `forgive` takes it back.
    Drain {
        /// The host's number.
        host: HostId,
        /// Why, for the volunteer.
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
    /// Forgive a host the wrong results that checks found, or let one that was drained have work again.
    Forgive {
        /// The host's number.
        host: HostId,
        #[command(flatten)]
        common: Common,
    },
    /// Take a ban back.
    Unban {
        /// The host's number.
        host: HostId,
        #[command(flatten)]
        common: Common,
    },
}

/// What a token may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Role {
    /// Enrol hosts.
    Host,
    /// Enrol referees: hosts that decide where the results of others differ.
    Referee,
    /// Submit jobs and steer its own.
    Scientist,
    /// Everything.
    Operator,
}

/// Issue, list and revoke tokens (operators).
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Issue a token. It is printed once, and alone on standard output.
    New {
        /// What it may do.
        role: Role,
        /// Who holds it: 1 to 64 of a-z 0-9 . _ -
        subject: String,
        /// A host token that enrols one host and is used up by that.
        #[arg(long)]
        invitation: bool,
        #[command(flatten)]
        common: Common,
    },
    /// List all tokens, without their secrets.
    List(Common),
    /// Revoke a token: its streams end, and a host's leases.
    Revoke {
        /// Its name, as `baton token list` shows it.
        id: String,
        #[command(flatten)]
        common: Common,
    },
}

/// `baton host`.
///
/// # Errors
/// No such host, no operator's token, or the server is away.
pub(crate) fn host(command: &HostCommand) -> anyhow::Result<Exit> {
    let (common, method, path, body) = match command {
        HostCommand::List(common) => {
            return list(
                common,
                "/v1/hosts",
                &["HOST", "NAME", "STATE", "STANDING", "VERIFIED", "CREDIT", "ERRORS", "WHY"],
                host_cells,
            );
        }
        HostCommand::Credit(common) => {
            return list(common, "/v1/credit", &["SUBJECT", "HOSTS", "SEGMENTS", "COST"], credit_cells);
        }
        HostCommand::Ban { host, reason, common } => {
            let reason = reason.clone();
            (
                common,
                Method::POST,
                format!("/v1/hosts/{host}/ban"),
                Some(BanHost { reason }),
            )
        }
        HostCommand::Drain { host, reason, common } => {
            let reason = reason.clone();
            let path = format!("/v1/hosts/{host}/drain");
            (common, Method::POST, path, Some(BanHost { reason }))
        }
        HostCommand::Forgive { host, common } => (common, Method::POST, format!("/v1/hosts/{host}/forgive"), None),
        HostCommand::Unban { host, common } => (common, Method::DELETE, format!("/v1/hosts/{host}/ban"), None),
    };
    let client = common.access.scientist()?;
    let view: HostView = remote::block_on(remote::patiently(|| {
        let (client, method, path, body) = (&client, method.clone(), &path, &body);
        async move {
            match body {
                Some(body) => client.send(method, path, body).await,
                None => client.call(method, path).await,
            }
        }
    }))?;
    print(common, &view, || {
        vec![format!(
            "host {} ({}) is {}, {}: {}",
            view.host, view.name, view.state, view.standing, view.reason
        )]
    })
}

/// `baton token`.
///
/// # Errors
/// No such token, no operator's token, or the server is away.
pub(crate) fn token(command: &TokenCommand) -> anyhow::Result<Exit> {
    match command {
        TokenCommand::List(common) => list(
            common,
            "/v1/tokens",
            &["TOKEN", "ROLE", "SUBJECT", "HOST", "ISSUED", "STATE"],
            token_cells,
        ),
        TokenCommand::New {
            role,
            subject,
            invitation,
            common,
        } => {
            let client = common.access.scientist()?;
            let wanted = IssueToken {
                scope: match role {
                    Role::Host => Scope::Host,
                    Role::Referee => Scope::Referee,
                    Role::Scientist => Scope::Scientist,
                    Role::Operator => Scope::Operator,
                },
                subject: subject.clone(),
                invitation: *invitation,
            };
            let issued: IssuedToken = remote::block_on(remote::patiently(|| client.send(Method::POST, "/v1/tokens", &wanted)))?;
            if !common.json {
                output::note(format_args!(
                    "token {} of {subject}; its secret is shown this once:",
                    issued.id
                ));
            }
            print(common, &issued, || vec![issued.token.clone()])
        }
        TokenCommand::Revoke { id, common } => {
            let client = common.access.scientist()?;
            let path = format!("/v1/tokens/{id}");
            let view: TokenView = remote::block_on(remote::patiently(|| client.call(Method::DELETE, &path)))?;
            print(common, &view, || {
                vec![format!("token {} of {} is revoked", view.id, view.subject)]
            })
        }
    }
}

/// Prints an answer: as JSON where that is asked for, else as these lines.
pub(super) fn print(common: &Common, value: &impl Serialize, lines: impl FnOnce() -> Vec<String>) -> anyhow::Result<Exit> {
    if common.json {
        output::json(value)?;
    } else {
        output::lines(lines())?;
    }
    Ok(Exit::Done)
}

/// All pages of a list.
async fn pages<T: DeserializeOwned>(client: &Client, path: &str) -> Result<Vec<T>, NetError> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}{cursor}");
        let page: Listed<T> = remote::patiently(|| client.get(&path)).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => cursor = format!("?cursor={next}"),
            None => return Ok(items),
        }
    }
}

fn list<T: DeserializeOwned + Serialize>(
    common: &Common,
    path: &str,
    header: &[&str],
    cells: fn(&T) -> Vec<String>,
) -> anyhow::Result<Exit> {
    let client = common.access.scientist()?;
    let items: Vec<T> = remote::block_on(pages(&client, path))?;
    print(common, &items, || {
        table::lines(header, &items.iter().map(cells).collect::<Vec<_>>())
    })
}

fn host_cells(host: &HostView) -> Vec<String> {
    vec![
        host.host.to_string(),
        host.name.clone(),
        host.state.to_string(),
        host.standing.clone(),
        host.credit_segments.to_string(),
        crate::console::progress::duration(host.credit_s as f64),
        host.errors.to_string(),
        host.reason.clone(),
    ]
}

fn credit_cells(row: &CreditView) -> Vec<String> {
    vec![
        row.subject.clone().unwrap_or_else(|| "(shared token)".to_owned()),
        row.hosts.to_string(),
        row.segments.to_string(),
        crate::console::progress::duration(row.cost_s as f64),
    ]
}

fn token_cells(token: &TokenView) -> Vec<String> {
    let state = match (token.revoked_ms, token.invitation, token.host) {
        (Some(at_ms), ..) => format!("revoked {}", remote::ago(at_ms)),
        (None, true, None) => "an invitation, open".to_owned(),
        (None, true, Some(_)) => "an invitation, used up".to_owned(),
        (None, false, _) => "valid".to_owned(),
    };
    vec![
        token.id.clone(),
        token.scope.as_str().to_owned(),
        token.subject.clone(),
        token.host.map_or("-".to_owned(), |host| host.to_string()),
        remote::ago(token.issued_ms),
        state,
    ]
}
