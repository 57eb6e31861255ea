//! The linter's catalogue: each rule finds what it is for, at the line that it is on, and nothing else; and what Baton ships is clean.
//!
//! `tests/lint/RULE/bad.wgsl` marks with `// bad` each line on which the rule must find something. `good.wgsl` does the same the right
//! way. The table in `docs/lint.md` is made from both; `BATON_BLESS=1` writes it anew instead of comparing it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fpcheck::lint::{Finding, Level, LintReport, RULES, Subject};
use kernels::package::Package;
use protocol::Tier;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

fn fixture(rule: &str, name: &str) -> (PathBuf, String) {
    let path = folder().join(rule).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("rule '{rule}' has no {name}: {error}"));
    (path, text)
}

fn lint(path: &Path, tier: Tier) -> LintReport {
    Subject::files(&[path.to_owned()], tier)
        .expect("the file is there")
        .lint()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Lints WGSL that is not on disk.
fn lint_text(text: &str) -> LintReport {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.wgsl");
    fs::write(&path, text).expect("written");
    lint(&path, Tier::Portable)
}

/// Numbers of the lines that a mark stands on.
fn marked(text: &str, mark: &str) -> BTreeSet<usize> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| line.trim_end().ends_with(mark))
        .map(|(index, _)| index + 1)
        .collect()
}

fn shown(report: &LintReport) -> String {
    report.lines().join("\n")
}

fn found(report: &LintReport) -> Vec<(&'static str, usize)> {
    report
        .findings
        .iter()
        .map(|finding| (finding.rule.id, finding.place.line))
        .collect()
}

#[test]
fn every_rule_finds_its_bad_lines_and_no_rule_finds_anything_else() {
    for rule in RULES {
        let (path, text) = fixture(rule.id, "bad.wgsl");
        let report = lint(&path, Tier::Portable);
        let expected = marked(&text, "// bad");
        assert!(!expected.is_empty(), "{}: no line is marked", rule.id);
        let lines: BTreeSet<usize> = report.findings.iter().map(|finding| finding.place.line).collect();
        assert!(
            report.findings.iter().all(|finding| finding.rule.id == rule.id),
            "{}:\n{}",
            rule.id,
            shown(&report)
        );
        assert_eq!(lines, expected, "{}:\n{}", rule.id, shown(&report));
        assert!(report.findings.iter().all(|finding| finding.level == rule.portable));
    }
}

#[test]
fn good_kernels_are_clean() {
    for rule in RULES {
        let (path, text) = fixture(rule.id, "good.wgsl");
        let report = lint(&path, Tier::Portable);
        assert!(report.findings.is_empty(), "{}:\n{}", rule.id, shown(&report));
        assert_eq!(
            marked(&text, "// good").len(),
            1,
            "{}: one line shows how it is done",
            rule.id
        );
    }
}

