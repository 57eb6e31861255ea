//! `baton class`: the hardware classes that a server knows, and the end of a quarantine.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use protocol::HardwareClass;
use protocol::http::job::ClassPresence;
use reqwest::Method;

use super::operator::{Common, print};
use super::remote;
use crate::console::table;
use crate::exit::Exit;

/// Look at the hardware classes of a server's devices, and end a quarantine (operators).
#[derive(Debug, Subcommand)]
pub(crate) enum ClassCommand {
    /// List all classes: devices, jobs that wait for one, and why a class has no work.
    List(Common),
    /// End the quarantine of a class: its devices have work again, and what is known against it is forgotten.
    Forgive {
        /// The class as `baton class list` shows it (`class-bound:0123456789ab`), or with more of its key.
        class: String,
        #[command(flatten)]
        common: Common,
    },
}

/// `baton class`.
///
/// # Errors
/// No such class, one that is not quarantined, no operator's token, or the server is away.
pub(crate) fn call(command: &ClassCommand) -> anyhow::Result<Exit> {
    match command {
        ClassCommand::List(common) => {
            let client = common.access.scientist()?;
            let classes: Vec<ClassPresence> = remote::get(&client, "/v1/classes")?;
            print(common, &classes, || {
                let header = ["CLASS", "DEVICES", "ONLINE", "WAITING", "SEEN", "QUARANTINED"];
                table::lines(&header, &classes.iter().map(cells).collect::<Vec<_>>())
            })
        }
        ClassCommand::Forgive { class, common } => {
            let client = common.access.scientist()?;
            let classes: Vec<ClassPresence> = remote::get(&client, "/v1/classes")?;
            let HardwareClass { tier, key } = named(class, &classes)?;
            let path = format!("/v1/classes/{tier}/{key}/forgive");
            let view: ClassPresence = remote::block_on(remote::patiently(|| client.call(Method::POST, &path)))?;
            print(common, &view, || {
                let devices = format!("{} of {} devices are online", view.online, view.devices);
                vec![format!("class {} is not quarantined any more; {devices}", view.class)]
            })
        }
    }
}

/// The class that a text names: its tier, and its key or the start of it.
fn named(text: &str, classes: &[ClassPresence]) -> anyhow::Result<HardwareClass> {
    let (tier, key) = text.split_once(':').filter(|(_, key)| !key.is_empty()).with_context(|| {
        format!("{text:?}: expected a class as `baton class list` shows it, such as class-bound:0123456789ab")
    })?;
    let fits = |class: &HardwareClass| class.tier.to_string() == tier && class.key.to_string().starts_with(key);
    let found: Vec<HardwareClass> = classes.iter().map(|row| row.class).filter(fits).collect();
    match found[..] {
        [class] => Ok(class),
        [] => bail!("the server knows no class {text}: `baton class list` shows all that it knows"),
        _ => bail!("{text} is the start of {} classes: give more of its key", found.len()),
    }
}

fn cells(row: &ClassPresence) -> Vec<String> {
    vec![
        row.class.to_string(),
        row.devices.to_string(),
        row.online.to_string(),
        row.waiting.to_string(),
        row.last_seen_ms.map_or("never".to_owned(), remote::ago),
        row.quarantined.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use protocol::{Digest, Tier};

    use super::*;

    fn row(tier: Tier, key: u8) -> ClassPresence {
        ClassPresence {
            class: HardwareClass {
                tier,
                key: Digest([key; 32]),
            },
            devices: 1,
            online: 1,
            waiting: 0,
            last_seen_ms: None,
            quarantined: None,
        }
    }

    #[test]
    fn a_class_is_named_by_its_tier_and_a_start_of_its_key_that_no_other_has() {
        let classes = [
            row(Tier::Portable, 0xab),
            row(Tier::ClassBound, 0xab),
            row(Tier::ClassBound, 0xac),
        ];
        for (text, found) in [
            ("class-bound:ab", Ok(1)),
            ("portable:a", Ok(0)),
            ("class-bound:a", Err("start of 2 classes")),
            ("class-bound:", Err("expected a class")),
            ("class-bound", Err("expected a class")),
            ("class-bound:ff", Err("knows no class")),
        ] {
            match (named(text, &classes), found) {
                (Ok(class), Ok(index)) => assert_eq!(class, classes[index].class, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
        let whole = classes[2].class;
        assert_eq!(named(&format!("class-bound:{}", whole.key), &classes).unwrap(), whole);
    }
}
