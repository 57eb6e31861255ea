//! `baton analyse`: the physics of a run of a liquid, beside what is known of it.

use std::path::PathBuf;

use kernels::run::RunDir;
use serde::Serialize;

use crate::analysis::physics::blocks;
use crate::analysis::physics::of_run::Physics;
use crate::analysis::physics::torsion::{Asked, TORSIONS_MAX};
use crate::analysis::{plot, trajectory};
use crate::console::{output, table};
use crate::exit::Exit;
use crate::local::verified;

/// Temperature, density, energy drift, g(r) and diffusion of a run, for each kind of atom, how far its largest molecule moved from its first shape; for argon at 94.4 K beside Rahman (1964)
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The run directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Leave out what lies before this time, in the package's unit; by default the first sixth of the run.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<f64>,
    /// Follow a torsion angle of four particles, counted from 0; may be given several times, and of the first two there is a map. Alanine dipeptide of
    /// the gallery: `--torsion phi=4,6,8,10 --torsion psi=6,8,10,16`.
    #[arg(long = "torsion", value_name = "NAME=A,B,C,D")]
    torsions: Vec<Asked>,
    /// Draw all of it into DIR/plots.
    #[arg(long)]
    plot: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Values of Rahman's system known from elsewhere.
#[derive(Debug, Serialize)]
struct Known {
    source: &'static str,
    temperature_k: Option<f64>,
    drift_kj_per_mol_per_ps_per_atom: Option<f64>,
    rdf_peak_angstrom: Option<f64>,
    rdf_peak_height: Option<f64>,
    diffusion_cm2_per_s: Option<f64>,
}

/// cm²/s of 1 nm²/ps.
const CM2_PER_S: f64 = 1e-2;

/// A. Rahman, Phys. Rev. 136, A405 (1964), as commonly quoted.
const RAHMAN: Known = Known {
    source: "Rahman 1964",
    temperature_k: Some(94.4),
    drift_kj_per_mol_per_ps_per_atom: None,
    rdf_peak_angstrom: Some(3.70),
    rdf_peak_height: None,
    diffusion_cm2_per_s: Some(2.43e-5),
};

/// OpenMM 8.6.1, CPU platform, the same starting state, 5 fs, 1 ns; diffusion ± 0.01e-5.
const OPENMM: Known = Known {
    source: "OpenMM, 1 ns",
    temperature_k: Some(94.738),
    drift_kj_per_mol_per_ps_per_atom: Some(3.2818e-7),
    rdf_peak_angstrom: Some(3.6987),
    rdf_peak_height: Some(2.8609),
    diffusion_cm2_per_s: Some(2.398e-5),
};

#[derive(Debug, Default, Serialize)]
struct Analysis {
    package: String,
    atoms: u64,
    steps: u64,
    length_ps: Option<f64>,
    from_ps: Option<f64>,
    temperature_k: Option<f64>,
    temperature_deviation_k: Option<f64>,
    /// Standard error of the mean, by blocks.
    temperature_error_k: Option<f64>,
    density_g_per_ml: Option<f64>,
    density_error_g_per_ml: Option<f64>,
    potential_kj_per_mol: Option<f64>,
    potential_error_kj_per_mol: Option<f64>,
    conserved: Option<&'static str>,
    drift_kj_per_mol_per_ps_per_atom: Option<f64>,
    drift_relative_per_ps: Option<f64>,
    /// Through means of ten blocks, with the standard error.
    drift_kt_per_ns_per_freedom: Option<f64>,
    drift_error_kt_per_ns_per_freedom: Option<f64>,
    energy_scatter_kj_per_mol_per_atom: Option<f64>,
    rdf_peak_angstrom: Option<f64>,
    rdf_peak_height: Option<f64>,
    rdf_frames: Option<usize>,
    /// One for each pair of kinds, where there is more than one kind of atom.
    rdf_pairs: Vec<PairPeak>,
    diffusion_cm2_per_s: Option<f64>,
    diffusion_error_cm2_per_s: Option<f64>,
    /// One for each kind, where there is more than one.
    diffusion_kinds: Vec<KindDiffusion>,
    diffusion_missing: Option<String>,
    /// Atoms of the largest molecule, and how far it is from its first shape: mean of what is looked at, and at the end.
    rmsd_atoms: Option<usize>,
    rmsd_angstrom: Option<f64>,
    rmsd_last_angstrom: Option<f64>,
    torsions: Vec<MeanTorsion>,
    known: Vec<Known>,
    plots: Vec<PathBuf>,
}

