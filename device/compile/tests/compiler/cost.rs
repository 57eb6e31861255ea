//! Compiling costs as much as the text is long, whatever the text says; what would cost more is refused, with its place.
//!
//! What is compared is counted work, the same on every machine: values, steps of the analyses, bytes of code, and locals times basic blocks,
//! which the memory of a WebAssembly compiler grows with.

use compile::Fault;

use crate::support::Kernel;

const HEAD: &str = "
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@group(0) @binding(1) var<uniform> in: vec4<u32>;
";

fn main_with(before: &str, body: &str) -> String {
    format!("{HEAD}{before}\n@compute @workgroup_size(4) fn main(@builtin(local_invocation_index) l: u32) {{\n{body}\n}}")
}

/// Text of each of some numbers.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// An array by value through a chain of calls.
fn rows(count: usize) -> String {
    let shifted = each(249, |i| format!("r[{}], ", i + 1));
    let shift = format!("alias Row = array<u32, 250>;\nfn shift(r: Row, last: u32) -> Row {{ return Row({shifted}last); }}");
    let body = format!(
        "{}for (var k = 0u; k < 3u; k++) {{ {} a{count} = shift(a{count}, l + k); }}
        out[l] = a0[3];",
        each(count + 1, |i| format!("var a{i}: Row;\n")),
        each(count, |i| format!("a{i} = shift(a{i}, a{}[0]);\n", i + 1)),
    );
    main_with(&shift, &body)
}

/// A value that moves through all words of arrays, one word a turn.
fn moving(count: usize) -> String {
    let arrays = each(count, |i| format!("var a{i}: array<u32, 250>;\n"));
    let moves = each(count, |i| {
        let inner = each(249, |k| format!("a{i}[{}], ", k + 1));
        let next = if i + 1 < count {
            format!("a{}[0]", i + 1)
        } else {
            "l".to_owned()
        };
        format!("a{i} = array<u32, 250>({inner}{next});\n")
    });
    main_with(
        "",
        &format!("{arrays} loop {{ {moves} if (a0[0] > in.x) {{ break; }} }} out[l] = a0[1];"),
    )
}

/// Each variable is set where the next one says so; all are the same in the workgroup.
fn links(count: usize) -> String {
    let vars = each(count + 1, |i| format!("var r{i} = in.x;\n"));
    let links = each(count, |i| format!("if (r{} > 0u) {{ r{i} = 1u; }}\n", i + 1));
    main_with(
        "",
        &format!(
            "{vars} loop {{ {links} r{count} = in.y; if (in.z > 3u) {{ break; }} }} if (r0 > 0u) {{ workgroupBarrier(); }} out[l] = r0;"
        ),
    )
}

/// Many branches beside many values.
fn branches_and_values(count: usize) -> String {
    let branchy = each(100, |i| format!("if (c > {i}u) {{ out[{i}] = c; }}\n"));
    let steps = each(125, |i| format!("let y{} = y{i} * y{i} + {i}u;\n", i + 1));
    let before = format!("fn g(c: u32) {{ {branchy} }}\nfn h(y0: u32) -> u32 {{ {steps} return y125; }}");
    let calls = each(count, |i| format!("g(out[{i}] + l); x = h(x + l);\n"));
    main_with(&before, &format!("var x = l; {calls} out[l] = x;"))
}

/// Calls in loops in loops, beside private words.
fn loops(count: usize) -> String {
    let private = each(4, |i| format!("var<private> p{i}: array<u32, 250>;\n"));
    let before = format!("{private} fn f(x: u32) {{ p0[1] = x; p1[2] = p0[3] + p2[4] + p3[5]; }}");
    let all = each(count, |i| {
        format!("for (var i{i} = 0u; i{i} < in.x; i{i}++) {{ f(i{i}); }}\n")
    });
    main_with(&before, &format!("{all} out[l] = p1[2];"))
}

fn returns(count: usize) -> String {
    main_with(
        "",
        &each(count, |i| format!("if (out[{i}] > l) {{ return; }}\n out[l] = {i}u;\n")),
    )
}

fn cases(count: usize) -> String {
    let cases = each(count, |i| format!("case {i}u: {{ out[l] = l + {i}u; }}\n"));
    main_with("", &format!("switch out[l] {{ {cases} default: {{ out[0] = 1u; }} }}"))
}