#[test]
fn every_folder_of_kernels_has_its_rule_and_every_name_is_its_own() {
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    let folders: BTreeSet<String> = fs::read_dir(folder())
        .expect("the catalogue is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(rules, folders);
    assert!(RULES.is_sorted_by(|a, b| a.id < b.id));
}

#[test]
fn the_class_bound_tier_lets_pass_what_one_sort_of_hardware_always_does_alike() {
    for rule in RULES {
        let (path, _) = fixture(rule.id, "bad.wgsl");
        let report = lint(&path, Tier::ClassBound);
        assert_eq!(!report.findings.is_empty(), rule.class_bound.is_some(), "{}", rule.id);
        assert!(report.findings.iter().all(|finding| Some(finding.level) == rule.class_bound));
        assert!(rule.class_bound.is_none_or(|level| level <= rule.portable), "{}", rule.id);
    }
}

#[test]
fn shipped_packages_are_clean_in_the_portable_tier() {
    let mut names: Vec<&str> = kernels::examples::names().collect();
    assert!(names.len() >= 3, "{names:?}");
    names.sort_unstable();
    for name in names {
        let package = kernels::examples::load(name).expect("an example is a good package");
        let report = Subject::package(&package)
            .expect("a subject")
            .with_tier(Some(Tier::Portable))
            .lint();
        let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(report.findings.is_empty(), "{name}:\n{}", shown(&report));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine");
    Package::new_template("mine", &path).expect("the template is a good package");
    let report = Subject::folder(&path).expect("a subject").lint().expect("WGSL");
    assert!(report.findings.is_empty(), "{}", shown(&report));
}

#[test]
fn findings_in_joined_files_point_into_the_author_s_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("walk");
    Package::new_template("walk", &path).expect("the template is a good package");
    let file = path.join("walk.wgsl");
    let text = fs::read_to_string(&file).expect("readable");
    // The same number for every walker; the function stands in another file of the same pass.
    let text = text.replace("vec2<u32>(id.x, clock.x)", "vec2<u32>(7u, clock.x)");
    fs::write(&file, &text).expect("written");
    let report = Subject::folder(&path).expect("a subject").lint().expect("WGSL");
    let line = text
        .lines()
        .position(|line| line.contains("7u, clock.x"))
        .expect("it was replaced")
        + 1;
    let [Finding { rule, place, .. }] = report.findings.as_slice() else {
        panic!("{}", shown(&report));
    };
    assert_eq!(
        (rule.id, place.file.as_str(), place.line),
        ("shared-random-stream", "walk.wgsl", line)
    );
    assert_eq!(
        place.column,
        text.lines()
            .nth(line - 1)
            .and_then(|line| line.find("threefry2x32"))
            .map_or(0, |at| at + 1)
    );
}

#[test]
fn a_finding_is_accepted_by_a_comment_with_a_reason_and_by_nothing_less() {
    let (_, text) = fixture("float-atomic", "bad.wgsl");
    let with = |comment: &str| {
        let report = lint_text(&text.replace("// bad", comment));
        (report.findings.len(), report.count(Level::Error))
    };
    assert_eq!(with("// fpcheck: allow(float-atomic) one invocation adds at a time"), (1, 0));
    assert_eq!(with("// fpcheck: allow(float-atomic)"), (1, 1));
    assert_eq!(with("// fpcheck: allow(texture) one invocation adds at a time"), (1, 1));
}

#[test]
fn missing_barriers_are_found_where_they_are_missing() {
    // The tree of the good example, its two barriers taken away one by one.
    let (_, good) = fixture("float-compare-exchange", "good.wgsl");
    assert!(lint_text(&good).findings.is_empty());
    let none = good.replace("workgroupBarrier();", "");
    assert_eq!(lint_text(&none).findings[0].rule.id, "workgroup-race");

    let tile = "
@group(0) @binding(0) var<storage, read> bodies: array<f32>;
@group(0) @binding(1) var<storage, read_write> forces: array<f32>;
var<workgroup> tile: array<f32, 64>;
@compute @workgroup_size(64)
fn all_pairs(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var first = 0u; first < arrayLength(&bodies); first += 64u) {
        tile[lane] = bodies[first + lane];
        FIRST
        for (var k = 0u; k < 64u; k++) {
            sum += tile[k];
        }
        SECOND
    }
    forces[id.x] = sum;
}";
    let with = |first: &str, second: &str| found(&lint_text(&tile.replace("FIRST", first).replace("SECOND", second)));
    let barrier = "workgroupBarrier();";
    assert_eq!(with(barrier, barrier), []);
    // Tiles are read before they are whole.
    assert_eq!(with("", barrier), [("workgroup-race", 12)]);
    // The next tile is written while this one is still read.
    assert_eq!(with(barrier, ""), [("workgroup-race", 9)]);
}

#[test]
fn shipped_sums_without_their_barriers_are_races() {
    // Those of gray-scott, ising and argon whose tree is written out: their barriers taken away.
    let cases = [
        ("gray-scott", "measure_rows.wgsl"),
        ("gray-scott", "measure_totals.wgsl"),
        ("ising", "measure_rows.wgsl"),
        ("ising", "measure_totals.wgsl"),
        ("argon", "kinetic.wgsl"),
    ];
    for (name, file) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        kernels::examples::load(name)
            .expect("an example")
            .save(&path)
            .expect("written");
        let names = [path.join(file), path.join("md").join(file)];
        let file = names.iter().find(|file| file.exists()).expect("the example has this file");
        let text = fs::read_to_string(file).expect("readable");
        assert!(text.contains("workgroupBarrier();"));
        fs::write(file, text.replace("workgroupBarrier();", "")).expect("written");
        let report = Subject::folder(&path).expect("a subject").lint().expect("WGSL");
        assert!(!report.findings.is_empty(), "{}", file.display());
        assert!(
            report.findings.iter().all(|finding| finding.rule.id == "workgroup-race"),
            "{}",
            shown(&report)
        );
    }
}

