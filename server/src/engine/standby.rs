//! A standby: folds the log that the leader writes, as it is written, and takes over when the leader is gone.
//!
//! Invariant: its state is the fold of a prefix of the log, and it changes nothing in the store before its own term has begun; then it first folds
//! what the term before left. It takes over only while it can read the log: one of an older version that meets newer rules never does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler::{Config, Event};
use tokio::sync::watch;

use super::writer::Writer;
use super::{Engine, Role, read_back, stopped, unheard};
use crate::auth::Tokens;
use crate::identity;
use crate::news::rows;
use crate::signatures::Signatures;
use crate::store::{Batch, StoreError};

/// From one look at the log to the next.
const EVERY: Duration = Duration::from_millis(200);
/// Looks from one look at tokens and the leader's URL to the next.
const LOOK_EVERY: u32 = 5;
/// For an answer of the database.
const PATIENCE: Duration = Duration::from_secs(3);
/// For all of a large state.
const LOAD_PATIENCE: Duration = Duration::from_secs(120);

/// What a server needs to follow, and to take over.
pub struct Standby {
    /// The URL under which others reach this server.
    pub url: String,
    /// Settings that it leads with.
    pub config: Config,
    /// Tokens, as they are known here.
    pub tokens: Arc<Tokens>,
    /// The key list, as it is known here.
    pub signatures: Arc<Signatures>,
}

