//! What the machine tells: battery, user, programs that run, name, hours. What a platform does not tell counts as not in the way; where
//! each comes from is in `docs/volunteer.md`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use planner::week::{DAY_MINUTES, WEEK_MINUTES};

/// Whether the machine runs on battery.
pub(crate) fn on_battery() -> bool {
    match std::env::consts::OS {
        "linux" => battery_below(Path::new("/sys/class/power_supply")),
        "macos" => said("pmset", &["-g", "batt"]).is_some_and(|text| text.contains("Battery Power")),
        _ => false,
    }
}

/// Linux lists supplies in a folder. On battery: some battery discharges, and no mains supply is online.
fn battery_below(supplies: &Path) -> bool {
    let read =
        |path: &Path, name: &str| fs::read_to_string(path.join(name)).map_or(String::new(), |text| text.trim().to_owned());
    let entries = fs::read_dir(supplies).into_iter().flatten().flatten();
    let mut discharging = false;
    for entry in entries {
        let path = entry.path();
        match read(&path, "type").as_str() {
            "Mains" | "USB" if read(&path, "online") == "1" => return false,
            // A mouse has a battery too.
            "Battery" if read(&path, "scope") != "Device" => discharging |= read(&path, "status") == "Discharging",
            _ => {}
        }
    }
    discharging
}

/// Time since the machine's last input; none where that cannot be found out.
pub(crate) fn idle() -> Option<Duration> {
    match std::env::consts::OS {
        "linux" => {
            let screen = std::env::var_os("DISPLAY").and_then(|_| said("xprintidle", &[]));
            let screen = screen.and_then(|text| text.trim().parse().ok().map(Duration::from_millis));
            let terminals = terminals_idle(SystemTime::now());
            screen.into_iter().chain(terminals).min()
        }
        "macos" => {
            let text = said("ioreg", &["-c", "IOHIDSystem", "-d", "4"])?;
            let line = text.lines().find(|line| line.contains("HIDIdleTime"))?;
            let nanoseconds: u64 = line.rsplit('=').next()?.trim().parse().ok()?;
            Some(Duration::from_nanos(nanoseconds))
        }
        _ => None,
    }
}

/// Time since the last input in any terminal: reading changes a terminal's time of access.
fn terminals_idle(now: SystemTime) -> Option<Duration> {
    let terminals = ["/dev/pts", "/dev"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let used = terminals.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let digits = name.strip_prefix("tty").unwrap_or(&name);
        let is_terminal = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        let used = entry.metadata().ok().filter(|_| is_terminal)?.accessed().ok()?;
        // A clock that was set back makes it "now".
        Some(now.duration_since(used).unwrap_or_default())
    });
    used.min()
}

/// The first of these programs that runs.
pub(crate) fn running(programs: &[String]) -> Option<&str> {
    if programs.is_empty() {
        return None;
    }
    let names = process_names();
    let plain = |name: &str| name.trim().trim_end_matches(".exe").to_lowercase();
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    programs.iter().map(String::as_str).find(|wanted| {
        let wanted = plain(wanted);
        // Linux keeps 15 bytes of a name.
        let short: String = wanted.chars().take(15).collect();
        names.iter().any(|name| *name == wanted || *name == short)
    })
}

fn process_names() -> Vec<String> {
    match std::env::consts::OS {
        "linux" => {
            let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
            entries
                .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
                .collect()
        }
        "windows" => {
            let text = said("tasklist", &["/fo", "csv", "/nh"]).unwrap_or_default();
            text.lines()
                .filter_map(|line| Some(line.split('"').nth(1)?.to_owned()))
                .collect()
        }
        _ => {
            let text = said("ps", &["-axo", "comm="]).unwrap_or_default();
            text.lines()
                .filter_map(|line| Some(line.rsplit('/').next()?.to_owned()))
                .collect()
        }
    }
}

/// The machine's name.
pub(crate) fn name() -> String {
    let from_file = fs::read_to_string("/etc/hostname").ok();
    let name = from_file.or_else(|| said("hostname", &[])).unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(60).collect();
    if name.is_empty() {
        "a volunteer's machine".into()
    } else {
        name
    }
}

/// Bytes of memory; none where that cannot be found out.
pub(crate) fn memory_bytes() -> Option<u64> {
    match std::env::consts::OS {
        "linux" => {
            let text = fs::read_to_string("/proc/meminfo").ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
            let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kilobytes.saturating_mul(1024))
        }
        "macos" => said("sysctl", &["-n", "hw.memsize"])?.trim().parse().ok(),
        _ => None,
    }
}

/// Minutes by which local time is ahead of UTC; 0 where that cannot be found out.
pub(crate) fn minutes_ahead_of_utc() -> i32 {
    let text = match std::env::consts::OS {
        "windows" => said("powershell", &["-NoProfile", "-Command", "(Get-Date).ToString('zzz')"]),
        _ => said("date", &["+%z"]),
    };
    text.and_then(|text| offset(text.trim())).unwrap_or(0)
}

/// `+0200` or `-03:30` in minutes.
pub(crate) fn offset(text: &str) -> Option<i32> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..4)?.parse::<i32>().ok()?);
    let sign = if text.starts_with('-') { -1 } else { 1 };
    Some(sign * (hours * 60 + minutes))
}

/// Unix time, milliseconds.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Minute of the local week at a Unix time in milliseconds, where local time is so many minutes ahead of UTC.
pub(crate) fn local_minute(now_ms: u64, minutes_ahead_of_utc: i32) -> u16 {
    // 1970 began on a Thursday.
    let utc = i64::try_from(now_ms / 60_000).unwrap_or(0) + 3 * i64::from(DAY_MINUTES);
    u16::try_from((utc + i64::from(minutes_ahead_of_utc)).rem_euclid(i64::from(WEEK_MINUTES))).unwrap_or(0)
}

/// Give way to the programs of the person who uses the machine. Threads that begin later inherit it, so this comes first.
pub(crate) fn lower_priority() {
    if cfg!(unix) && said("renice", &["-n", "19", "-p", &std::process::id().to_string()]).is_none() {
        tracing::warn!("cannot lower the priority: renice is missing");
    }
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(root: &Path, name: &str, files: &[(&str, &str)]) {
        fs::create_dir_all(root.join(name)).unwrap();
        for (file, text) in files {
            fs::write(root.join(name).join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn a_laptop_off_the_mains_is_on_battery() {
        let place = tempfile::tempdir().unwrap();
        assert!(!battery_below(place.path()) && !battery_below(Path::new("/nowhere")));
        supply(
            place.path(),
            "mouse",
            &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")],
        );
        assert!(!battery_below(place.path()), "a mouse");
        supply(place.path(), "BAT0", &[("type", "Battery"), ("status", "Discharging")]);
        supply(place.path(), "AC", &[("type", "Mains"), ("online", "0")]);
        assert!(battery_below(place.path()));
        supply(place.path(), "AC", &[("type", "Mains"), ("online", "1")]);
        assert!(!battery_below(place.path()));
    }

    #[test]
    fn offsets_are_read_with_their_sign() {
        assert_eq!(offset("+0200"), Some(120));
        assert_eq!(offset("-03:30"), Some(-210));
        assert_eq!(offset(""), None);
    }

    #[test]
    fn a_program_that_runs_is_found_by_its_name() {
        if std::env::consts::OS != "linux" {
            return;
        }
        let own = fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
        let wanted = ["no such program".to_owned(), own.to_uppercase()];
        assert_eq!(running(&wanted), Some(wanted[1].as_str()));
        assert_eq!(running(&wanted[..1]), None);
    }
}
