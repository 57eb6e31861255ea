//! `baton analyse` from outside: what a run's frames cannot tell is said, not guessed.

mod common;

use std::fs;

use common::Place;

/// 64 atoms that fly through a box of 2 nm, up to 2.7 nm/ps along each axis, for 40 ps; a frame each `every` steps of 0.01 ps.
fn gas(place: &Place, every: u32) -> serde_json::Value {
    let name = format!("gas-{every}");
    let folder = place.path(&name);
    fs::create_dir(&folder).expect("a new folder");
    let manifest = format!(
        "format = 1
name = \"{name}\"
version = \"1\"
tier = \"portable\"
run = {{ steps_per_segment = 1000, segments = 4, time_per_step = 0.01, time_unit = \"ps\" }}
[[buffer]]
name = \"positions\"
type = \"u32\"
shape = [64, 3]
role = \"state\"
fill = 305419896
scale = [4.656612873077393e-10, 4.656612873077393e-10, 4.656612873077393e-10]
unit = \"nm\"
[[pass]]
name = \"fly\"
shader = [\"fly.wgsl\"]
invocations = [192]
[[output]]
name = \"positions\"
buffer = \"positions\"
every = {every}
"
    );
    let text = "@group(0) @binding(0) var<storage, read_write> positions: array<u32>;
@compute @workgroup_size(64)
fn fly(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < 192u { positions[id.x] += (id.x - 96u) * 600000u; }
}
";
    fs::write(folder.join("kernel.toml"), manifest).expect("written");
    fs::write(folder.join("fly.wgsl"), text).expect("written");
    place.done(&format!("run {name} --out run-{every} --device cpu"));
    place.json(&format!("analyse run-{every} --json"))
}

#[test]
fn frames_of_a_fast_gas_give_one_diffusion_coefficient_or_a_reason_why_there_is_none() {
    let place = Place::new();
    let close = [2, 5, 10].map(|every| gas(&place, every)["diffusion_cm2_per_s"].as_f64().expect("a number"));
    for found in close {
        assert!((found / close[0] - 1.0).abs() < 0.05, "{close:?}");
    }
    for every in [50, 100] {
        let found = gas(&place, every);
        assert!(found["diffusion_cm2_per_s"].is_null(), "{found:#}");
        let why = found["diffusion_missing"].as_str().expect("a reason");
        let expected = format!("too fast for frames {}", if every == 50 { "0.500 ps" } else { "1.000 ps" });
        assert!(why.contains(&expected) && why.contains("every"), "{why}");
    }
}

#[test]
fn torsions_of_what_is_not_there_are_refused_by_name() {
    let place = Place::new();
    gas(&place, 50);
    let refused = place.baton("analyse run-50 --torsion phi=4,6,8");
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("expected NAME=A,B,C,D"), "{}", refused.err);
    let refused = place.baton("analyse run-50 --torsion phi=4,6,8,10");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("--torsion"), "{}", refused.err);
}
