//! Preferences edited in place: the keys of `[worker]` in the configuration file that a form can say, and the file with some of them changed.
//!
//! Invariant: a file is written only if it then reads as the old one with just these keys changed, and passes the agent's own checks; comments, order and all other
//! keys stay. What cannot be changed so is left to an editor, and the error says why.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use protocol::Digest;
use toml::{Table, Value};

use crate::agent::preferences::{Given, Preferences};
use crate::net::access::CONFIG_BYTES_MAX;
use crate::net::projects;

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Yes, no, or what is usual.
    YesNo,
    /// A number in these units.
    Number(&'static str),
    /// Texts with this sign between them.
    Texts(char),
}

/// A preference of the form: its key, what it is, and what it takes.
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Kind,
}

const fn field(key: &'static str, label: &'static str, kind: Kind) -> Field {
    Field { key, label, kind }
}

/// The form, in its order.
pub(super) const FIELDS: [Field; 12] = [
    field("schedule", "Hours of the week", Kind::Texts(';')),
    field("run_on_batteries", "Compute on battery", Kind::YesNo),
    field("run_if_user_active", "Compute while somebody uses the machine", Kind::YesNo),
    field(
        "idle_time_to_run",
        "Nobody uses it after",
        Kind::Number("minutes without input"),
    ),
    field("exclusive_apps", "Compute nothing beside these programs", Kind::Texts(',')),
    field("exclude_gpus", "GPUs not to use", Kind::Texts(',')),
    field("max_ncpus_pct", "Share of the cores", Kind::Number("percent")),
    field("ram_max_used_gb", "Memory for jobs", Kind::Number("GB")),
    field("disk_max_used_gb", "Room for the state folder", Kind::Number("GB")),
    field("max_bytes_sec_up", "Send no faster than", Kind::Number("bytes a second")),
    field("max_bytes_sec_down", "Fetch no faster than", Kind::Number("bytes a second")),
    field("month_max_gb", "Files over the network in a month", Kind::Number("GB")),
];

/// Keys of `[worker]` that are no preferences: where the server is, and who asks.
const ACCESS: [&str; 3] = ["server", "token", "token_file"];

/// The configuration file as text; empty where there is none.
///
/// # Errors
/// It cannot be read.
pub(super) fn text_of(config: &Path) -> Result<String, String> {
    if !config.exists() {
        return Ok(String::new());
    }
    let bytes = kernels::run::disk::read(config, CONFIG_BYTES_MAX).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", config.display()))
}

/// Which text this is.
pub(super) fn mark(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

/// What the form shows of a file, field by field.
///
/// # Errors
/// The file is no TOML.
pub(super) fn shown(text: &str) -> Result<Vec<String>, String> {
    let all = parse(text)?;
    let of = |field: &Field| match (worker(&all).get(field.key), field.kind) {
        (None, _) => String::new(),
        (Some(Value::Boolean(value)), _) => if *value { "yes" } else { "no" }.to_owned(),
        (Some(Value::Array(texts)), Kind::Texts(between)) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(&format!("{between} "))
        }
        (Some(other), _) => other.to_string(),
    };
    Ok(FIELDS.iter().map(of).collect())
}

/// The projects of a file, each with its share.
///
/// # Errors
/// The file is no TOML, or a project is none.
pub(super) fn shares(text: &str) -> Result<Vec<(String, String)>, String> {
    let found = projects::projects(&entries(&parse(text)?))?;
    Ok(found
        .into_iter()
        .map(|project| (project.server, project.share.to_string()))
        .collect())
}

