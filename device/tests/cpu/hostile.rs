//! Broken and malicious kernels are errors, in bounded time and memory; nothing panics and nothing hangs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use device::cpu::CpuDevice;
use device::{DeviceError, SessionOptions};

use crate::support::{Case, Random};

const GOOD: &str = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
fn f(x: u32) -> u32 { var y = x; for (var k = 0u; k < 10u; k++) { if (k == x) { continue; } y = y * 3u + k; } return y; }
var<workgroup> t: array<vec4<f32>, 8>;
@compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    t[l] = vec4<f32>(f32(id.x), sin(f32(l)), 1.0, exp(0.5));
    workgroupBarrier();
    switch l { case 1u: { out[id.x] = f(l); } default: { out[id.x] = u32(dot(t[l], t[7u - l])); } }
}";

fn refused(source: &str) -> DeviceError {
    let start = Instant::now();
    let result = Case::new(source, vec![vec![0; 16]], 1).run_with(&SessionOptions::default());
    assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
    result.expect_err("it must not run")
}

fn main_with(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{ {body} }}"
    )
}

#[test]
fn an_endless_loop_is_stopped_and_names_its_pass() {
    let source = main_with("loop { out[id.x] += 1u; if (out[0] == 0xffffffffu && out[1] == 7u) { break; } }");
    let case = Case::new(&source, vec![vec![0; 16]], 64);
    let device = CpuDevice::with_dispatch_limit(Duration::from_millis(300));
    let start = Instant::now();
    let error = case.run_on(&device, &SessionOptions::default()).expect_err("it does not end");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(
        matches!(&error, DeviceError::Endless { pass, .. } if pass == "main"),
        "{error}"
    );
}

/// The limit is processor time: a machine that is busy with other things makes no pass endless.
#[test]
fn a_busy_machine_makes_no_pass_endless() {
    const LIMIT: Duration = Duration::from_millis(1000);
    const SOURCE: &str = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<storage, read> rounds: array<u32>;
        @compute @workgroup_size(1) fn main() {
            var x = 1u;
            for (var i = 0u; i < rounds[0]; i++) { x = x * 1664525u + 1013904223u; }
            out[0] = x;
        }";
    let device = CpuDevice::with_dispatch_limit(LIMIT);
    let rounds = |count: u32| Case::new(SOURCE, vec![vec![0], vec![count]], 1);
    let options = SessionOptions {
        threads: Some(1),
        ..SessionOptions::default()
    };
    // A quarter to a half of the limit by itself, on an idle machine. The first run compiles.
    let mut count = 1 << 20;
    rounds(count).run_on(&device, &options).expect("short");
    loop {
        let start = Instant::now();
        rounds(count).run_on(&device, &options).expect("short");
        if start.elapsed() >= LIMIT / 4 {
            break;
        }
        count *= 2;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let done = AtomicBool::new(false);
    let took = std::thread::scope(|scope| {
        for _ in 0..8 * cores {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let start = Instant::now();
        let result = rounds(count).run_on(&device, &options);
        done.store(true, Ordering::Relaxed);
        result.expect("it used less processor time than it may");
        start.elapsed()
    });
    println!("{took:?} on a busy machine, of {LIMIT:?} of processor time");
    if took <= LIMIT {
        println!("skipped: this machine did not become busy enough to tell processor time from time");
    }
}

#[test]
fn recursion_is_refused() {
    refused(
        "fn f(x: u32) -> u32 { return g(x); } fn g(x: u32) -> u32 { return f(x); }
        @group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main() { out[0] = f(1u); }",
    );
}

#[test]
fn huge_types_and_workgroups_are_refused() {
    refused(&main_with("var t: array<u32, 4000000000>; t[id.x] = 1u; out[0] = t[id.y];"));
    refused(&main_with(
        "var t: array<array<u32, 60000>, 60000>; t[id.x][id.y] = 1u; out[0] = t[id.y][id.x];",
    ));
    refused(
        "var<workgroup> t: array<array<u32, 60000>, 60000>;
        @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) l: u32) { t[l][l] = 1u; }",
    );
    refused(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(60000, 60000) fn main() { out[0] = 1u; }",
    );
}

#[test]
fn calls_that_double_are_refused() {
    let mut source = "fn f0(x: u32) -> u32 { return x + 1u; }\n".to_owned();
    for i in 1..40 {
        source += &format!("fn f{i}(x: u32) -> u32 {{ return f{}(x) + f{}(x + 1u); }}\n", i - 1, i - 1);
    }
    source += &main_with("out[id.x] = f39(id.x);");
    assert!(matches!(refused(&source), DeviceError::Limit { .. }));
}

#[test]
fn deep_nesting_is_an_error_or_runs() {
    for (open, close) in [("if (out[0] == 0u) {", "}"), ("loop { break; ", "}"), ("{", "}")] {
        for depth in [100, 5000] {
            let body = format!("{}out[1] = 5u;{}", open.repeat(depth), close.repeat(depth));
            // Either way is right; what matters is that it returns.
            let _ = Case::new(&main_with(&body), vec![vec![0; 16]], 1).run_with(&SessionOptions::default());
        }
    }
    let sum = format!("out[0] = {}1u{};", "(1u + ".repeat(3000), ")".repeat(3000));
    let _ = Case::new(&main_with(&sum), vec![vec![0; 16]], 1).run_with(&SessionOptions::default());
}

