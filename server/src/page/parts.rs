//! Small pieces that several views share: times, counts, chips of classes and states.

use std::collections::BTreeMap;

use maud::{Markup, html};
use protocol::HardwareClass;

/// Names of classes as people know them, by the device that has them.
pub(super) type ClassNames = BTreeMap<HardwareClass, String>;

/// A length of time, roughly.
pub(super) fn span(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// How long ago.
pub(super) fn ago(at_ms: u64, now_ms: u64) -> String {
    format!("{} ago", span(now_ms.saturating_sub(at_ms)))
}

/// `1 job`, `2 jobs`.
pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A state, coloured.
pub(super) fn state(name: &str) -> Markup {
    html! { span class={ "state " (name) } { (name) } }
}

/// A class by the name of a device that has it, with the start of its key.
pub(super) fn class(class: HardwareClass, names: &ClassNames) -> Markup {
    let name = names.get(&class).map_or("", String::as_str);
    html! { span class={ "chip hue" (hue(class)) } title=(class) { (name) " " small { (class) } } }
}

/// A colour of a class: one of eight.
pub(super) fn hue(class: HardwareClass) -> u8 {
    class.key.0[0] % 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            (count(0, "job"), count(1, "job"), count(2, "job")),
            ("0 jobs".into(), "1 job".into(), "2 jobs".into())
        );
    }
}
