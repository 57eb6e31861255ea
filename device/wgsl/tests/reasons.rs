//! Everything that the reader refuses of valid WGSL, reason by reason: in both tiers, or in the portable tier alone.

use std::collections::BTreeMap;

use protocol::Tier;
use wgsl::{Module, ReadError, Reason, Target, Underflow};

/// Why the entry point `main` of a text is refused in a tier; none where it is taken.
fn refused(text: &str, overrides: &[(&str, f64)], tier: Tier) -> Option<String> {
    let values: BTreeMap<String, f64> = overrides.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let read = || -> Result<(), ReadError> {
        let module = Module::read(text, tier, Underflow::Canonical)?;
        let target = Target {
            cuts_loops: true,
            ..Target::default()
        };
        module.stage("main", &values, target).map(drop)
    };
    match read() {
        Ok(()) => None,
        Err(ReadError::Refused(refusal)) => {
            assert!(refusal.span.is_some(), "it has a place: {}", refusal.message);
            Some(refusal.message)
        }
        Err(other) => panic!("{other}"),
    }
}

/// A text whose entry point does `body`, behind `before`.
fn text(before: &str, body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
        {before}
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) l: u32) {{ x[l] = 1.0; {body} }}"
    )
}

/// It is refused for this reason in both tiers.
fn both(text: &str, overrides: &[(&str, f64)], reason: &Reason) {
    for tier in [Tier::Portable, Tier::ClassBound] {
        assert_eq!(refused(text, overrides, tier), Some(reason.to_string()), "{tier:?}\n{text}");
    }
}

/// It is refused for this reason in the portable tier, and taken class-bound.
fn portable(text: &str, reason: &Reason) {
    assert_eq!(refused(text, &[], Tier::Portable), Some(reason.to_string()), "{text}");
    assert_eq!(refused(text, &[], Tier::ClassBound), None, "{text}");
}

#[test]
fn buffers_are_numbered_in_group_0() {
    let use_y = "x[0] = y[0];";
    let y = || "y".to_owned();
    both(
        "@group(0) @binding(0) var y: texture_2d<f32>; @compute @workgroup_size(1) fn main() { _ = textureDimensions(y); }",
        &[],
        &Reason::NotABuffer(y()),
    );
    let other_group = Reason::OtherGroup { name: y(), group: 1 };
    both(
        &text("@group(1) @binding(0) var<storage> y: array<f32>;", use_y),
        &[],
        &other_group,
    );
    let last = "@group(0) @binding(4294967295) var<storage, read_write> y: array<u32>;";
    let long = "var i = 0u; loop { if i == y[0] { break; } i += 1u; }";
    both(&text(last, long), &[], &Reason::LastBinding(u32::MAX));
}

#[test]
fn overrides_have_values_of_their_types() {
    let used = text("override n: u32;", "x[1] = f32(n);");
    both(&used, &[], &Reason::NoValue("n".to_owned()));
    let reason = Reason::OtherValue {
        value: -1.0,
        expected: "an integer from 0 to 4294967295 (u32)",
    };
    both(&used, &[("n", -1.0)], &reason);
    let length = text("override n: u32; var<workgroup> a: array<f32, n>;", "a[l] = 1.0;");
    let reason = Reason::NotPositive {
        found: 0,
        what: "an array's length".to_owned(),
    };
    both(&length, &[("n", 0.0)], &reason);
    let quotient = text("override n: u32; override m = 7u / n;", "x[1] = f32(m);");
    let message = refused(&quotient, &[("n", 0.0)], Tier::Portable).expect("7 / 0 has no value");
    assert!(message.starts_with("found an expression without a value: "), "{message}");
    assert_eq!(refused(&quotient, &[("n", 0.0)], Tier::ClassBound), Some(message));
}

#[test]
fn barriers_are_reached_by_all() {
    both(
        &text("", "if l > 3u { workgroupBarrier(); }"),
        &[],
        &Reason::NotUniform("this barrier"),
    );
    let load = text(
        "var<workgroup> w: array<u32, 64>;",
        "x[l] = f32(workgroupUniformLoad(&w[l]));",
    );
    both(&load, &[], &Reason::PlaceNotUniform);
    let variables: String = (0..400).map(|i| format!("var v{i} = l;\n")).collect();
    let moves: String = (1..400).map(|i| format!("v{} = v{i};\n", i - 1)).collect();
    let nested = (0..12).fold(moves, |inner, _| format!("for (var i = 0u; i < l; i++) {{ {inner} }}"));
    let involved = text("", &format!("{variables} {nested} if v0 == 1u {{ workgroupBarrier(); }}"));
    let message =
        refused(&involved, &[], Tier::Portable).expect("it is refused, whether for the barrier or for the work of looking");
    let reasons = [Reason::NotUniform("this barrier"), Reason::BarriersTooInvolved];
    assert!(reasons.iter().any(|reason| reason.to_string() == message), "{message}");
}

#[test]
fn the_portable_tier_leaves_nothing_to_the_compiler_s_host() {
    portable(&text("", "x[1] = x[2] * sin(2.0);"), &Reason::FoldedOnHost("sin"));
    portable(
        &text(
            "struct S { a: array<f32, 1025> }\n@group(0) @binding(1) var<storage, read_write> y: array<S>;",
            "y[0] = y[1];",
        ),
        &Reason::MovesTooMuch(1024),
    );
}

#[test]
fn what_only_shaders_that_draw_have_is_refused_where_it_is_called() {
    let drawing = "@group(0) @binding(1) var y: texture_storage_2d<r32float, write>;
        fn draw() { textureStore(y, vec2(0u, 0u), vec4(1.0)); }";
    both(&text(drawing, "draw();"), &[], &Reason::NotABuffer("y".to_owned()));
    assert_eq!(refused(&text(drawing, ""), &[], Tier::Portable), None);
}
