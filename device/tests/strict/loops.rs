//! Loops of many rounds: each device runs them to their end, or the pass fails by name. Never other words.

use std::collections::BTreeMap;

use device::{Command, DeviceError, SessionOptions, Underflow, Workgroups};
use protocol::Tier;

use crate::support::{cpu, gl, program, vulkan, words};

/// Invocations of the one workgroup.
const LANES: u32 = 32;

/// Bodies of `main`, in which `n` is the number of rounds that is asked for, and what lane `l` stores in `out[l]`.
type Shape = (&'static str, &'static str, fn(u32, u32) -> u32);

const SHAPES: &[Shape] = &[
    ("for", "for (var i = 0u; i < n; i++) { s += 1u; }", |n, _| n),
    (
        "while, with a break in a branch",
        "while true { if s >= n { break; } s += 1u; }",
        |n, _| n,
    ),
    ("break if", "loop { s += 1u; continuing { break if s >= n; } }", |n, _| n),
    (
        "continue",
        "for (var i = 0u; i < n; i++) { if i % 3u == 0u { continue; } s += 1u; }",
        |n, _| n - n.div_ceil(3),
    ),
    (
        "nested",
        "for (var i = 0u; i < n / 100u; i++) { for (var j = 0u; j < 100u; j++) { s += j & 1u; } }",
        |n, _| n / 100 * 50,
    ),
    (
        "one after the other, each half",
        "for (var i = 0u; i < n / 2u; i++) { s += 1u; } for (var i = 0u; i < n / 2u; i++) { s += 2u; }",
        |n, _| n / 2 * 3,
    ),
    (
        "the last lane alone",
        "let m = select(5u, n, l == 31u); for (var i = 0u; i < m; i++) { s += 1u; }",
        |n, l| if l == 31 { n } else { 5 },
    ),
    ("a return in a function's loop", "s = returns(n);", |n, _| n + 7),
    (
        "a switch in a loop",
        "for (var i = 0u; i < n; i++) { switch i & 3u { case 0u: { s += 1u; } case 1u: { if s > 9u { break; } s += 1u; } default: {} } }",
        |n, _| shape_of_switch(n),
    ),
    (
        "a short loop behind it",
        "for (var i = 0u; i < n; i++) { s += 1u; } for (var i = 0u; i < 10u; i++) { s += 1u; }",
        |n, _| n + 10,
    ),
    (
        "in a branch that some lanes take",
        "if (l & 1u) == 1u { for (var i = 0u; i < n; i++) { s += 1u; } } else { s = 3u; }",
        |n, l| if l & 1 == 1 { n } else { 3 },
    ),
];

fn shape_of_switch(n: u32) -> u32 {
    let mut s = 0;
    for i in 0..n {
        match i & 3 {
            0 => s += 1,
            1 if s <= 9 => s += 1,
            _ => {}
        }
    }
    s
}

fn source(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read> input: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        fn returns(n: u32) -> u32 {{
            var k = 0u;
            loop {{ if k == n {{ return k + 7u; }} k += 1u; }}
            return 1u;
        }}
        @compute @workgroup_size({LANES}) fn main(@builtin(local_invocation_index) l: u32) {{
            let n = input[0];
            var s = 0u;
            {body}
            out[l] = s;
        }}"
    )
}

#[test]
fn a_loop_ends_by_itself_or_the_pass_fails_by_name() {
    // Devices of which some long loop was cut, by name.
    let mut cut: BTreeMap<String, usize> = BTreeMap::new();
    let portable = vulkan().into_iter().chain([cpu()]).map(|device| (device, Tier::Portable));
    let bound = vulkan()
        .into_iter()
        .chain([cpu()])
        .chain(gl())
        .map(|device| (device, Tier::ClassBound));
    for (device, tier) in portable.chain(bound) {
        let name = format!("{} {} {tier:?}", device.info().id, device.info().name);
        for (shape, body, expected) in SHAPES {
            let source = source(body);
            let program = program(&source, &[1, LANES as usize], tier, Underflow::Canonical);
            for n in [0_u32, 1, 30_000, 100_000] {
                if n == 0 && *shape == "break if" {
                    continue;
                }
                let run = || {
                    let mut session = device.open(&program, &SessionOptions::default())?;
                    session.write(0, 0, &n.to_le_bytes())?;
                    session.submit(&[Command::Dispatch {
                        pass: 0,
                        workgroups: Workgroups::Direct([1, 1, 1]),
                        step: 0,
                    }])?;
                    session.read(&[1])
                };
                match run() {
                    Ok(found) => {
                        let expected: Vec<u32> = (0..LANES).map(|l| expected(n, l)).collect();
                        assert_eq!(words(&found[0]), expected, "{name}: {shape}, {n} rounds");
                    }
                    Err(DeviceError::LoopCut { pass, place }) if n == 100_000 && device.info().id != "cpu" => {
                        assert_eq!(pass, "main");
                        // The line of the loop, whichever of two it is.
                        let line = place.split('\'').nth(1).expect("a line in quotes");
                        assert!(
                            place.starts_with("case, line ")
                                && line.contains("loop {") | line.contains("for (") | line.contains("while "),
                            "{place}"
                        );
                        *cut.entry(name.clone()).or_default() += 1;
                    }
                    Err(error) => panic!("{name}: {shape}, {n} rounds: {error}"),
                }
            }
        }
    }
    for (name, count) in &cut {
        // A device cuts all long loops or none.
        assert_eq!(*count, SHAPES.len(), "{name}");
    }
    println!("devices that cut loops: {:?}", cut.keys());
}

#[test]
fn a_noted_loop_keeps_every_later_read_from_giving_bytes() {
    let source = source(SHAPES[0].1);
    let program = program(&source, &[1, LANES as usize], Tier::Portable, Underflow::Canonical);
    for device in vulkan() {
        let mut session = device.open(&program, &SessionOptions::default()).unwrap();
        let mut step = |n: u32| {
            session.write(0, 0, &n.to_le_bytes())?;
            session.submit(&[Command::Dispatch {
                pass: 0,
                workgroups: Workgroups::Direct([1, 1, 1]),
                step: 0,
            }])?;
            session.read(&[1])
        };
        assert!(step(10).is_ok());
        if step(100_000).is_err() {
            assert!(matches!(step(10), Err(DeviceError::LoopCut { .. })), "{}", device.info().name);
        }
    }
}
