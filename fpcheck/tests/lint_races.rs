//! What the linter claims to be a race is one: made-up kernels run on the CPU device in its checked mode, which sees every access.
//!
//! The other direction cannot hold: the checked mode sees what happened, and the linter says only what it can prove. How much of it the
//! linter proves is printed, and must not fall to nothing.

use std::fs;

use device::{Command, DeviceError, SessionOptions};
use fpcheck::lint::Subject;
use kernels::package::Package;
use kernels::random::threefry2x32;

/// Kernels tried; `BATON_LINT_KERNELS` asks for more.
const KERNELS: u32 = 400;

const MANIFEST: &str = r#"
format = 1
name = "made-up"
version = "1"
tier = "portable"
run = { steps_per_segment = 1, segments = 1 }
constants = { n = 24 }
[[buffer]]
name = "a"
type = "u32"
shape = [1024]
role = "state"
fill = 0
[[pass]]
name = "main"
shader = ["main.wgsl"]
workgroups = [GROUPS]
"#;

/// Choices that a number leads to, the same on every machine.
struct Dice {
    kernel: u32,
    rolls: u32,
}

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.rolls += 1;
        threefry2x32([self.kernel, self.rolls], [1, 0])[0] % end
    }

    fn one(&mut self, of: &[&str]) -> String {
        let text = of[self.below(of.len() as u32) as usize];
        // A sharp sign is a small number, an exclamation mark one that may be large.
        let small = ["0", "1", "2", "3", "4", "8", "31", "32"][self.below(8) as usize];
        text.replace('#', small).replace('!', &self.below(70).to_string())
    }
}

const INDICES: &[&str] = &[
    "id.x",
    "lane",
    "group.x",
    "#u",
    "id.x + #u",
    "lane + #u",
    "#u * lane + #u",
    "group.x * 32u + lane",
    "group.x * 32u + lane + #u",
    "31u - lane",
    "lane + k",
    "k",
    "32u * k + lane",
    "lane ^ 1u",
    "id.x % 8u",
    "select(id.x + #u, 0u, id.x == !u)",
    "min(lane + #u, 31u)",
    "(lane + 1u) % 32u",
    "r % 32u",
    "n + lane",
];
const GUARDS: &[&str] = &[
    "lane < !u",
    "lane >= !u",
    "id.x < !u",
    "id.x != !u",
    "id.x == !u",
    "lane == 0u",
    "lane % 2u == 0u",
    "group.x == 0u",
    "lane < k",
    "lane < # && id.x > #u",
    "lane < #u || lane > !u",
    "id.x < n",
    "r == 0u",
];
const VALUES: &[&str] = &["lane", "id.x", "group.x", "1u", "r", "k", "id.x ^ r"];

fn access(dice: &mut Dice) -> String {
    let index = dice.one(INDICES);
    let memory = dice.one(&["a", "w", "w"]);
    if dice.below(2) == 0 {
        format!("r ^= {memory}[{index}];")
    } else {
        format!("{memory}[{index}] = {};", dice.one(VALUES))
    }
}

fn statement(dice: &mut Dice, depth: u32) -> String {
    match dice.below(if depth == 0 { 9 } else { 6 }) {
        0..=2 => access(dice),
        3 => format!("if {} {{ {} }}", dice.one(GUARDS).replace("# &&", "8u &&"), access(dice)),
        4 => format!(
            "if {} {{ {} }} else {{ {} }}",
            dice.one(GUARDS).replace("# &&", "8u &&"),
            access(dice),
            access(dice)
        ),
        // Both: the checked mode takes either for an ordering of all memory, WGSL each for its own.
        5 | 6 => "workgroupBarrier(); storageBarrier();".to_owned(),
        7 => {
            let body: Vec<String> = (0..=dice.below(2)).map(|_| statement(dice, depth + 1)).collect();
            let head = dice.one(&["k = 16u; k > 0u; k /= 2u", "k = 0u; k < 4u; k++", "k = 1u; k < 32u; k *= 2u"]);
            format!("for ({head}) {{ {} }}", body.join(" "))
        }
        _ => format!("if {} {{ return; }}", dice.one(&["id.x >= !u", "lane > 30u", "id.x == 5u"])),
    }
}

fn kernel(dice: &mut Dice) -> String {
    let body: Vec<String> = (0..2 + dice.below(4)).map(|_| statement(dice, 0)).collect();
    format!(
        "override n: u32;
@group(0) @binding(0) var<storage, read_write> a: array<u32>;
var<workgroup> w: array<u32, 512>;
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {{
    var k = 1u;
    var r = 0u;
    {}
    a[id.x + 512u] = r + w[0] * 0u + n * 0u;
}}",
        body.join("\n    ")
    )
}

#[test]
fn what_the_linter_calls_a_race_is_one() {
    let device = device::select("cpu").expect("the CPU device is always there");
    let options = SessionOptions {
        checked: true,
        threads: Some(1),
        ..SessionOptions::default()
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kernels = std::env::var("BATON_LINT_KERNELS").map_or(KERNELS, |text| text.parse().expect("a number"));
    let (mut races, mut claimed) = (0, 0);
    for number in 0..kernels {
        let mut dice = Dice {
            kernel: number,
            rolls: 0,
        };
        let groups = 1 + dice.below(3);
        let text = kernel(&mut dice);
        fs::write(
            folder.path().join("kernel.toml"),
            MANIFEST.replace("GROUPS", &groups.to_string()),
        )
        .expect("written");
        fs::write(folder.path().join("main.wgsl"), &text).expect("written");
        // Barriers that not all invocations reach are refused before anything runs.
        let Ok(package) = Package::load(folder.path()) else { continue };
        let report = Subject::folder(folder.path()).expect("a subject").lint().expect("WGSL");
        let claims = report.findings.iter().any(|finding| finding.rule.id.ends_with("-race"));
        let Ok(mut session) = device.open(&package.program(), &options) else {
            continue;
        };
        let dispatch = Command::Dispatch {
            pass: 0,
            workgroups: package.workgroups(0),
            step: 0,
        };
        let ended = session.submit(&[dispatch]).and_then(|()| session.wait());
        let raced = match &ended {
            Ok(()) => false,
            Err(DeviceError::Check(text)) if text.contains("data race") => true,
            // Something else came first: nothing can be said.
            Err(_) => continue,
        };
        races += u32::from(raced);
        claimed += u32::from(claims && raced);
        assert!(
            raced || !claims,
            "kernel {number} on {groups} workgroups does not race:\n{text}\n{}",
            report.lines().join("\n")
        );
    }
    println!("of {races} racing kernels among {kernels} the linter proves {claimed}");
    assert!(claimed * 4 > races, "of {races} races only {claimed} are proven");
}
