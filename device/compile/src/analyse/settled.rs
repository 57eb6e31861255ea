//! Whether an analysis is done: one look at everything, without regard to what depended on what, finds nothing more to take back.

use super::tree::{Exit, Kind};
use super::uniform::{Analysis, join};
use crate::ir::{Label, Var};

impl Analysis<'_> {
    /// What is not settled, if anything: a mistake of the analysis.
    pub(super) fn unsettled(&mut self) -> Option<String> {
        let tree = self.tree;
        for (value, source) in &tree.definitions {
            let known = self.spread(*value);
            if join(known, self.spread_of(*value, *source)) != known {
                return Some(format!("{value}"));
            }
        }
        for (label, until) in tree.untils.iter().enumerate() {
            let leaves = self.partings[label].leaves.is_some();
            if until.is_some_and(|(until, _)| !self.same(until) && !leaves) {
                return Some(format!("L{label}"));
            }
        }
        for (exit, diverges) in tree.exits.iter().zip(&self.divergent) {
            if !diverges && self.parts_at(exit) {
                return Some(format!("an exit of {}", exit.target));
            }
        }
        for var in 0..self.vars.len() {
            let before = (self.vars[var], self.blend[var]);
            let var = Var(var as u32);
            self.settle(var);
            if before != (self.vars[var.0 as usize], self.blend[var.0 as usize]) {
                return Some(format!("{var}"));
            }
        }
        None
    }

    /// Whether not all lanes that are in an exit's target come to it.
    fn parts_at(&self, exit: &Exit) -> bool {
        let mut block = exit.at.block;
        loop {
            let parting = |label: Label| self.partings[label.0 as usize];
            let before = |order: Option<u32>| order.is_some_and(|order| order < exit.at.order);
            let (gone, label) = match self.tree.blocks[block].kind {
                Kind::Root => return false,
                Kind::Branch(cond) => (!self.same(cond), None),
                Kind::Body(label) => {
                    let left = label != exit.target && parting(label).leaves.is_some();
                    (left || before(parting(label).parks), Some(label))
                }
                Kind::Next(label) => (label != exit.target && parting(label).leaves.is_some(), Some(label)),
                Kind::Scope(label) => (label != exit.target && before(parting(label).leaves), Some(label)),
            };
            if gone || label == Some(exit.target) {
                return gone;
            }
            block = self.tree.blocks[block].parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::super::tree::Tree;
    use super::super::uniform::Circle;
    use super::*;
    use crate::BoundBuffer;
    use crate::abi::BufferLayout;

    #[test]
    fn analyses_of_all_golden_kernels_are_settled() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compiler/golden");
        let mut seen = 0;
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.extension().is_none_or(|extension| extension != "wgsl") {
                continue;
            }
            let source = fs::read_to_string(&path).expect("it can be read");
            let module = naga::front::wgsl::parse_str(&source).expect("it is WGSL");
            let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
            let info = validator.validate(&module).expect("it is valid");
            let layout = BufferLayout::new((0..4).map(|_| ("buffer", 1024))).expect("they fit");
            let bound = |i| {
                layout
                    .buffer(i)
                    .map(|(address, size)| (i as u32, BoundBuffer { address, size }))
            };
            let bindings: BTreeMap<u32, BoundBuffer> = (0..4).filter_map(bound).collect();
            let kernel = crate::lower::lower(&module, &info, 0, &bindings, None).expect("it is lowered");
            let tree = Tree::of(&kernel);
            for circle in [Circle::Vector, Circle::Workgroup] {
                let mut analysis = Analysis::of(&kernel, &tree, circle);
                assert_eq!(analysis.unsettled(), None, "{}, {circle:?}", path.display());
            }
            seen += 1;
        }
        assert!(seen >= 10, "{seen} kernels");
    }
}
