//! Checked mode: out-of-bounds accesses, floats that are not ordinary, conversions that overflow, and data races.
//!
//! A race is two accesses of one word in one dispatch, at least one of them a write and not both atomic, by invocations that no
//! barrier orders: `storageBarrier` in storage, `workgroupBarrier` in workgroup memory. Each word's last writer and its readers are
//! remembered; that is enough to find some race wherever there is one, though not each of them.
//!
//! A buffer that is cleared (at a boundary, all that is not state) is also watched for values that were meant to last: see `clears`.

use std::ops::Range;
use std::sync::Arc;

use compile::abi::event;

use super::clears::Clears;

/// Where the sites of a pass lie in its source.
#[derive(Clone, Debug)]
pub(in crate::cpu) struct Sites {
    pub(in crate::cpu) pass: String,
    pub(in crate::cpu) module: String,
    pub(in crate::cpu) source: String,
    pub(in crate::cpu) ranges: Vec<Range<usize>>,
    pub(in crate::cpu) workgroup_size: [u32; 3],
    /// Address, size and name of each buffer that is bound.
    pub(in crate::cpu) buffers: Vec<(u32, u32, String)>,
}

/// Who touched a word, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Visit {
    group: u64,
    lane: u32,
    /// Barriers of the workgroup before it that order this kind of memory.
    phase: u32,
    atomic: bool,
}

#[derive(Clone, Copy, Default)]
struct Word {
    writer: Option<Visit>,
    reader: Option<Visit>,
    /// A reader of another invocation than `reader`.
    other: Option<Visit>,
}

/// Words of a page.
const PAGE: usize = 1024;

/// The words of a page, each with the stamp under which it was last touched.
type Page = Box<[(u32, Word)]>;

/// What is known of each word since the last [`Words::forget`], in pages that are made when a word of theirs is first touched.
struct Words {
    /// What bears another stamp was forgotten.
    stamp: u32,
    pages: Vec<Option<Page>>,
}

impl Words {
    fn new() -> Self {
        Self {
            stamp: 1,
            pages: Vec::new(),
        }
    }

    fn at(&mut self, address: u32) -> &mut Word {
        let index = address as usize / 4;
        let page = index / PAGE;
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| vec![(0, Word::default()); PAGE].into());
        let (stamp, word) = &mut page[index % PAGE];
        if *stamp != self.stamp {
            (*stamp, *word) = (self.stamp, Word::default());
        }
        word
    }

    fn forget(&mut self) {
        self.stamp = self.stamp.checked_add(1).unwrap_or_else(|| {
            self.pages.clear();
            1
        });
    }
}

/// Watches one session.
pub(super) struct Checker {
    passes: Arc<Vec<Sites>>,
    pass: usize,
    group: u64,
    group_id: [u32; 3],
    /// Barriers that this workgroup has passed: those that order storage, those that order workgroup memory.
    phases: [u32; 2],
    /// Words of buffers, since the dispatch began.
    words: Words,
    /// Words of workgroup memory, since the workgroup began.
    own_words: Words,
    clears: Clears,
    /// First byte of scratch memory, which each workgroup has for itself.
    scratch: u32,
    found: Option<String>,
}

impl Checker {
    pub(super) fn new(passes: Arc<Vec<Sites>>, scratch: u32) -> Self {
        Self {
            passes,
            pass: 0,
            group: 0,
            group_id: [0; 3],
            phases: [0; 2],
            words: Words::new(),
            own_words: Words::new(),
            clears: Clears::new(scratch),
            scratch,
            found: None,
        }
    }

    pub(super) fn dispatch(&mut self, pass: usize) {
        self.pass = pass;
        self.words.forget();
    }

    /// A range of bytes was cleared.
    pub(super) fn clear(&mut self, range: Range<u64>) {
        self.clears.clear(range);
    }

    /// A range of bytes was written from outside of kernels.
    pub(super) fn write(&mut self, range: Range<u64>) {
        self.clears.write(range);
    }

    pub(super) fn workgroup(&mut self, id: [u32; 3], group: u64) {
        self.group = group;
        self.group_id = id;
        self.phases = [0; 2];
        self.own_words.forget();
    }

    pub(super) fn take(&mut self) -> Option<String> {
        self.found.take()
    }

    /// Something happened at a site. Returns whether it is a finding.
    pub(super) fn watch(&mut self, site: u32, what: u32, lane: u32, a: u32, b: u32) -> Option<()> {
        let text = match what {
            event::FLOAT => odd_float(a, b == 1),
            event::TO_SIGNED => bad_conversion(a, -2_147_483_648.0, 2_147_483_648.0, "i32"),
            event::TO_UNSIGNED => bad_conversion(a, -1.0, 4_294_967_296.0, "u32"),
            event::INDEX => (a >= b).then(|| format!("out of bounds: index {a} of {b} elements")),
            event::BARRIER => {
                self.phases[0] += a;
                self.phases[1] += b;
                None
            }
            _ => (0..b).find_map(|i| self.touch(a + 4 * i, what, lane).or_else(|| self.last(a + 4 * i, what))),
        }?;
        self.found = Some(format!("{}: {text}", self.place(site, lane)));
        Some(())
    }

