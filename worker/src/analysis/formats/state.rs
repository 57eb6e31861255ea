//! OpenMM's serialised State, version 1: box, positions and velocities with which a run goes on in OpenMM.
//!
//! Numbers are the shortest decimals that read back as the same f64. Molecules are in one piece, as forces that do not regard the box need them.

use std::io::Write;

/// A state of a run.
pub(crate) struct State {
    /// Box vectors, nm, one a row.
    pub(crate) cell: [[f64; 3]; 3],
    /// nm.
    pub(crate) positions: Vec<[f64; 3]>,
    /// nm/ps.
    pub(crate) velocities: Vec<[f64; 3]>,
    /// ps.
    pub(crate) time: f64,
    /// Steps before it.
    pub(crate) step: u64,
}

/// Write it.
///
/// # Errors
/// `out` cannot be written.
pub(crate) fn write(out: &mut dyn Write, state: &State) -> anyhow::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" ?>")?;
    writeln!(
        out,
        "<State stepCount=\"{}\" time=\"{}\" type=\"State\" version=\"1\">",
        state.step, state.time
    )?;
    list(out, "PeriodicBoxVectors", ["A", "B", "C"].into_iter().zip(&state.cell))?;
    list(
        out,
        "Positions",
        state.positions.iter().map(|position| ("Position", position)),
    )?;
    list(
        out,
        "Velocities",
        state.velocities.iter().map(|velocity| ("Velocity", velocity)),
    )?;
    Ok(writeln!(out, "</State>")?)
}

fn list<'a>(out: &mut dyn Write, name: &str, rows: impl Iterator<Item = (&'a str, &'a [f64; 3])>) -> anyhow::Result<()> {
    writeln!(out, "\t<{name}>")?;
    for (row, [x, y, z]) in rows {
        writeln!(out, "\t\t<{row} x=\"{x}\" y=\"{y}\" z=\"{z}\"/>")?;
    }
    Ok(writeln!(out, "\t</{name}>")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        let third = f64::from(1.0_f32 / 3.0);
        let state = State {
            cell: [[2.5, 0.0, 0.0], [0.0, 2.5, 0.0], [0.0, 0.0, 3.0]],
            positions: vec![[0.1, -1e-12, 2.0]],
            velocities: vec![[third, 0.0, -0.5]],
            time: 1.5,
            step: 750,
        };
        let mut out = Vec::new();
        write(&mut out, &state).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("stepCount=\"750\" time=\"1.5\""), "{text}");
        assert!(text.contains("<A x=\"2.5\" y=\"0\" z=\"0\"/>"), "{text}");
        let line = text.lines().find(|line| line.contains("<Velocity ")).unwrap();
        let x = line.split('"').nth(1).unwrap();
        assert_eq!(x.parse::<f64>().unwrap().to_bits(), third.to_bits());
        let line = text.lines().find(|line| line.contains("<Position ")).unwrap();
        assert_eq!(line.split('"').nth(3).unwrap().parse::<f64>().unwrap(), -1e-12);
    }
}