/// The projects as they are written.
fn entries(all: &Table) -> Vec<String> {
    let entries = worker(all).get("projects").and_then(Value::as_array);
    let texts = entries.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// The file with what a form says, field by field, and share by share; an empty field takes its key away.
///
/// # Errors
/// A field makes no sense, by its key, with what was found and what was expected; or the file has to be changed by hand.
pub(super) fn changed(text: &str, given: &[String], given_shares: &[String]) -> Result<String, String> {
    let (before, before_shares) = (shown(text)?, shares(text)?);
    let mut all = parse(text)?;
    let mut changes: Vec<(&str, Option<Value>)> = Vec::new();
    for ((field, given), before) in FIELDS.iter().zip(given).zip(&before) {
        if given.trim() != before {
            changes.push((field.key, value(field, given.trim())?));
        }
    }
    if before_shares
        .iter()
        .zip(given_shares)
        .any(|((_, before), given)| before != given.trim())
    {
        let new = entries(&all).into_iter().zip(given_shares);
        let new: Vec<String> = new.map(|(entry, share)| projects::with_share(&entry, share.trim())).collect();
        // A share is one word: no other part of an entry comes with it.
        if let Some(share) = given_shares.iter().find(|share| share.trim().contains(char::is_whitespace)) {
            return Err(format!("share: found '{}', expected a number", share.escape_debug()));
        }
        projects::projects(&new)?;
        changes.push(("projects", Some(Value::Array(new.into_iter().map(Value::String).collect()))));
    }
    let mut new = text.to_owned();
    for (key, value) in changes {
        let table = all.entry("worker").or_insert_with(|| Value::Table(Table::new()));
        let table = table.as_table_mut().ok_or("worker: expected a section [worker]")?;
        match &value {
            Some(value) => table.insert(key.to_owned(), value.clone()),
            None => table.remove(key),
        };
        new = with_line(&new, key, value.as_ref());
        if parse(&new).ok().is_none_or(|found| worker(&found) != worker(&all)) {
            return Err(format!(
                "{key}: this line of the file cannot be changed here: change it with an editor"
            ));
        }
    }
    let mut preferences = worker(&all).clone();
    ACCESS.iter().for_each(|key| drop(preferences.remove(*key)));
    Preferences::merge(&Given::default(), preferences).map_err(|error| error.to_string())?;
    match parse(&new)? == all || new == text {
        true => Ok(new),
        false => Err("the file cannot be changed here: change it with an editor".to_owned()),
    }
}

/// Write the file, with the rights that it had; a new one is for its owner alone.
///
/// # Errors
/// The file system's.
pub(super) fn write(config: &Path, text: &str) -> anyhow::Result<()> {
    // A link stays one.
    let path = fs::canonicalize(config).unwrap_or_else(|_| config.to_owned());
    let rights = fs::metadata(&path).ok().map(|metadata| metadata.permissions());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // It may hold a token: it is nobody else's at any moment.
    let temporary = path.with_extension("tmp");
    drop(fs::remove_file(&temporary));
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    if let Some(rights) = rights {
        file.set_permissions(rights)?;
    }
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    Ok(kernels::run::disk::sync_parent(&path)?)
}

fn parse(text: &str) -> Result<Table, String> {
    text.parse().map_err(|error| format!("the configuration file: {error}"))
}

fn worker(all: &Table) -> &Table {
    static NONE: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::new);
    all.get("worker").and_then(Value::as_table).unwrap_or(&NONE)
}

/// A field's text as a value; none where it is empty.
fn value(field: &Field, given: &str) -> Result<Option<Value>, String> {
    let found: String = given.chars().take(40).collect::<String>().escape_debug().to_string();
    let wrong = |expected: &str| {
        Err(format!(
            "{}: found '{found}', expected {expected}, or nothing for what is usual",
            field.key
        ))
    };
    if given.is_empty() {
        return Ok(None);
    }
    match field.kind {
        Kind::YesNo => match given {
            "yes" => Ok(Some(Value::Boolean(true))),
            "no" => Ok(Some(Value::Boolean(false))),
            _ => wrong("yes or no"),
        },
        Kind::Number(units) => match given.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(Value::Float(number))),
            _ => wrong(&format!("a number without its unit ({units})")),
        },
        Kind::Texts(between) => {
            let texts = given.split(between).map(str::trim).filter(|text| !text.is_empty());
            Ok(Some(Value::Array(texts.map(|text| Value::String(text.to_owned())).collect())))
        }
    }
}

