//! The table of limits in `docs/volunteer.md`, made from the limits themselves. `BATON_BLESS=1 cargo nextest run --release -p baton limits` writes it anew.

use std::path::Path;
use std::time::Duration;

use planner::{boundaries, plan};

use super::{effects, job_folder, room, state};
use crate::console::progress::duration;
use crate::net::{access, answer, client, events, transfer};

const BEGIN: &str = "<!-- limits: made by worker/src/agent/limits.rs -->\n";
const END: &str = "<!-- end of limits -->";

fn bytes(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units
        .into_iter()
        .find(|(bits, _)| bytes >= 1 << bits && bytes.is_multiple_of(1 << bits));
    unit.map_or(format!("{bytes} bytes"), |(bits, unit)| format!("{} {unit}", bytes >> bits))
}

fn time(time: Duration) -> String {
    duration(time.as_secs_f64())
        .replace(".0 s", " s")
        .replace(" min 0 s", " min")
        .replace(" h 0 min", " h")
}

fn ms(ms: u64) -> String {
    time(Duration::from_millis(ms))
}

/// What is limited, how much, and what happens beyond it.
fn rows() -> Vec<[String; 3]> {
    let row = |what: &str, limit: String, beyond: &str| [what.to_owned(), limit, beyond.to_owned()];
    vec![
        row(
            "memory of all jobs",
            "`ram_max_used_gb`, the same part for each device".into(),
            "a job that may need more is given back before its checkpoint is fetched",
        ),
        row(
            "copies of a job's state in memory",
            format!(
                "{}, one more where lists may grow, and the device's own buffers",
                room::STATES_IN_MEMORY
            ),
            "what a job is reckoned to need",
        ),
        row(
            "state folder",
            "`disk_max_used_gb`".into(),
            "a job that may need more is given back; computing pauses at the boundary that goes beyond",
        ),
        row(
            "copies of a job's state on disk",
            room::STATES_ON_DISK.to_string(),
            "what a job is reckoned to need, besides the outputs of a segment",
        ),
        row(
            "a package's archive",
            bytes(effects::ARCHIVE_BYTES_MAX),
            "the job is given back",
        ),
        row(
            "a checkpoint",
            bytes(job_folder::CHECKPOINT_BYTES_MAX),
            "the job is given back",
        ),
        row(
            "a blob that arrives with another digest",
            format!("{} times", effects::TRIES),
            "the job is given back",
        ),
        row(
            "outputs that wait for the server",
            bytes(boundaries::PENDING_BYTES_MAX),
            "they are sent before their time",
        ),
        row(
            "boundaries that wait for the server",
            boundaries::BACKLOG_MAX.to_string(),
            "computing waits",
        ),
        row("fetched files that no job needs", time(effects::KEEP), "they are deleted"),
        row(
            "an answer of the server",
            format!(
                "{}; a refusal {}",
                bytes(answer::JSON_BYTES_MAX as u64),
                bytes(answer::PROBLEM_BYTES_MAX as u64)
            ),
            "it is not read further, and asked for again",
        ),
        row(
            "an event of the server's stream",
            bytes(events::EVENT_BYTES_MAX as u64),
            "the stream is opened anew",
        ),
        row(
            "time until an answer begins",
            format!(
                "{}, and a second for each {} that was sent",
                time(client::PATIENCE),
                bytes(client::SLOWEST_BYTES_PER_S)
            ),
            "the server is away",
        ),
        row("time in which nothing comes", time(answer::SILENCE), "the server is away"),
        row(
            "one part of an upload",
            format!(
                "{} to {}, some seconds' worth",
                bytes(transfer::PART_MIN),
                bytes(transfer::PART_MAX)
            ),
            "there are more parts",
        ),
        row(
            "answers by which local work is void",
            format!("2, {} apart", ms(plan::CONFIRM_MS)),
            "boundaries that the server lacks are deleted",
        ),
        row(
            "one pass on the CPU device",
            format!(
                "{} of a thread's processor time",
                time(device::cpu::CpuDevice::DISPATCH_LIMIT)
            ),
            "the job fails with the pass's name; a busy machine is slower, and fails nothing",
        ),
        row(
            "wait for a pass after the second Ctrl-C",
            ms(plan::STOP_PATIENCE_MS),
            "the agent ends all the same; every boundary on disk is whole",
        ),
        row("configuration file", bytes(access::CONFIG_BYTES_MAX), "it is refused"),
        row("token file", bytes(access::TOKEN_BYTES_MAX), "it is refused"),
        row(
            "a file of the state folder",
            bytes(state::FILE_BYTES_MAX),
            "it counts as missing",
        ),
    ]
}

fn table() -> String {
    let rows = rows().into_iter().map(|cells| format!("| {} |\n", cells.join(" | ")));
    format!("| what | at most | beyond it |\n|---|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_guides_table_of_limits_is_the_programs_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/volunteer.md");
    let text = std::fs::read_to_string(&path).expect("the guide");
    let (before, rest) = text.split_once(BEGIN).expect("the mark before the table");
    let (found, after) = rest.split_once(END).expect("the mark behind the table");
    if std::env::var_os("BATON_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).expect("written");
        return;
    }
    assert_eq!(found, table(), "run it with BATON_BLESS=1");
}