    fn place(&self, site: u32, lane: u32) -> String {
        let Some(sites) = self.passes.get(self.pass) else {
            return String::new();
        };
        let id = self.invocation(self.group_id, lane);
        let (line, column) = match sites.ranges.get(site as usize) {
            Some(range) => line_of(&sites.source, range.start),
            None => (0, 0),
        };
        format!(
            "pass '{}', invocation ({}, {}, {}), {}:{line}:{column}",
            sites.pass, id[0], id[1], id[2], sites.module
        )
    }

    fn invocation(&self, group: [u32; 3], lane: u32) -> [u32; 3] {
        let [x, y, _] = self.passes[self.pass].workgroup_size;
        let local = [lane % x, lane / x % y, lane / x / y];
        std::array::from_fn(|axis| group[axis] * self.passes[self.pass].workgroup_size[axis] + local[axis])
    }

    fn touch(&mut self, address: u32, what: u32, lane: u32) -> Option<String> {
        let now = Visit {
            group: self.group,
            lane,
            phase: self.phases[usize::from(address >= self.scratch)],
            atomic: what == event::ATOMIC,
        };
        let word = match address.checked_sub(self.scratch) {
            Some(offset) => self.own_words.at(offset),
            None => self.words.at(address),
        };
        let apart = |then: &Visit| {
            let ordered = then.group == now.group && (then.lane == now.lane || then.phase < now.phase);
            !(ordered || then.atomic && now.atomic)
        };
        let writes = what != event::READ;
        let mut clash = word
            .writer
            .filter(apart)
            .map(|then| (then, if then.atomic { "atomic access" } else { "write" }));
        if writes {
            clash = clash.or_else(|| {
                word.reader
                    .filter(apart)
                    .or(word.other.filter(apart))
                    .map(|then| (then, "read"))
            });
            word.writer = Some(now);
        } else {
            match word.reader {
                Some(first) if first.group != now.group || first.phase == now.phase && first.lane != now.lane => {
                    word.other = Some(now);
                }
                _ => word.reader = Some(now),
            }
        }
        let (then, before) = clash?;
        let act = match what {
            event::READ => "read",
            event::WRITE => "write",
            _ => "atomic access",
        };
        let between = if then.group != now.group {
            "and nothing orders workgroups within a dispatch"
        } else if address >= self.scratch {
            "with no workgroupBarrier between"
        } else {
            "with no storageBarrier between"
        };
        Some(format!(
            "data race: {act} of {} after a {before} by invocation {} of workgroup {}, {between}",
            self.name(address),
            then.lane,
            then.group
        ))
    }

    /// Whether a kernel reads what was lost when a buffer was cleared.
    fn last(&mut self, address: u32, what: u32) -> Option<String> {
        let is_lost = match what {
            event::READ => self.clears.read(address),
            event::WRITE => self.clears.store(address),
            _ => self.clears.atomic(address),
        };
        is_lost.then(|| {
            format!(
                "lost at a boundary: read of {}, which was written before the boundary, and not since; scratch and observable buffers are \
                 cleared there, what is to last belongs in a state buffer",
                self.name(address)
            )
        })
    }

    fn name(&self, address: u32) -> String {
        let buffers = &self.passes[self.pass].buffers;
        match buffers
            .iter()
            .find(|(start, size, _)| (*start..start + size).contains(&address))
        {
            Some((start, _, name)) => format!("'{name}' at byte {}", address - start),
            None => "workgroup memory".to_owned(),
        }
    }
}

fn odd_float(bits: u32, underflow: bool) -> Option<String> {
    let value = f32::from_bits(bits);
    let kind = match value.classify() {
        std::num::FpCategory::Nan => "a NaN",
        std::num::FpCategory::Infinite => "an infinity",
        std::num::FpCategory::Subnormal if underflow => "a subnormal",
        _ => return None,
    };
    Some(format!("arithmetic gives {kind}: {value:e}"))
}

fn bad_conversion(bits: u32, low: f64, high: f64, ty: &str) -> Option<String> {
    let value = f64::from(f32::from_bits(bits));
    let fits = if low < -1.0 { value >= low } else { value > low };
    (!(fits && value < high)).then(|| format!("{value:e} does not fit in {ty}"))
}

/// Line and column of a byte, both from 1.
pub(in crate::cpu) fn line_of(source: &str, byte: usize) -> (usize, usize) {
    let before = &source.as_bytes()[..byte.min(source.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}