/// Barriers with values that are used behind them all.
fn barriers(count: usize) -> String {
    let all = each(count, |i| {
        format!("let v{i} = out[l + {i}u] * 3u; workgroupBarrier(); out[l] += v{i};\n")
    });
    main_with("", &all)
}

/// A kind of kernel, its text at each size, and the first size.
type Ladder = (&'static str, fn(usize) -> String, usize);

/// Doubling the text may cost this much more.
const GROWTH: f64 = 2.3;

#[test]
fn work_grows_with_the_text() {
    let ladders: [Ladder; 8] = [
        ("rows", rows, 5),
        ("moving", moving, 2),
        ("links", links, 250),
        ("branches and values", branches_and_values, 10),
        ("loops", loops, 50),
        ("returns", returns, 250),
        ("cases", cases, 250),
        ("barriers", barriers, 100),
    ];
    for (name, text, start) in ladders {
        let mut last = None;
        for size in [start, 2 * start, 4 * start] {
            let source = text(size);
            let work = Kernel::new(&source, false)
                .compile()
                .unwrap_or_else(|fault| panic!("{name} {size}: {fault:?}"))
                .work;
            let counts = [
                ("values", work.values),
                ("steps", work.steps),
                ("bytes of code", work.instruction_bytes),
                ("locals", work.locals),
                ("blocks", work.blocks),
            ];
            if let Some((before_bytes, before)) = last.replace((source.len(), counts)) {
                let grown = source.len() as f64 / before_bytes as f64;
                for ((what, now), (_, before)) in counts.iter().zip(before) {
                    let factor = *now as f64 / (before as f64).max(1.0);
                    assert!(
                        factor <= grown.max(2.0) / 2.0 * GROWTH,
                        "{name} {size}: {what} {before} to {now}, the text times {grown:.2}"
                    );
                }
            }
        }
    }
}

/// Variables beyond a few hundred lie in memory, so that locals times basic blocks grow with the text and not with its square.
#[test]
fn locals_do_not_grow_with_the_text() {
    let large: [Ladder; 5] = [
        ("rows", rows, 40),
        ("moving", moving, 16),
        ("links", links, 4000),
        ("loops", loops, 800),
        ("cases", cases, 2000),
    ];
    for (name, text, size) in large {
        let work = Kernel::new(&text(size), false)
            .compile()
            .unwrap_or_else(|fault| panic!("{name} {size}: {fault:?}"))
            .work;
        assert!(work.locals < 600, "{name} {size}: {work:?}");
    }
}

fn refused(source: &str) -> Fault {
    match Kernel::new(source, false).compile() {
        Ok(compiled) => panic!("it compiles: {:?}", compiled.work),
        Err(fault) => fault,
    }
}

#[test]
fn what_costs_too_much_is_refused_with_its_place() {
    let row = format!(
        "fn row(x: u32) -> array<u32, 250> {{ return array<u32, 250>({}); }}",
        each(250, |k| format!("out[x + {k}u], "))
    );
    let arrays = each(200, |i| format!("let a{i} = row(l + {i}u);\n"));
    let picked = each(200, |i| format!("out[l + a{i}[{}]] = a{i}[3];\n", i + 9));
    let all = each(200, |i| format!("s ^= a{i}[in.x];\n"));
    let alive = main_with(
        &row,
        &format!("{arrays} workgroupBarrier(); {picked} var s = 1u; {all} out[l] = s;"),
    );
    let many = branches_and_values(400);
    let doubled = each(20, |i| {
        format!("fn f{}(x: u32) -> u32 {{ return f{i}(x) + f{i}(x + 1u); }}\n", i + 1)
    });
    let doubled = main_with(
        &format!("fn f0(x: u32) -> u32 {{ return x + 1u; }}\n{doubled}"),
        "out[l] = f20(l);",
    );
    for (name, source) in [("values at once", alive), ("branches", many), ("calls", doubled)] {
        let fault = refused(&source);
        let (needed, limit) = fault.limit.unwrap_or_else(|| panic!("{name}: {fault:?}"));
        assert!(needed > limit, "{name}: {fault:?}");
        assert!(fault.span.is_some(), "{name}: {fault:?}");
    }
}