#[test]
fn races_that_cannot_happen_are_not_claimed() {
    let kernel = |body: &str| {
        format!(
            "override n: u32;
@group(0) @binding(0) var<storage, read_write> a: array<u32>;
@group(0) @binding(1) var<storage, read> map: array<u32>;
var<workgroup> w: array<u32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {{
{body}
}}"
        )
    };
    let clean = [
        // Each its own place.
        "a[id.x] = a[id.x] + 1u;",
        "a[2u * id.x] = a[2u * id.x + 1u];",
        // One invocation alone.
        "if id.x == 3u { a[0] = a[1] + id.x; }",
        "if lane == 0u { a[group.x] = id.x; }",
        "if lane < 1u { w[0] = lane; }",
        // The same value.
        "a[0] = n;",
        // Red and black.
        "if id.x % 2u == 0u { a[id.x] = a[id.x + 1u]; }",
        // Where data says.
        "a[map[id.x]] = a[id.x];",
        // The neighbour is out of reach.
        "if lane < 8u { w[lane] = w[lane + 8u]; }",
        // A barrier between.
        "w[lane] = id.x; workgroupBarrier(); a[id.x] = w[63u - lane];",
        "w[lane] = id.x; let first = workgroupUniformLoad(&w[0]); a[id.x] = first;",
        // Only integers are added, and only read when all is done.
        "if id.x >= n || id.y >= n { return; } a[id.x] = map[id.x + 1u];",
    ];
    for body in clean {
        let report = lint_text(&kernel(body));
        assert!(report.findings.is_empty(), "{body}\n{}", shown(&report));
    }
    let racing = [
        "a[id.x] = a[id.x + 1u];",
        "if id.x >= n || id.y >= n { return; } a[id.x] = a[id.x + 1u];",
        "if id.x > 0u && id.x < n { a[id.x] = a[id.x - 1u]; }",
        "a[id.x * 4u] = 1u; a[id.x * 4u + 8u] = 2u;",
        "a[0] = id.x;",
        "let old = a[0]; a[0] = old + 1u;",
        "w[lane] = id.x; a[id.x] = w[0];",
        "w[lane] = id.x; storageBarrier(); a[id.x] = w[lane + 1u];",
        "w[lane] = id.x; a[id.x] = w[min(lane + 1u, 63u)];",
        "var next = lane; next += 1u; w[lane] = id.x; a[id.x] = w[next];",
    ];
    for body in racing {
        let report = lint_text(&kernel(body));
        let is_race = |rule: &str| rule.ends_with("-race");
        assert!(found(&report).iter().any(|(rule, _)| is_race(rule)), "{body}");
        assert!(
            found(&report)
                .iter()
                .all(|(rule, _)| is_race(rule) || *rule == "out-of-bounds"),
            "{body}\n{}",
            shown(&report)
        );
    }
}

#[test]
fn a_report_for_tools_is_sarif() {
    let (_, text) = fixture("buffer-race", "bad.wgsl");
    let accepted = "// fpcheck: allow(buffer-race) nobody reads it";
    let (diffusion, total) = text.rsplit_once("// bad").expect("two lines are marked");
    let report = lint_text(&format!("{diffusion}{accepted}{total}"));
    let log = report.sarif();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().is_some_and(|uri| uri.ends_with("sarif-2.1.0.json")));
    let [run] = log["runs"].as_array().map(Vec::as_slice).expect("runs") else {
        panic!("one run");
    };
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "fpcheck");
    let rules = driver["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), RULES.len());
    for (rule, known) in rules.iter().zip(RULES) {
        assert_eq!(rule["id"], known.id);
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[text]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
        }
        assert!(matches!(
            rule["defaultConfiguration"]["level"].as_str(),
            Some("error" | "warning")
        ));
    }

    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), report.findings.len());
    for (result, finding) in results.iter().zip(&report.findings) {
        let index = result["ruleIndex"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .expect("an index");
        assert_eq!(result["ruleId"], RULES[index].id);
        assert_eq!(result["level"], finding.level.as_str());
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| text.contains("Instead: "))
        );
        let location = &result["locations"][0]["physicalLocation"];
        assert!(
            location["artifactLocation"]["uri"]
                .as_str()
                .is_some_and(|uri| uri.ends_with("/a.wgsl"))
        );
        let region = &location["region"];
        let number = |key: &str| region[key].as_u64().expect("a number");
        assert_eq!(number("startLine"), finding.place.line as u64);
        assert!(number("startColumn") >= 1);
        assert!((number("endLine"), number("endColumn")) > (number("startLine"), number("startColumn")));
        assert_eq!(region["snippet"]["text"], finding.place.text);
    }
    assert!(results[0]["relatedLocations"][0]["physicalLocation"]["region"]["startLine"].is_u64());
    assert!(results[0].get("suppressions").is_none());
    let last = results.last().expect("results");
    assert_eq!(last["suppressions"][0]["kind"], "inSource");
    assert_eq!(last["suppressions"][0]["justification"], "nobody reads it");
}

#[test]
fn a_report_for_people_shows_the_line_and_what_to_do() {
    let (path, _) = fixture("float-atomic", "bad.wgsl");
    let file = path.display();
    let expected = format!(
        "error[float-atomic]: an atomic operation on a float
 --> {file}:9:9
  |
9 |         atomicAdd(&total[0], weights[id.x]); // bad
  |         ^^^^^^^^^
  = why: {}
  = instead: {}

{file}: 1 error, 0 warnings",
        RULES.iter().find(|rule| rule.id == "float-atomic").expect("the rule").why,
        RULES.iter().find(|rule| rule.id == "float-atomic").expect("the rule").instead,
    );
    assert_eq!(shown(&lint(&path, Tier::Portable)), expected);
}