/// The text with one line of its section `[worker]` changed, added or gone. The caller looks whether that did what it was to do.
fn with_line(text: &str, key: &str, value: Option<&Value>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let new = value.map(|value| format!("{key} = {value}"));
    let is_section = |line: &String| line.trim_start().starts_with('[');
    let Some(head) = lines.iter().position(|line| line.trim_start().starts_with("[worker]")) else {
        if new.is_some() {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push("[worker]".to_owned());
            lines.extend(new);
        }
        return joined(&lines);
    };
    let end = lines[head + 1..]
        .iter()
        .position(is_section)
        .map_or(lines.len(), |at| head + 1 + at);
    let is_it = |line: &String| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match (lines[head + 1..end].iter().position(is_it), new) {
        (Some(at), Some(new)) => lines[head + 1 + at] = new,
        (Some(at), None) => drop(lines.remove(head + 1 + at)),
        (None, Some(new)) => {
            let last = lines[head..end].iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
            lines.insert(head + last + 1, new);
        }
        (None, None) => {}
    }
    joined(&lines)
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file of before with these fields given: the others as they are shown.
    fn with(text: &str, given: &[(&str, &str)]) -> Result<String, String> {
        let mut fields = shown(text)?;
        for (key, value) in given {
            let at = FIELDS.iter().position(|field| field.key == *key).expect("a field");
            fields[at] = (*value).to_owned();
        }
        changed(text, &fields, &[])
    }

    const TEXT: &str = "\
        # mine\nserver = \"https://a\"\n\n[worker] # this machine\n# at night\nmax_ncpus_pct = 75 # three quarters\n\
        exclusive_apps = [\"blender\", \"steam\"]\ntoken_file = \"host.token\"\n\n[scientist]\ntoken = \"x\"\n";

    #[test]
    fn what_a_form_changes_is_changed_and_comments_and_all_else_stay() {
        assert_eq!(with(TEXT, &[]).unwrap(), TEXT);
        let new = with(
            TEXT,
            &[
                ("max_ncpus_pct", "50"),
                ("exclusive_apps", ""),
                ("schedule", "mon-fri 18:00-08:00; sat,sun"),
                ("run_on_batteries", "no"),
            ],
        )
        .unwrap();
        let expected = "\
            # mine\nserver = \"https://a\"\n\n[worker] # this machine\n# at night\nmax_ncpus_pct = 50.0\ntoken_file = \"host.token\"\n\
            schedule = [\"mon-fri 18:00-08:00\", \"sat,sun\"]\nrun_on_batteries = false\n\n[scientist]\ntoken = \"x\"\n";
        assert_eq!(new, expected);
        let fields = shown(&new).unwrap();
        assert_eq!(
            (fields[0].as_str(), fields[1].as_str(), fields[6].as_str()),
            ("mon-fri 18:00-08:00; sat,sun", "no", "50.0")
        );
        assert_eq!(
            with("", &[("month_max_gb", "1.5")]).unwrap(),
            "[worker]\nmonth_max_gb = 1.5\n"
        );
        assert_eq!(
            with("server = \"https://a\"", &[("month_max_gb", "2")]).unwrap(),
            "server = \"https://a\"\n\n[worker]\nmonth_max_gb = 2.0\n"
        );
    }

    #[test]
    fn a_field_that_makes_no_sense_is_named_with_what_was_expected_and_nothing_is_changed() {
        for (key, value, parts) in [
            (
                "max_ncpus_pct",
                "50%",
                &["max_ncpus_pct: found '50%'", "without its unit (percent)"][..],
            ),
            ("max_ncpus_pct", "500", &["max_ncpus_pct = 500: expected 1 to 100"]),
            ("ram_max_used_gb", "8 GB", &["ram_max_used_gb: found '8 GB'", "(GB)"]),
            (
                "max_bytes_sec_up",
                "1MB",
                &["max_bytes_sec_up: found '1MB'", "(bytes a second)"],
            ),
            ("max_bytes_sec_up", "100", &["max_bytes_sec_up = 100: expected 8192"]),
            ("idle_time_to_run", "3 min", &["minutes without input"]),
            ("month_max_gb", "inf", &["month_max_gb: found 'inf'"]),
            (
                "run_on_batteries",
                "maybe",
                &["run_on_batteries: found 'maybe', expected yes or no"],
            ),
            ("schedule", "mon 10-12", &["schedule, entry \"mon 10-12\"", "expected HH:MM"]),
            ("schedule", ";", &["schedule: found no hours"]),
        ] {
            let wrong = with(TEXT, &[(key, value)]).expect_err(value);
            assert!(parts.iter().all(|part| wrong.contains(part)), "{key} = {value}: {wrong}");
        }
    }

    #[test]
    fn shares_are_changed_in_their_line_and_a_share_that_is_none_is_named() {
        let text = "[worker]\nprojects = [\"https://a share=2 token-file=a.token\", \"https://b\"]\n# mine\n";
        assert_eq!(
            shares(text).expect("two"),
            [
                ("https://a".to_owned(), "2".to_owned()),
                ("https://b".to_owned(), "1".to_owned())
            ]
        );
        let with = |shares: &[&str]| {
            changed(
                text,
                &shown(text)?,
                &shares.iter().map(ToString::to_string).collect::<Vec<_>>(),
            )
        };
        assert_eq!(with(&["2", " 1 "]).expect("the same"), text);
        assert_eq!(
            with(&["2", "5"]).expect("changed"),
            "[worker]\nprojects = [\"https://a share=2 token-file=a.token\", \"https://b share=5\"]\n# mine\n"
        );
        for (share, part) in [
            ("0", "found 'share=0', expected share=1"),
            ("", "found 'share='"),
            (
                "3 token-file=/etc/passwd",
                "share: found '3 token-file=/etc/passwd', expected a number",
            ),
        ] {
            let wrong = with(&[share, "1"]).expect_err(share);
            assert!(wrong.contains(part), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_lines_do_not_change_is_left_to_an_editor() {
        for text in [
            "[worker]\nexclusive_apps = [\n  \"blender\",\n]\n",
            "worker = { exclusive_apps = [\"blender\"] }\n",
            "worker.exclusive_apps = [\"blender\"]\n",
        ] {
            let wrong = with(text, &[("exclusive_apps", "steam")]).expect_err(text);
            assert!(
                wrong.contains("exclusive_apps") && wrong.contains("editor"),
                "{text}: {wrong}"
            );
        }
        let wrong = shown("[worker").expect_err("no TOML");
        assert!(wrong.contains("the configuration file"), "{wrong}");
        // A text with signs that TOML escapes is one text still.
        let new = with("", &[("exclusive_apps", "a\"b\\, c\u{7}")]).unwrap();
        assert_eq!(shown(&new).unwrap()[4], "a\"b\\, c\u{7}");
    }
}