#[test]
fn a_buffer_that_is_too_small_or_missing_is_refused() {
    let source = "@group(0) @binding(0) var<storage, read_write> out: array<vec4<u32>, 100>;
        @compute @workgroup_size(1) fn main() { out[0].x = 1u; }";
    assert!(matches!(refused(source), DeviceError::Program(_)));
    let source = "@group(0) @binding(3) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main() { out[0] = 1u; }";
    assert!(matches!(refused(source), DeviceError::Program(_)));
}

#[test]
fn mutated_text_never_panics_or_hangs() {
    let start = Instant::now();
    let mut random = Random(3);
    let (mut runs, mut accepted) = (0, 0);
    let device = CpuDevice::with_dispatch_limit(Duration::from_millis(200));
    while start.elapsed() < Duration::from_secs(8) {
        let mut text: Vec<u8> = GOOD.bytes().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len() as u32) as usize;
            match random.below(4) {
                0 => {
                    text.remove(at);
                }
                1 => text.insert(at, b" (){}[];,+-*/&|^<>=u0123456789.xyzw"[random.below(35) as usize]),
                2 => {
                    let from = random.below(text.len() as u32) as usize;
                    text[at] = text[from];
                }
                _ => {
                    let end = (at + random.below(12) as usize).min(text.len());
                    let piece: Vec<u8> = text[at..end].to_vec();
                    let to = random.below(text.len() as u32) as usize;
                    text.splice(to..to, piece);
                }
            }
        }
        let Ok(source) = String::from_utf8(text) else { continue };
        runs += 1;
        let result = Case::new(&source, vec![vec![0; 16]], 2).run_on(&device, &SessionOptions::default());
        if let Err(DeviceError::Lost(text)) | Err(DeviceError::Program(text)) = &result {
            assert!(
                !text.contains("trapped") && !text.contains("the compiler failed"),
                "{text}\n{source}"
            );
        }
        if let Err(DeviceError::Shader { message, .. }) = &result {
            assert!(!message.contains("does not compile"), "{message}\n{source}");
        }
        accepted += u32::from(result.is_ok());
    }
    println!("{runs} texts, {accepted} of them ran");
    assert!(runs > 20 && accepted > 0);
}

#[test]
fn long_functions_are_refused_before_they_cost_time() {
    let n = 40_000;
    let numbered = |text: fn(usize) -> String| (0..n).map(text).collect::<String>();
    let bodies = [
        "out[0] += 1u;".repeat(n),
        "if (out[0] == 1u) { out[1] = 2u; }".repeat(n),
        numbered(|i| format!("let v{i} = out[{i}u % 3u];")),
        format!("out[0] = out[1]{};", " + out[1]".repeat(n)),
        format!(
            "switch out[0] {{ {} default: {{}} }}",
            numbered(|i| format!("case {i}u: {{ out[1] = {i}u; }}"))
        ),
    ];
    for body in bodies {
        let error = refused(&main_with(&body));
        assert!(
            matches!(&error, DeviceError::Limit { what, .. } if what.contains("functions")),
            "{error}"
        );
    }
}

#[test]
fn functions_as_long_as_may_be_end_in_bounded_time() {
    let numbered = |n: usize, text: fn(usize) -> String| (0..n).map(text).collect::<String>();
    let sources = [
        main_with(&"if (out[0] == 1u) { out[1] = 2u; }".repeat(4_000)),
        main_with(&format!("out[0] = out[1]{};", " + out[1]".repeat(10_000))),
        main_with(&format!(
            "switch out[0] {{ {} default: {{}} }}",
            numbered(4_000, |i| format!("case {i}u: {{ out[1] = {i}u; }}"))
        )),
        numbered(10_000, |i| format!("fn f{i}(x: u32) -> u32 {{ return x; }}\n")) + &main_with("out[0] = f7(1u);"),
    ];
    for source in sources {
        let start = Instant::now();
        // It may run, or be refused by a later limit.
        let result = Case::new(&source, vec![vec![0; 16]], 1).run_with(&SessionOptions::default());
        let took = start.elapsed();
        println!(
            "{} bytes: {took:.2?}, {}",
            source.len(),
            result.map_or_else(|error| error.to_string(), |_| "ran".to_owned())
        );
        assert!(took < Duration::from_secs(60), "it took {took:?}");
    }
}

/// A kernel that adds up the first words of `n` buffers.
fn sum_of(n: usize) -> Case {
    let declare = |i: usize| format!("@group(0) @binding({i}) var<storage, read> b{i}: array<u32>;\n");
    let declared: String = (1..n).map(declare).collect();
    let add: String = (1..n).map(|i| format!("s += b{i}[0];")).collect();
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        {declared} @compute @workgroup_size(1) fn main() {{ var s = 0u; {add} out[0] = s; }}"
    );
    Case::new(&source, (0..n as u32).map(|i| vec![i]).collect(), 1)
}

#[test]
fn thousands_of_bindings_run_or_are_a_limit() {
    let start = Instant::now();
    assert_eq!(sum_of(3_000).run()[0], [2_999 * 3_000 / 2]);
    let error = sum_of(5_000)
        .run_with(&SessionOptions::default())
        .expect_err("it is above the limit");
    assert!(matches!(error, DeviceError::Limit { .. }), "{error}");
    let mut unbound = sum_of(3_000);
    unbound.buffers.truncate(2);
    let error = unbound.run_with(&SessionOptions::default()).expect_err("nothing is bound");
    assert!(error.to_string().contains("bound to nothing"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60), "it took {:?}", start.elapsed());
}
