//! One dispatch of a step: WGSL files, how many invocations, when.
//!
//! Invariant: a workgroup's size is read from the shader's `@workgroup_size`, never said twice.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, Phase};
use crate::package::manifest::{Count, Indirect, Number, Pass, Underflow};

/// Storage buffers that a kernel may bind on every device.
const BUFFERS_MAX: usize = 8;

/// Invocations of a workgroup of kernels that are joined to one.
const JOINED_SIZE: u64 = 64;

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Kernel {
    name: String,
    files: Vec<&'static str>,
    /// A last file that is not one below `shaders/`, and whose entry point has the kernel's name.
    written: Option<String>,
    size: Size,
    indirect: Option<Indirect>,
    bindings: BTreeMap<String, String>,
    constants: BTreeMap<String, Number>,
    underflow: Underflow,
    /// Steps between two times that it runs, and the first of them.
    every: Option<[u64; 2]>,
    /// Whether energies rest on it: one of [`Phase::Clear`] or [`Phase::Forces`].
    feeds_energies: bool,
}

#[derive(Clone, Debug)]
enum Size {
    Invocations(String),
    Workgroups(String),
}

/// A kernel and its place.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) phase: Phase,
    pub(super) kernel: Kernel,
}

impl Kernel {
    /// A pass of this name (unique in the package) made of WGSL files, paths below `shaders/`; the last one holds the entry point. One workgroup
    /// as long as nothing else is said.
    pub fn new(name: &str, files: &[&'static str]) -> Self {
        Self {
            name: name.to_owned(),
            files: files.to_vec(),
            written: None,
            size: Size::Workgroups("1".to_owned()),
            indirect: None,
            bindings: BTreeMap::new(),
            constants: BTreeMap::new(),
            underflow: Underflow::Checked,
            every: None,
            feeds_energies: false,
        }
    }

    /// Forces of a term on atoms by tag, with the files that such kernels share: `cell.wgsl`, `force_round.wgsl` and `force_sums.wgsl`, then `files`, then the one
    /// with the entry point.
    pub fn tagged_forces(draft: &mut Draft, name: &str, files: &[&'static str], last: &'static str) -> Self {
        let shared = [draft.cell_file(), "md/terms/force_round.wgsl", "md/terms/force_sums.wgsl"];
        Self::new(name, &[&shared, files, &[last]].concat())
    }

    /// Energies of such a term: `cell.wgsl`, `fixed64.wgsl` and `energy_sum.wgsl`, then `files`, then the one with the entry point.
    pub fn tagged_energies(draft: &mut Draft, name: &str, files: &[&'static str], last: &'static str) -> Self {
        let shared = [draft.cell_file(), "md/observe/fixed64.wgsl", "md/terms/energy_sum.wgsl"];
        Self::new(name, &[&shared, files, &[last]].concat())
    }

    /// At least so many invocations: a number, or the name of an integer constant given before.
    #[must_use]
    pub fn over(mut self, invocations: &str) -> Self {
        self.size = Size::Invocations(invocations.to_owned());
        self
    }

    /// Exactly so many workgroups.
    #[must_use]
    pub fn workgroups(mut self, count: &str) -> Self {
        self.size = Size::Workgroups(count.to_owned());
        self
    }

    /// The number of workgroups is read from three elements of a u32 buffer; what [`Kernel::over`] says is then the largest it will be.
    #[must_use]
    pub fn indirect(mut self, buffer: &str, element: u64) -> Self {
        self.indirect = Some(Indirect {
            buffer: buffer.to_owned(),
            element,
        });
        self
    }

    /// A WGSL variable that binds a buffer of another name.
    #[must_use]
    pub fn bind(mut self, variable: &str, buffer: &str) -> Self {
        self.bindings.insert(variable.to_owned(), buffer.to_owned());
        self
    }

    /// An `override` of this kernel alone.
    #[must_use]
    pub fn set(mut self, constant: &str, value: Number) -> Self {
        self.constants.insert(constant.to_owned(), value);
        self
    }

    /// Results that underflow become +0, operation by operation; without this, the kernel promises that there are none.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.underflow = Underflow::Canonical;
        self
    }

    /// Only in steps where `step % every == offset`; not for kernels of [`Phase::Observe`], which run when energies are kept.
    #[must_use]
    pub fn every(mut self, every: u64, offset: u64) -> Self {
        self.every = Some([every, offset]);
        self
    }

    /// Energies rest on what this kernel of [`Phase::Clear`] or [`Phase::Forces`] writes: where they are needed for themselves, it runs before them.
    #[must_use]
    pub fn feeds_energies(mut self) -> Self {
        self.feeds_energies = true;
        self
    }

    /// The same under another name, and in other steps.
    pub(super) fn again(&self, suffix: &str, [every, offset]: [u64; 2]) -> Self {
        Self {
            name: format!("{}_{suffix}", self.name),
            every: Some([every, offset]),
            ..self.clone()
        }
    }

    pub(super) fn is_needed_for_energies(&self) -> bool {
        self.feeds_energies
    }

    /// Whether a file of it declares a variable of this name.
    pub(super) fn declares(&self, variable: &str) -> bool {
        let declaration = format!("> {variable}:");
        self.texts().any(|(_, text)| text.contains(&declaration))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The kernel's WGSL files: the name that the package gives them, and their text.
    pub(super) fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        let files = self.files.iter().map(|path| (base(path).to_owned(), shaders::text(path)));
        files.chain(self.written.as_deref().map(|text| (format!("{}.wgsl", self.name), text)))
    }

    /// Whether every device can bind what the kernel does.
    pub(super) fn fits(&self) -> bool {
        Self::fit_together([self])
    }

    /// Whether every device can bind what these kernels do, were they one. A file declares a buffer once.
    pub(super) fn fit_together<'a>(kernels: impl IntoIterator<Item = &'a Self>) -> bool {
        let files: BTreeSet<&str> = kernels.into_iter().flat_map(|kernel| kernel.files.iter().copied()).collect();
        let buffers = files
            .into_iter()
            .map(|file| shaders::text(file).matches("var<storage").count());
        buffers.sum::<usize>() <= BUFFERS_MAX
    }

    /// Several kernels with workgroups of 64 as one: each takes whole workgroups. What stands beside a kernel is a function in its last file that takes an invocation's
    /// id. No two declare one name.
    pub(super) fn joined(draft: &mut Draft, name: &str, kernels: &[(Self, &str)]) -> Self {
        let mut joined = Self::new(name, &[]);
        let mut calls = String::new();
        let mut first = 0;
        for (kernel, function) in kernels {
            for file in &kernel.files {
                if !joined.files.contains(file) {
                    joined.files.push(file);
                }
            }
            joined.bindings.extend(kernel.bindings.clone());
            joined.constants.extend(kernel.constants.clone());
            let end = first + kernel.groups(draft);
            calls += &format!(
                "    if group.x >= {first}u && group.x < {end}u {{\n        {function}(vec3<u32>({JOINED_SIZE}u * (group.x - {first}u) + local, group.y, 0u));\n    }}\n"
            );
            first = end;
        }
        joined.written = Some(format!(
            "// Several terms in one pass: each takes whole workgroups.\n\n@compute @workgroup_size({JOINED_SIZE})\nfn {name}(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {{\n{calls}}}\n"
        ));
        joined.workgroups(&first.to_string())
    }

    /// How many workgroups there are at most.
    pub(super) fn groups(&self, draft: &mut Draft) -> u64 {
        match &self.size {
            Size::Workgroups(count) => draft.integer_of(count),
            Size::Invocations(count) => {
                let Some(size) = self.files.last().and_then(|file| workgroup_size(shaders::text(file))) else {
                    draft.refuse(format!("kernel '{}': found no @workgroup_size in its last file", self.name));
                    return 1;
                };
                draft.integer_of(count).div_ceil(size)
            }
        }
    }

    /// As a pass of a manifest that runs every so many steps where the kernel has no period of its own.
    pub(super) fn pass(&self, every: u64) -> Pass {
        let [every, offset] = self.every.unwrap_or([every, 0]);
        let (invocations, workgroups) = match &self.size {
            _ if self.indirect.is_some() => (None, None),
            Size::Workgroups(groups) => (None, Some(vec![count(groups)])),
            Size::Invocations(invocations) => (Some(vec![count(invocations)]), None),
        };
        Pass {
            name: self.name.clone(),
            shader: self.texts().map(|(name, _)| name).collect(),
            entry: self.written.as_ref().map(|_| self.name.clone()),
            invocations,
            workgroups,
            indirect: self.indirect.clone(),
            every,
            offset,
            bindings: self.bindings.clone(),
            constants: self.constants.clone(),
            underflow: self.underflow,
        }
    }
}

/// A path's last part.
fn base(path: &'static str) -> &'static str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Extents are numbers or names of constants.
pub(super) fn count(text: &str) -> Count {
    text.parse().map_or_else(|_| Count::Name(text.into()), Count::Value)
}

/// Invocations of a workgroup: the product of the numbers in the text's first `@workgroup_size`, each written out or a `const` of the same text.
fn workgroup_size(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("@workgroup_size(")?;
    let (sizes, _) = rest.split_once(')')?;
    let number = |word: &str| word.trim_end_matches(['u', 'i']).parse::<u64>().ok();
    let constant = |name: &str| {
        let (_, rest) = text.split_once(&format!("const {name}: u32 = "))?;
        number(rest.split_once(';')?.0.trim())
    };
    let sizes = sizes.split(',').map(str::trim).filter(|size| !size.is_empty());
    sizes
        .map(|size| number(size).or_else(|| constant(size)))
        .try_fold(1, |product, size| Some(product * size?))
}

#[cfg(test)]
mod tests {
    use super::workgroup_size;

    #[test]
    fn the_size_of_a_workgroup_is_read_from_the_shader() {
        assert_eq!(workgroup_size("@compute @workgroup_size(64)\nfn f() {}"), Some(64));
        assert_eq!(workgroup_size("@compute @workgroup_size(8u, 4u)"), Some(32));
        assert_eq!(
            workgroup_size("const N: u32 = 128u;\n@compute @workgroup_size(N) "),
            Some(128)
        );
        assert_eq!(workgroup_size("@compute @workgroup_size(M)"), None);
        assert_eq!(workgroup_size("fn f() {}"), None);
    }
}