#[test]
fn the_command_s_exit_code_says_how_it_went() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fpcheck"))
            .arg("lint")
            .args(arguments)
            .output()
            .expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let path = |rule: &str, name: &str| folder().join(rule).join(name).display().to_string();
    assert_eq!(run(&["ising"]), (Some(0), "ising: clean\n".to_owned(), String::new()));
    assert_eq!(run(&[&path("float-atomic", "bad.wgsl")]).0, Some(1));
    // A warning alone fails only where it is asked to.
    let warned = path("random-without-step", "bad.wgsl");
    assert_eq!(run(&[&warned]).0, Some(0));
    assert_eq!(run(&[&warned, "--deny-warnings"]).0, Some(1));
    // What the class-bound tier allows.
    let half = path("f16", "bad.wgsl");
    assert_eq!(run(&[&half]).0, Some(1));
    assert_eq!(run(&[&half, "--tier", "class-bound"]).0, Some(0));

    assert_eq!(run(&[]).0, Some(2));
    assert_eq!(run(&[&half, "--tier", "fast"]).0, Some(2));
    assert_eq!(run(&["ising", "argon"]).0, Some(2));

    let (code, _, message) = run(&["no-such-package"]);
    assert_eq!(code, Some(87));
    assert!(message.contains("no-such-package"), "{message}");

    // A package that is refused: findings are printed, the reason is said, and scripts get whole JSON.
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let package = temporary.path().join("walk");
    Package::new_template("walk", &package).expect("the template is a good package");
    let file = package.join("walk.wgsl");
    let text = fs::read_to_string(&file).expect("readable");
    fs::write(&file, format!("enable f16;\nconst weight: f16 = 1.0h;\n{text}")).expect("written");
    let manifest = package.join("kernel.toml");
    let text = fs::read_to_string(&manifest).expect("readable");
    fs::write(
        &manifest,
        text.replace("[\"threefry.wgsl\", \"walk.wgsl\"]", "[\"walk.wgsl\", \"threefry.wgsl\"]"),
    )
    .expect("written");
    let (code, found, message) = run(&[&package.display().to_string(), "--json"]);
    assert_eq!(code, Some(87), "{message}");
    assert!(message.contains("`f16`"), "{message}");
    let log: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "f16");
}

/// What `docs/lint.md` says of each rule.
fn table() -> String {
    let mut table =
        String::from("| rule | portable | class-bound | finds | why | bad | good |\n|---|---|---|---|---|---|---|\n");
    for rule in RULES {
        let line = |name: &str, mark: &str| {
            let (_, text) = fixture(rule.id, name);
            let line = text
                .lines()
                .find_map(|line| line.trim().strip_suffix(mark).map(str::trim_end).map(str::to_owned));
            line.unwrap_or_else(|| panic!("{}: {name} marks no line", rule.id))
                .replace('|', "\\|")
        };
        table.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | `{}` | `{}` |\n",
            rule.id,
            rule.portable.as_str(),
            rule.class_bound.map_or("", Level::as_str),
            rule.title,
            rule.why,
            line("bad.wgsl", "// bad"),
            line("good.wgsl", "// good"),
        ));
    }
    table
}

#[test]
fn the_documentation_lists_the_rules_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md");
    let text = fs::read_to_string(&path).expect("docs/lint.md is there");
    let (before, rest) = text.split_once("| rule |").expect("it has a table");
    let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
    let expected = format!("{before}{}\n{after}", table());
    if std::env::var_os("BATON_BLESS").is_some() {
        fs::write(&path, expected).expect("docs/lint.md can be written");
    } else {
        assert_eq!(text, expected, "write it anew with BATON_BLESS=1");
    }
}

#[test]
fn no_text_takes_for_ever() {
    // Calls that double at each level, and loops in loops.
    let mut calls = String::from("var<private> x: u32;\nfn f0() { x = x * 3u + 1u; }\n");
    for level in 1..40 {
        calls.push_str(&format!("fn f{level}() {{ f{0}(); f{0}(); }}\n", level - 1));
    }
    calls.push_str("@compute @workgroup_size(1) fn main() { f39(); }\n");
    assert!(lint_text(&calls).findings.is_empty());

    let mut loops = String::from("@compute @workgroup_size(1) fn main() {\nvar x = 0u;\n");
    (0..30).for_each(|level| {
        loops.push_str(&format!(
            "for (var i{level} = 0u; i{level} < 9u; i{level}++) {{ x += i{level};\n"
        ))
    });
    loops.push_str(&"}".repeat(30));
    loops.push('}');
    assert!(lint_text(&loops).findings.is_empty());
}
