//! `baton key`: keys that sign, and the operator's list of those that count.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use protocol::PublicKey;
use protocol::http::signed::Keys;
use protocol::http::{KeyRole, ListedKey};
use reqwest::Method;
use signing::{SecretKey, list};

use super::operator::{Common, print};
use super::remote;
use super::verify_proof::{millis, now_ms, read_list};
use crate::console::output;
use crate::exit::{Exit, Usage};

/// Make keys that sign submissions, and keep the list of those that count (operators).
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key: the secret goes into a file that its owner alone can read, the public key is printed.
    New {
        /// The file; it must not be there yet.
        file: PathBuf,
    },
    /// Print the public key of a secret key's file.
    Show {
        /// The file.
        file: PathBuf,
    },
    /// Write a key list, signed by the operator's root key. It needs no server: do it where the root key is kept.
    List(ListArgs),
    /// Put a key list in force on a server (operators). From then on submissions have to be signed.
    Publish {
        /// The list that `baton key list` wrote.
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Show a server's own key and the key list in force there.
    Server(Common),
}

/// What is to be in the list.
#[derive(clap::Args, Debug)]
pub(crate) struct ListArgs {
    /// The file of the root's secret key.
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
    /// The list before: its keys stay, and its number rises by one.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// A key to add, ROLE:SUBJECT:KEY; ROLE is `scientist` (SUBJECT as in its tokens) or `server`. May be given several times.
    #[arg(long, value_name = "ROLE:SUBJECT:KEY", value_parser = entry)]
    add: Vec<(KeyRole, String, PublicKey)>,
    /// A key to take off. May be given several times.
    #[arg(long, value_name = "KEY")]
    remove: Vec<PublicKey>,
    /// Keys that are added count so long.
    #[arg(long, value_name = "TIME", default_value = "366d", value_parser = super::duration)]
    keys_for: Duration,
    /// The list counts so long: then there has to be a newer one.
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = super::duration)]
    list_for: Duration,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

fn entry(text: &str) -> Result<(KeyRole, String, PublicKey), String> {
    let mut parts = text.splitn(3, ':');
    let (Some(role), Some(subject), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("expected ROLE:SUBJECT:KEY, such as scientist:ann:0123…".to_owned());
    };
    let role = match role {
        "scientist" => KeyRole::Scientist,
        "server" => KeyRole::Server,
        other => return Err(format!("found the role {other:?}, expected scientist or server")),
    };
    let key = key.parse::<PublicKey>().map_err(|error| error.to_string())?;
    Ok((role, subject.to_owned(), key))
}

/// `baton key`.
///
/// # Errors
/// A file that cannot be read or written or holds something else, no operator's token, or the server refuses or is away.
pub(crate) fn call(command: &KeyCommand) -> anyhow::Result<Exit> {
    match command {
        KeyCommand::New { file } => {
            let key = SecretKey::create(file)?;
            output::note(format_args!("the secret key is in {}; its public key:", file.display()));
            output::lines([key.public().to_string()])?;
        }
        KeyCommand::Show { file } => output::lines([SecretKey::read(file)?.public().to_string()])?,
        KeyCommand::List(args) => write_list(args)?,
        KeyCommand::Publish { file, common } => {
            let list = read_list(file)?;
            let client = common.access.scientist()?;
            let keys: Keys = remote::block_on(remote::patiently(|| client.send(Method::PUT, "/v1/keys", &list)))?;
            return print(common, &keys, || lines(&keys));
        }
        KeyCommand::Server(common) => {
            let client = common.access.scientist()?;
            let keys: Keys = remote::get(&client, "/v1/keys")?;
            return print(common, &keys, || lines(&keys));
        }
    }
    Ok(Exit::Done)
}

fn write_list(args: &ListArgs) -> anyhow::Result<()> {
    let root = SecretKey::read(&args.root)?;
    let before = args.from.as_deref().map(read_list).transpose()?;
    if let Some(before) = &before {
        // What another root signed, or somebody changed, is not carried on under this root's name.
        list::check(before, root.public(), 0, 0)?;
    }
    let (number, mut keys) = before.map_or((1, Vec::new()), |list| (list.number.saturating_add(1), list.keys));
    for key in &args.remove {
        let count = keys.len();
        keys.retain(|listed| listed.key != *key);
        if keys.len() == count {
            return Err(Usage(format!("--remove {key}: it is not in the list before")).into());
        }
    }
    let now = now_ms();
    for (role, subject, key) in &args.add {
        keys.retain(|listed| listed.key != *key);
        keys.push(ListedKey {
            key: *key,
            role: *role,
            subject: subject.clone(),
            until_ms: now.saturating_add(millis(args.keys_for)),
        });
    }
    let signed = list::sign(&root, number, now.saturating_add(millis(args.list_for)), keys);
    list::check(&signed, root.public(), 0, now)?;
    let mut text = serde_json::to_vec_pretty(&signed)?;
    text.push(b'\n');
    kernels::run::disk::replace(&args.out, &text)?;
    output::note(format_args!(
        "key list number {number} with {} keys is in {}; next: baton key publish {}",
        signed.keys.len(),
        args.out.display(),
        output::quoted(&args.out)
    ));
    Ok(())
}

fn lines(keys: &Keys) -> Vec<String> {
    let mut lines = vec![format!("server    {}", keys.server)];
    match &keys.list {
        None => lines.push("list      none: submissions are not signed".to_owned()),
        Some(list) => {
            let ends = |at_ms: u64| match at_ms.checked_sub(now_ms()) {
                Some(left) => format!("ends in {}", crate::console::progress::duration(left as f64 / 1000.0)),
                None => "has ended".to_owned(),
            };
            lines.push(format!("root      {}", list.root));
            lines.push(format!("list      number {}, {}", list.number, ends(list.expires_ms)));
            let rows = list.keys.iter();
            lines.extend(rows.map(|key| {
                format!(
                    "  {:<9} {} {}, {}",
                    key.role.as_str(),
                    key.key,
                    key.subject,
                    ends(key.until_ms)
                )
            }));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_role_subject_and_key() {
        let key = SecretKey::from_seed([1; 32]).public();
        assert_eq!(
            entry(&format!("scientist:ann:{key}")),
            Ok((KeyRole::Scientist, "ann".to_owned(), key))
        );
        for wrong in [
            "",
            "scientist",
            "scientist:ann",
            "host:ann:00",
            "server:baton:00",
            &format!("root:ann:{key}"),
        ] {
            assert!(entry(wrong).is_err(), "{wrong:?}");
        }
    }
}
