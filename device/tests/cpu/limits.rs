//! Kernels at the device's limits: they run, or a limit is named with the place in the source; the device is never blamed.

use std::fmt::Write;

use device::{DeviceError, SessionOptions};

use crate::support::Case;

fn main_with(before: &str, body: &str) -> String {
    format!(
        "{before}
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) l: u32) {{
{body}
}}"
    )
}

/// Values of an array each that are all needed until the end.
fn alive(arrays: usize) -> String {
    let mut row = "fn row(x: u32) -> array<u32, 250> { return array<u32, 250>(".to_owned();
    (0..250).for_each(|k| write!(row, "out[x + {k}u], ").expect("text has room"));
    row += "); }";
    let mut body = String::new();
    (0..arrays).for_each(|i| writeln!(body, "let a{i} = row(l + {i}u);").expect("text has room"));
    body += "workgroupBarrier();\nvar s = l;\n";
    (0..arrays).for_each(|i| writeln!(body, "s = s * 3u + a{i}[(s + {i}u) % 250u];").expect("text has room"));
    main_with(&row, &(body + "out[l] = s;"))
}

#[test]
fn many_values_at_once_run_or_are_a_limit() {
    for arrays in [20, 150] {
        let case = Case::new(&alive(arrays), vec![(0..1000).collect()], 1);
        match case.run_with(&SessionOptions::default()) {
            Ok(_) => {}
            Err(DeviceError::Limit { what, needed, limit }) => {
                assert!(
                    arrays > 20 && needed > limit && what.contains("case:"),
                    "{arrays}: {what} {needed}"
                );
            }
            Err(error) => panic!("{arrays}: {error:?}"),
        }
    }
}

#[test]
fn a_limit_names_the_place() {
    let mut before = "fn f0(x: u32) -> u32 { return x + 1u; }\n".to_owned();
    (1..40).for_each(|i| {
        let inner = i - 1;
        writeln!(before, "fn f{i}(x: u32) -> u32 {{ return f{inner}(x) + f{inner}(x + 1u); }}").expect("text has room");
    });
    let case = Case::new(&main_with(&before, "out[l] = f39(l);"), vec![vec![0; 16]], 1);
    let error = case.run_with(&SessionOptions::default()).expect_err("it is too much");
    let text = error.to_string();
    assert!(matches!(error, DeviceError::Limit { .. }), "{text}");
    assert!(text.starts_with("pass 'main', case:") && text.contains("limit is"), "{text}");
    let source = main_with("", "if (out[l] > 3u) {\n workgroupBarrier(); }");
    let error = Case::new(&source, vec![vec![0; 16]], 1).run_with(&SessionOptions::default());
    let text = error.expect_err("not all invocations may reach the barrier").to_string();
    assert!(text.starts_with("case:") && text.contains("barrier"), "{text}");
}

/// `T()` is zero whether it is written or not, however large `T` is; and in those invocations alone that come by.
#[test]
fn zero_of_any_size_is_zero() {
    for declared in ["var big: array<u32, 5000>;", "var big = array<u32, 5000>();"] {
        let body = format!(
            "{declared}
            for (var i = 0u; i < 5000u; i += 7u) {{ big[i] = i + l; }}
            if (l > 1u) {{ big = array<u32, 5000>(); big[14u * l] = 5u; }}
            out[l] = big[14] + big[28] + big[42];"
        );
        for tier in [protocol::Tier::ClassBound, protocol::Tier::Portable] {
            let mut case = Case::new(&main_with("", &body), vec![vec![0; 4]], 1);
            case.tier = tier;
            assert_eq!(case.run()[0], [84, 87, 5, 5], "{declared}");
        }
    }
}