/// The first peak of g(r) between two kinds of atoms.
#[derive(Debug, Serialize)]
struct PairPeak {
    pair: String,
    peak_angstrom: Option<f64>,
    peak_height: Option<f64>,
}

/// A torsion that was asked for.
#[derive(Debug, Serialize)]
struct MeanTorsion {
    name: String,
    atoms: [u32; 4],
    /// Mean direction.
    degrees: f64,
    /// Circular standard deviation.
    deviation_degrees: f64,
    /// Time and angle of each frame.
    points: Vec<(f64, f64)>,
}

/// How one kind of atom diffuses.
#[derive(Debug, Serialize)]
struct KindDiffusion {
    kind: String,
    cm2_per_s: f64,
    error_cm2_per_s: Option<f64>,
}

fn time(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..1e15).contains(&value) => Ok(value),
        _ => Err("expected a time, 0 or more".into()),
    }
}

/// Compute and report.
///
/// # Errors
/// It is no run directory, has no positions, or one of its files is not whole.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if args.torsions.len() > TORSIONS_MAX {
        anyhow::bail!(
            "found {} torsions, expected {TORSIONS_MAX} at most: call again for the others",
            args.torsions.len()
        );
    }
    let dir = RunDir::view(&args.dir)?;
    verified::must_be_whole(&dir)?;
    trajectory::choose(dir.package(), None, true)?;
    let physics = Physics::of(&dir, args.from, &args.torsions)?;
    let mut report = report(&dir, &physics)?;
    if args.plot {
        report.plots = plot::draw(&dir, &physics, &args.dir.join("plots"))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        output::lines(words(&report))?;
    }
    Ok(Exit::Done)
}

fn report(dir: &RunDir, physics: &Physics) -> anyhow::Result<Analysis> {
    let manifest = dir.package().manifest();
    let steps = dir.chain()?.last().map_or(0, |line| line.entry.step);
    let run = &manifest.run;
    let ps = run
        .time_per_step
        .zip(run.time_unit.as_deref().and_then(crate::analysis::formats::dcd::picoseconds))
        .map(|(time, ps)| time * ps);
    let temperature = physics
        .table
        .column("temperature")
        .filter(|column| column.unit.as_deref() == Some("K"));
    let temperature = temperature.map(|column| column.mean_and_deviation(physics.from));
    // Drift is given in kJ/mol and ps, structure in Angstrom, diffusion in cm²/s: only where the package's units say so.
    let is_kj = physics
        .conserved
        .and_then(|name| physics.table.column(name)?.unit.as_deref().map(|unit| unit == "kJ/mol"))
        == Some(true);
    let drift = physics.drift.filter(|_| is_kj && run.time_unit.as_deref() == Some("ps"));
    let per_freedom = drift.and_then(|drift| drift.per_freedom);
    let is_nm = physics
        .positions
        .as_ref()
        .is_some_and(|shape| shape.unit.as_deref() == Some("nm"));
    let in_unit = |name: &str, unit: &str| {
        let column = physics.table.column(name)?;
        physics.mean(name).filter(|_| column.unit.as_deref() == Some(unit))
    };
    let (density, potential) = (in_unit("density", "g/mL"), in_unit("potential", "kJ/mol"));
    let deviation = physics.deviation.as_ref().filter(|_| is_nm);
    let peaks: Vec<Option<(f64, f64)>> = physics.rdf.iter().map(|rdf| rdf.peak.filter(|_| is_nm)).collect();
    let found = physics.diffusion.as_ref().ok().filter(|_| is_nm);
    let is_one_kind = physics.kinds.is_none();
    let peak = peaks.first().copied().flatten().filter(|_| is_one_kind);
    let only = found.and_then(|found| found.first()).filter(|_| is_one_kind);
    let pairs = physics.pair_names().into_iter().flatten().zip(&peaks);
    let kinds = physics.kind_names().into_iter().flatten().zip(found.into_iter().flatten());
    Ok(Analysis {
        package: manifest.name.clone(),
        atoms: physics.atoms,
        steps,
        length_ps: ps.map(|ps| ps * steps as f64),
        from_ps: run
            .time_unit
            .as_deref()
            .and_then(crate::analysis::formats::dcd::picoseconds)
            .map(|ps| ps * physics.from),
        temperature_k: temperature.map(|(mean, _)| mean),
        temperature_deviation_k: temperature.map(|(_, deviation)| deviation),
        temperature_error_k: temperature.and(physics.mean("temperature")).and_then(|mean| mean.error),
        density_g_per_ml: density.map(|mean| mean.value),
        density_error_g_per_ml: density.and_then(|mean| mean.error),
        potential_kj_per_mol: potential.map(|mean| mean.value),
        potential_error_kj_per_mol: potential.and_then(|mean| mean.error),
        conserved: physics.conserved.filter(|_| drift.is_some()),
        drift_kj_per_mol_per_ps_per_atom: drift.map(|drift| drift.line.slope),
        drift_relative_per_ps: drift.and_then(|drift| drift.relative),
        drift_kt_per_ns_per_freedom: per_freedom.map(|(slope, _)| 1e3 * slope),
        drift_error_kt_per_ns_per_freedom: per_freedom.map(|(_, error)| 1e3 * error),
        energy_scatter_kj_per_mol_per_atom: drift.map(|drift| drift.line.scatter),
        rdf_peak_angstrom: peak.map(|(r, _)| 10.0 * r),
        rdf_peak_height: peak.map(|(_, g)| g),
        rdf_frames: physics.rdf.first().map(|rdf| rdf.frames),
        rdf_pairs: pairs
            .map(|(pair, peak)| PairPeak {
                pair,
                peak_angstrom: peak.map(|(r, _)| 10.0 * r),
                peak_height: peak.map(|(_, g)| g),
            })
            .collect(),
        diffusion_cm2_per_s: only.map(|found| found.coefficient * CM2_PER_S),
        diffusion_error_cm2_per_s: only.and_then(|found| found.error).map(|error| error * CM2_PER_S),
        diffusion_kinds: kinds
            .map(|(kind, found)| KindDiffusion {
                kind,
                cm2_per_s: found.coefficient * CM2_PER_S,
                error_cm2_per_s: found.error.map(|error| error * CM2_PER_S),
            })
            .collect(),
        diffusion_missing: physics.diffusion.as_ref().err().cloned(),
        rmsd_atoms: deviation.map(|deviation| deviation.atoms),
        rmsd_angstrom: deviation.and_then(|deviation| {
            let looked_at = deviation.points.iter().filter(|point| point.0 >= physics.from);
            let values: Vec<f64> = looked_at.map(|point| 10.0 * point.1).collect();
            blocks::mean(&values).map(|mean| mean.value)
        }),
        rmsd_last_angstrom: deviation.and_then(|deviation| deviation.points.last().map(|point| 10.0 * point.1)),
        torsions: torsions(physics),
        known: if is_rahman(physics, temperature.map(|(mean, _)| mean)) {
            vec![RAHMAN, OPENMM]
        } else {
            Vec::new()
        },
        plots: Vec::new(),
    })
}

