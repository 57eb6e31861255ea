//! `baton-server token`: what it takes and prints.

use std::io::Write as _;

use clap::Subcommand;
use protocol::http::{IssueToken, Scope, TokenView};
use server::operate::Place;
use server::operate::token::Offline;

/// What is done to tokens.
#[derive(Subcommand)]
pub(crate) enum Token {
    /// A new token; its secret is printed, once.
    New {
        /// What it may do: host, referee, scientist or operator.
        #[arg(value_parser = scope)]
        scope: Scope,
        /// Name of the person or host that holds it.
        subject: String,
        /// It enrols one host and no more.
        #[arg(long)]
        invitation: bool,
    },
    /// All tokens, without their secrets.
    List,
    /// From now on a token counts for nothing.
    Revoke {
        /// The token's name, as `list` and `new` say it.
        id: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    let scopes = [Scope::Host, Scope::Referee, Scope::Scientist, Scope::Operator];
    let found = scopes.into_iter().find(|scope| scope.as_str() == text);
    found.ok_or_else(|| "expected host, referee, scientist or operator".to_owned())
}

/// Does it. Whether all was well.
///
/// # Errors
/// A server runs on the data, or such a token cannot be.
pub(crate) async fn run(place: &Place, what: &Token) -> anyhow::Result<bool> {
    let tokens = Offline::open(place).await?;
    let text = match what {
        Token::New {
            scope,
            subject,
            invitation,
        } => {
            let wanted = IssueToken {
                scope: *scope,
                subject: subject.clone(),
                invitation: *invitation,
            };
            let (id, secret) = tokens.new_token(&wanted).await?;
            writeln!(std::io::stderr(), "token {id}")?;
            format!("{secret}\n")
        }
        Token::List => tokens.list().iter().map(line).collect(),
        Token::Revoke { id } => format!("revoked: {}", line(&tokens.revoke(id).await?)),
    };
    tokens.close().await;
    write!(std::io::stdout(), "{text}")?;
    Ok(true)
}

fn line(token: &TokenView) -> String {
    let state = match (token.revoked_ms, token.invitation) {
        (Some(_), _) => "revoked",
        (None, true) => "invitation",
        (None, false) => "valid",
    };
    let host = token.host.map_or(String::new(), |host| format!("  host {host}"));
    format!(
        "{}  {:9}  {:10}  {}{host}\n",
        token.id,
        token.scope.as_str(),
        state,
        token.subject
    )
}
