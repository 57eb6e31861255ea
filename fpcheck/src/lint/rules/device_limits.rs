//! Entry points that ask for more than every device has.

use std::ops::Range;

use naga::{AddressSpace, EntryPoint};

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "device-limits",
    title: "more than every device has",
    why: "WebGPU promises 256 invocations a workgroup (64 along z), 16 KiB of workgroup memory, 8 storage buffers and 12 uniforms an entry \
          point; a device with no more refuses the package",
    instead: "use smaller workgroups or fewer variables, or split the pass in two",
    portable: Level::Warning,
    class_bound: None,
    check,
};

const INVOCATIONS_MAX: u64 = 256;
const DEPTH_MAX: u32 = 64;
const WORKGROUP_BYTES_MAX: u64 = 16 << 10;
const STORAGE_BUFFERS_MAX: usize = 8;
const UNIFORMS_MAX: usize = 12;

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let module = scope.module();
    let mut hits = Vec::new();
    for (index, point) in module.entry_points.iter().enumerate() {
        let info = scope.parsed.info.get_entry_point(index);
        let used = |wanted: fn(AddressSpace) -> bool| {
            let all = module.global_variables.iter();
            all.filter(move |(handle, variable)| wanted(variable.space) && !info[*handle].is_empty())
        };
        let bytes: u64 = used(|space| space == AddressSpace::WorkGroup)
            .map(|(_, variable)| u64::from(module.types[variable.ty].inner.size(module.to_ctx())))
            .sum();
        let storage = used(|space| matches!(space, AddressSpace::Storage { .. })).count();
        let uniforms = used(|space| space == AddressSpace::Uniform).count();
        let invocations: u64 = point.workgroup_size.iter().map(|size| u64::from(*size)).product();

        let mut over = Vec::new();
        let mut hold = |found: u64, most: u64, what: &str| {
            if found > most {
                over.push(format!("{found} {what}, where {most} are sure"));
            }
        };
        hold(invocations, INVOCATIONS_MAX, "invocations a workgroup");
        hold(point.workgroup_size[2].into(), DEPTH_MAX.into(), "invocations along z");
        hold(bytes, WORKGROUP_BYTES_MAX, "bytes of workgroup memory");
        hold(storage as u64, STORAGE_BUFFERS_MAX as u64, "storage buffers");
        hold(uniforms as u64, UNIFORMS_MAX as u64, "uniforms");
        let place = head(scope, point);
        hits.extend(
            over.into_iter()
                .map(|message| Hit::new(place.clone(), format!("'{}' needs {message}", point.name))),
        );
    }
    hits
}

/// An entry point's name in the text.
fn head(scope: &Scope<'_>, point: &EntryPoint) -> Range<usize> {
    let named = scope
        .tokens()
        .windows(2)
        .find(|two| two[0].text == "fn" && two[1].text == point.name);
    named.map_or(0..0, |two| two[1].range())
}
