//! Textures and samplers.

use naga::TypeInner;

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::range;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "texture",
    title: "textures and samplers",
    why: "filtering, texel formats and coordinates are computed by fixed hardware with few bits, differently on each device",
    instead: "use var<storage> arrays, and interpolate with + - * yourself",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let module = scope.module();
    (module.global_variables.iter())
        .filter(|(_, variable)| {
            let inner = match &module.types[variable.ty].inner {
                TypeInner::BindingArray { base, .. } => &module.types[*base].inner,
                inner => inner,
            };
            matches!(inner, TypeInner::Image { .. } | TypeInner::Sampler { .. })
        })
        .map(|(handle, _)| {
            let name = scope.name(handle);
            Hit::new(
                range(module.global_variables.get_span(handle)),
                format!("'{name}' is a texture or sampler"),
            )
        })
        .collect()
}
