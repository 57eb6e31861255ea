//! The atoms of a PDB file that a trajectory is of: the file's own lines of the selected atoms, with the coordinates of a frame, so that names, residues and bonds
//! that a viewer knows from the file fit the trajectory beside it.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::analysis::trajectory::{Frames, Selection};
use crate::exit::Usage;

/// Largest PDB file that is read, bytes.
const BYTES_MAX: u64 = 1 << 30;

/// Lines of atoms of a PDB file, first model alone.
pub(crate) struct Topology(Vec<String>);

impl Topology {
    /// Read a file with so many atoms.
    ///
    /// # Errors
    /// The file cannot be read, or has another number of atoms.
    pub(crate) fn read(path: &Path, atoms: usize) -> anyhow::Result<Self> {
        let size = std::fs::metadata(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        if size > BYTES_MAX {
            return Err(Usage(format!(
                "{}: found {size} bytes, expected at most {BYTES_MAX}",
                path.display()
            ))
            .into());
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let model = text.lines().take_while(|line| !line.starts_with("ENDMDL"));
        let is_atom = |line: &&str| line.starts_with("ATOM  ") || line.starts_with("HETATM");
        let lines: Vec<String> = model.filter(is_atom).map(str::to_owned).collect();
        if lines.len() != atoms {
            return Err(Usage(format!(
                "{}: found {} atoms (ATOM and HETATM lines of the first model), expected {atoms}, as many as the run has",
                path.display(),
                lines.len()
            ))
            .into());
        }
        if let Some(line) = lines.iter().find(|line| line.len() < 54 || !line.is_ascii()) {
            return Err(Usage(format!(
                "{}: found the line {line:?}, expected coordinates in columns 31 to 54 of plain ASCII",
                path.display()
            ))
            .into());
        }
        Ok(Self(lines))
    }

    /// Write the selected atoms where a frame has them.
    ///
    /// # Errors
    /// The frame cannot be read, or `out` not written.
    pub(crate) fn write(
        &self,
        out: &mut dyn Write,
        selection: &Selection,
        frames: &mut dyn Frames,
        frame: u64,
    ) -> anyhow::Result<()> {
        let shape = frames.shape().clone();
        let factor = shape.to_angstrom();
        let values = frames.values(frame)?;
        if let Some(cell) = frames.cell(frame)? {
            writeln!(out, "{}", cryst1(cell, factor))?;
        }
        for (row, [x, y, z]) in selection.0.iter().zip(values.as_chunks::<3>().0) {
            let line = &self.0[*row];
            let [x, y, z] = [x, y, z].map(|value| value * factor);
            writeln!(out, "{}{x:8.3}{y:8.3}{z:8.3}{}", &line[..30], &line[54..])?;
        }
        Ok(writeln!(out, "END")?)
    }
}

/// The record of a unit cell: lengths in Angstrom and angles in degrees.
fn cryst1(cell: [[f64; 3]; 3], factor: f64) -> String {
    let dot = |i: usize, j: usize| -> f64 { (0..3).map(|axis| cell[i][axis] * cell[j][axis]).sum() };
    let length = |i: usize| dot(i, i).sqrt();
    let angle = |i: usize, j: usize| (dot(i, j) / (length(i) * length(j))).acos().to_degrees();
    let [a, b, c] = [0, 1, 2].map(|i| length(i) * factor);
    let [alpha, beta, gamma] = [angle(1, 2), angle(0, 2), angle(0, 1)];
    format!("CRYST1{a:9.3}{b:9.3}{c:9.3}{alpha:7.2}{beta:7.2}{gamma:7.2} P 1           1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::formats::testing::atoms;

    const PDB: &str = "REMARK two atoms
ATOM      1  CA  ALA A   1       0.000   0.000   0.000  1.00  0.00           C
HETATM    2 NE    NE A   2      11.000   2.000   3.000  1.00  0.00          NE
ENDMDL
ATOM      1  CA  ALA A   1       9.000   9.000   9.000  1.00  0.00           C
";

    #[test]
    fn lines_keep_their_names_and_get_a_frames_coordinates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.pdb");
        std::fs::write(&path, PDB).unwrap();
        let topology = Topology::read(&path, 2).unwrap();
        let mut memory = atoms();
        let selection = Selection(vec![1]);
        let mut out = Vec::new();
        let mut selected = crate::analysis::trajectory::Selected::new(&mut memory, &selection);
        topology.write(&mut out, &selection, &mut selected, 0).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "CRYST1   10.000   20.000   40.000  90.00  90.00  90.00 P 1           1"
        );
        assert!(lines[1].starts_with("HETATM    2 NE    NE A   2    "), "{}", lines[1]);
        assert!(lines[1].ends_with("  1.00  0.00          NE"), "{}", lines[1]);
        let expected = atoms().0.values(&atoms().1[0])[3] * 10.0;
        assert_eq!(
            lines[1][30..38].trim().parse::<f64>().unwrap(),
            (expected * 1000.0).round() / 1000.0
        );
        assert_eq!(lines[2], "END");
        let message = Topology::read(&path, 3).err().unwrap().to_string();
        assert!(message.contains("found 2 atoms"), "{message}");
    }
}