fn torsions(physics: &Physics) -> Vec<MeanTorsion> {
    let found = physics.torsions.iter().filter_map(|torsion| {
        let (degrees, deviation_degrees) = torsion.mean(physics.from)?;
        Some(MeanTorsion {
            name: torsion.asked.name.clone(),
            atoms: torsion.asked.atoms,
            degrees,
            deviation_degrees,
            points: torsion.points.clone(),
        })
    });
    found.collect()
}

/// Whether this is the liquid that Rahman looked at: 864 atoms of argon at 94.4 K and 1.374 g/cm³, which is a cube of 3.468 nm.
fn is_rahman(physics: &Physics, temperature_k: Option<f64>) -> bool {
    let Some(shape) = physics.positions.as_ref().filter(|_| physics.atoms == 864) else {
        return false;
    };
    let is_argon = !shape.symbols.is_empty() && shape.symbols.iter().all(|symbol| symbol == "Ar");
    let edges = shape.box_edges().unwrap_or_default();
    let has_box = edges.iter().all(|edge| (edge / 3.468 - 1.0).abs() < 0.01);
    is_argon && has_box && temperature_k.is_some_and(|kelvin| (kelvin - 94.4).abs() < 5.0)
}

fn words(report: &Analysis) -> Vec<String> {
    let part = report.length_ps.zip(report.from_ps);
    let length = part
        .map(|(ps, from)| format!(", {ps:.1} ps, looked at from {from:.1} ps on"))
        .unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {} atoms, {} steps{length}",
        report.package, report.atoms, report.steps
    )];
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, here: Option<String>, known: &dyn Fn(&Known) -> Option<String>| {
        if let Some(here) = here {
            let others = report
                .known
                .iter()
                .map(|known_one| known(known_one).unwrap_or_else(|| "-".into()));
            rows.push([name.to_owned(), here].into_iter().chain(others).collect());
        }
    };
    let with = |value: Option<f64>, spread: Option<f64>, text: &dyn Fn(f64) -> String| {
        value.map(|value| text(value) + &spread.map(|spread| format!(" ± {}", text(spread))).unwrap_or_default())
    };
    let kelvin = |value: f64| format!("{value:.2}");
    let tiny = |value: f64| format!("{value:.2e}");
    let peak = |value: f64| format!("{value:.3}");
    row(
        "temperature, K",
        with(report.temperature_k, report.temperature_deviation_k, &kelvin),
        &|known| known.temperature_k.map(kelvin),
    );
    row("  error of the mean, K", report.temperature_error_k.map(kelvin), &|_| None);
    // That of a constant is rounding.
    let some = |error: Option<f64>| error.filter(|error| *error > 1e-9);
    row(
        "density, g/mL",
        with(report.density_g_per_ml, some(report.density_error_g_per_ml), &|value| {
            format!("{value:.4}")
        }),
        &|_| None,
    );
    row(
        "potential energy, kJ/mol",
        with(
            report.potential_kj_per_mol,
            some(report.potential_error_kj_per_mol),
            &|value| format!("{value:.1}"),
        ),
        &|_| None,
    );
    row(
        "energy drift, kJ/mol/ps per atom",
        report.drift_kj_per_mol_per_ps_per_atom.map(tiny),
        &|known| known.drift_kj_per_mol_per_ps_per_atom.map(tiny),
    );
    row(
        "  relative to kinetic energy, 1/ps",
        report.drift_relative_per_ps.map(tiny),
        &|_| None,
    );
    row(
        "  kT/ns per degree of freedom",
        with(
            report.drift_kt_per_ns_per_freedom,
            report.drift_error_kt_per_ns_per_freedom,
            &tiny,
        ),
        &|_| None,
    );
    row(
        "  scatter around it, kJ/mol per atom",
        report.energy_scatter_kj_per_mol_per_atom.map(tiny),
        &|_| None,
    );
    row("g(r) first peak, Å", report.rdf_peak_angstrom.map(peak), &|known| {
        known.rdf_peak_angstrom.map(peak)
    });
    row("g(r) first peak, height", report.rdf_peak_height.map(peak), &|known| {
        known.rdf_peak_height.map(peak)
    });
    row(
        "diffusion, cm²/s",
        with(report.diffusion_cm2_per_s, report.diffusion_error_cm2_per_s, &tiny),
        &|known| known.diffusion_cm2_per_s.map(tiny),
    );
    for pair in &report.rdf_pairs {
        let name = |what: &str| format!("g(r) of {}, first peak, {what}", pair.pair);
        row(&name("Å"), pair.peak_angstrom.map(peak), &|_| None);
        row(&name("height"), pair.peak_height.map(peak), &|_| None);
    }
    for kind in &report.diffusion_kinds {
        let found = with(Some(kind.cm2_per_s), kind.error_cm2_per_s, &tiny);
        row(&format!("diffusion of {}, cm²/s", kind.kind), found, &|_| None);
    }
    if let Some(atoms) = report.rmsd_atoms {
        row(
            &format!("RMSD of the largest molecule ({atoms} atoms), mean, Å"),
            report.rmsd_angstrom.map(peak),
            &|_| None,
        );
        row("  at the end, Å", report.rmsd_last_angstrom.map(peak), &|_| None);
    }
    for torsion in &report.torsions {
        let found = with(Some(torsion.degrees), Some(torsion.deviation_degrees), &|value| {
            format!("{value:.1}")
        });
        row(&format!("{}, °", torsion.name), found, &|_| None);
    }
    if rows.is_empty() {
        lines.push(
            "nothing to tell: no temperature in K, no energy in kJ/mol, and no positions in nm in a periodic box; \
             `export --plot FOLDER` draws the observables that there are"
                .into(),
        );
    }
    let header: Vec<&str> = ["", "here"]
        .into_iter()
        .chain(report.known.iter().map(|known| known.source))
        .collect();
    if !rows.is_empty() {
        lines.extend(table::lines(&header, &rows));
    }
    lines.extend(
        report
            .diffusion_missing
            .iter()
            .map(|why| format!("no diffusion coefficient: {why}")),
    );
    lines.extend(report.plots.iter().map(|plot| format!("plot {}", plot.display())));
    lines
}