impl Standby {
    /// Follows until this server leads, and then takes over. False when it is to stop before.
    pub(super) async fn run(&self, writer: &mut Writer, stop: &mut watch::Receiver<bool>) -> bool {
        let store = Arc::clone(&writer.engine.store);
        let mut token_changes = String::new();
        for look in 0u32.. {
            tokio::select! {
                biased;
                () = stopped(stop) => return false,
                () = tokio::time::sleep(EVERY) => {}
            }
            let caught_up = match catch_up(writer).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "the leader's log cannot be followed");
                    false
                }
            };
            if caught_up && look % LOOK_EVERY == 0 {
                let looked = in_time(LOAD_PATIENCE, self.look(&writer.engine, &mut token_changes)).await;
                looked.unwrap_or_else(|error| tracing::warn!(%error, "tokens cannot be followed"));
            }
            if caught_up {
                match store.lead(self.url.clone()).await {
                    Ok(true) => {
                        self.take_over(writer, stop, &token_changes).await;
                        return true;
                    }
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "it cannot be seen whether the leader is there"),
                }
            }
        }
        false
    }

    /// Looks at what the log does not hold.
    async fn look(&self, engine: &Engine, token_changes: &mut String) -> Result<(), StoreError> {
        let facts = in_time(PATIENCE, engine.store.facts()).await?;
        self.signatures.follow(&facts)?;
        let changes = changes_of_tokens(&facts);
        if *token_changes != changes {
            self.tokens.reload().await?;
            *token_changes = changes;
        }
        let found = engine.store.leader().await?;
        engine.role.send_modify(|role| {
            if let Role::Standby { leader, .. } = role {
                *leader = found;
            }
        });
        Ok(())
    }

    /// This server's term has begun: it goes on where the log ends. Tried until it is done, or the term is over.
    async fn take_over(&self, writer: &mut Writer, stop: &mut watch::Receiver<bool>, token_changes: &str) {
        let engine = Arc::clone(&writer.engine);
        let begun = Instant::now();
        loop {
            match self.begin(writer, token_changes).await {
                Ok(()) => break,
                Err(error) => {
                    writer.broken = true;
                    tracing::error!(%error, "leads, but cannot begin");
                }
            }
            tokio::select! {
                () = stopped(stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        tracing::info!(events = writer.next, took = ?begun.elapsed(), "this server leads from now on");
        engine.role.send_replace(Role::Leader);
        // What a leader alone does was passed over when its first events were told.
        engine.tell_all();
    }

    async fn begin(&self, writer: &mut Writer, token_changes: &str) -> Result<(), StoreError> {
        catch_up(writer).await?;
        let engine = Arc::clone(&writer.engine);
        let facts = in_time(PATIENCE, engine.store.facts()).await?;
        if identity::of(&facts).as_ref() != Some(engine.identity.as_ref()) {
            return Err(StoreError::Damaged {
                what: "facts",
                reason: "the server's name or life is another than when this server began to follow: start it again".to_owned(),
            });
        }
        // Of many hosts there are many: they are read again only where one was added since.
        if changes_of_tokens(&facts) != token_changes {
            self.tokens.reload().await?;
        }
        self.signatures.follow(&facts)?;
        let mut first = vec![Event::Restarted];
        if *engine.core.read().await.config() != self.config {
            first.push(Event::Configure(self.config.clone()));
        }
        let expected = writer.next + first.len() as u64;
        writer.write(first.into_iter().map(unheard).collect()).await;
        match writer.next < expected {
            true => Err(StoreError::NotBegun),
            false => writer.mark(),
        }
    }
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let done = tokio::time::timeout(patience, work).await;
    done.unwrap_or(Err(StoreError::Silent(patience)))
}

/// How often tokens have changed.
fn changes_of_tokens(facts: &BTreeMap<String, String>) -> String {
    facts.get("tokens").cloned().unwrap_or_default()
}

/// Folds all of the log that is there. What ends it early, its caller too, leaves a state that is the fold of a prefix.
async fn catch_up(writer: &mut Writer) -> Result<(), StoreError> {
    let engine = Arc::clone(&writer.engine);
    loop {
        let seen = Instant::now();
        let events = match writer.broken {
            true => None,
            false => in_time(PATIENCE, engine.store.events_from(writer.next)).await?,
        };
        let Some(events) = events else {
            let read = in_time(LOAD_PATIENCE, read_back(engine.store.as_ref())).await?;
            writer.replace(&mut *engine.core.write().await, read);
            engine.tell_all();
            continue;
        };
        if events.is_empty() {
            engine.role.send_modify(|role| {
                if let Role::Standby { seen: at, .. } = role {
                    *at = seen;
                }
            });
            return Ok(());
        }
        let mut core = engine.core.write().await;
        let commands = events.iter().try_fold(Vec::new(), |mut commands, (rules, logged)| {
            core.replay(&logged.event, logged.at_ms, *rules).map(|_| {
                commands.extend(core.take_commands());
                commands
            })
        });
        drop(core);
        let commands = commands.map_err(|refusal| {
            writer.broken = true;
            StoreError::Damaged {
                what: "events",
                reason: format!("an accepted event is refused now: {refusal}"),
            }
        })?;
        let count = events.len() as u64;
        writer.next += count;
        writer.since += count;
        // The leader keeps the rows; here those who wait are told.
        engine.tell(rows(&mut Batch::default(), commands));
    }
}

/// The option that sets a field of the scheduler's settings, and how much of the field one of the option is.
fn option(field: &str) -> (String, u64) {
    match field {
        "retire_ms" => ("--finished-h".to_owned(), 3_600_000),
        "user_stored_max" => ("--stored-gb-per-user".to_owned(), 1_000_000_000),
        "audit_ppm" => ("--audit-percent".to_owned(), 10_000),
        _ => match field.strip_suffix("_ms") {
            Some(name) => (format!("--{}-s", name.replace('_', "-")), 1000),
            None => (format!("--{}", field.replace('_', "-")), 1),
        },
    }
}

/// Says how two settings differ, in an operator's words.
fn differences(ours: &Config, leaders: &Config) -> Vec<String> {
    let fields = |config: &Config| match serde_json::to_value(config) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (ours, leaders) = (fields(ours), fields(leaders));
    let differ = ours
        .iter()
        .filter(|(name, value)| *name != "check_key" && leaders.get(*name) != Some(*value));
    let said = differ.map(|(name, value)| {
        let (option, one) = option(name);
        let shown = |value: Option<&serde_json::Value>| match value.map(|value| (value, value.as_u64())) {
            Some((_, Some(number))) if number % one == 0 => (number / one).to_string(),
            Some((value, _)) => value.to_string(),
            None => "nothing".to_owned(),
        };
        format!(
            "{option} is {} here and {} there",
            shown(Some(value)),
            shown(leaders.get(name))
        )
    });
    said.collect()
}

impl Engine {
    /// Where settings are others than those of the server that leads.
    pub async fn differences(&self, config: &Config) -> Vec<String> {
        differences(config, self.core.read().await.config())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_differ_are_named_by_their_options() {
        let ours = Config {
            commit_ms: 60_000,
            user_stored_max: 7_000_000_000,
            check_same_network: true,
            ..Config::default()
        };
        let said = differences(&ours, &Config::default());
        assert_eq!(
            said,
            [
                "--check-same-network is true here and false there",
                "--commit-s is 60 here and 600 there",
                "--stored-gb-per-user is 7 here and 0 there"
            ]
        );
    }
}
