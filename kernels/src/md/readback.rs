//! What a molecular package says of its particles, read back from its buffers: the box, masses, what hangs together, constraints, virtual sites.
//!
//! Invariant: nothing but the package is needed, whatever it was made of. Buffers are those that the parts of [`md::draft`](super::draft) bring; one that is not
//! there means that there are none of its kind.

use super::fixed_cell::{FixedCell, OPEN_EDGE_NM};
use super::system::molecule::Sets;
use super::system::{Cell, Constraint, Vector};
use super::twin::vector::{add, cross, norm, scale};
use crate::package::Package;

/// A molecular package's particles.
#[derive(Clone, Debug)]
pub struct Readback {
    /// The box, that of [`OPEN_EDGE_NM`] where nothing is periodic.
    pub cell: FixedCell,
    /// Masses, u; 0 for what does not move by itself.
    pub masses_u: Vec<f64>,
    /// Distances that are held.
    pub constraints: Vec<Constraint>,
    /// Pairs of particles that belong together: bonds, constraints, sites and what places them.
    pub links: Vec<[u32; 2]>,
    sites: Vec<SiteRow>,
}

/// A row of `site_atoms` and `site_weights`, see `site.wgsl`.
#[derive(Clone, Copy, Debug)]
struct SiteRow {
    parents: [u32; 3],
    particle: u32,
    kind: u32,
    weights: [f64; 12],
}

impl Readback {
    /// Of a package.
    ///
    /// # Errors
    /// It holds no particles in a box: what is missing.
    pub fn of(package: &Package) -> Result<Self, String> {
        let reader = Reader(package);
        let positions = package.manifest().buffers.iter().find(|buffer| buffer.name == "positions");
        let scale: Vec<f64> = positions.and_then(|buffer| buffer.scale.clone()).unwrap_or_default();
        let units: Vec<f64> = scale.iter().map(|x| x * 4_294_967_296.0).collect();
        let vectors_nm = match units[..] {
            [x, y, z] => Cell::rectangular([x, y, z]).vectors_nm,
            [ax, ay, az, bx, by, bz, cx, cy, cz] => [[ax, ay, az], [bx, by, bz], [cx, cy, cz]],
            _ => {
                return Err(format!(
                    "package '{}' has no buffer 'positions' with the scale of a box, expected one of particles as `baton import` makes them",
                    package.manifest().name
                ));
            }
        };
        let cell = FixedCell::new(Cell { vectors_nm })?;
        let atoms = reader.words("positions").len() / 3;
        let kinds: Vec<f64> = reader.floats("kinds");
        let mass = |kind: &u32| kinds.get(2 * *kind as usize + 1).copied();
        let masses_u: Option<Vec<f64>> = reader.words("types").iter().map(mass).collect();
        let masses_u = masses_u.filter(|masses| masses.len() == atoms).ok_or_else(|| {
            format!(
                "package '{}' has no masses of its {atoms} particles (buffers 'types' and 'kinds'), expected those that `baton import` makes",
                package.manifest().name
            )
        })?;
        let constraints = constraints(&reader);
        let sites = sites(&reader);
        let inside = |atom: &u32| (*atom as usize) < atoms;
        let mut links: Vec<[u32; 2]> = ["bond_atoms", "pair_bond_atoms"]
            .into_iter()
            .flat_map(|name| reader.words(name).as_chunks::<2>().0.to_vec())
            .collect();
        links.extend(constraints.iter().map(|constraint| constraint.atoms));
        links.extend(
            sites
                .iter()
                .flat_map(|site| site.parents.map(|parent| [parent, site.particle])),
        );
        if let Some([a, b]) = links.iter().find(|link| !link.iter().all(inside)) {
            return Err(format!(
                "package '{}' links particles {a} and {b} of {atoms}",
                package.manifest().name
            ));
        }
        Ok(Self {
            cell,
            masses_u,
            constraints,
            links,
            sites,
        })
    }

    /// The same in a box whose size is part of the state, `box_scale`, when it is this.
    #[must_use]
    pub fn at_scale(self, scale: f32) -> Self {
        Self {
            cell: self.cell.scaled(scale),
            ..self
        }
    }

    /// Whether the box stands for none.
    pub fn is_open(&self) -> bool {
        self.cell.cell() == Cell::rectangular([OPEN_EDGE_NM; 3])
    }

    /// Particles that hang together, each list in order.
    pub fn molecules(&self) -> Vec<Vec<u32>> {
        let mut sets = Sets::new(self.masses_u.len());
        self.links.iter().for_each(|[a, b]| sets.join(*a, *b));
        sets.lists()
    }

    /// Which particles belong to water: molecules of an oxygen and two hydrogens (repartitioned masses too), with their virtual sites.
    pub fn water(&self) -> Vec<bool> {
        let mut water = vec![false; self.masses_u.len()];
        for molecule in self.molecules() {
            let mass = |atom: &u32| self.masses_u[*atom as usize];
            let mut masses: Vec<f64> = molecule.iter().map(mass).filter(|mass| *mass > 0.0).collect();
            masses.sort_by(f64::total_cmp);
            let is_water = match masses[..] {
                [light, other, heavy] => {
                    (0.9..4.1).contains(&light) && other < 4.1 && (17.9..18.2).contains(&(light + other + heavy))
                }
                _ => false,
            };
            if is_water {
                molecule.iter().for_each(|atom| water[*atom as usize] = true);
            }
        }
        water
    }

    /// Positions, nm, with every molecule in one piece, its first particle within the box; around the origin where the box stands for none.
    ///
    /// # Panics
    /// There are more or fewer positions than particles.
    pub fn in_one_piece(&self, positions: &[[u32; 3]]) -> Vec<Vector> {
        assert_eq!(positions.len(), self.masses_u.len(), "a position for each particle");
        let shift = if self.is_open() { -0.5 * OPEN_EDGE_NM } else { 0.0 };
        let mut points: Vec<Vector> = positions.iter().map(|position| self.cell.decode(*position)).collect();
        let mut neighbors = vec![Vec::new(); positions.len()];
        for [a, b] in &self.links {
            neighbors[*a as usize].push(*b as usize);
            neighbors[*b as usize].push(*a as usize);
        }
        let mut placed = vec![false; positions.len()];
        for first in 0..positions.len() {
            if std::mem::replace(&mut placed[first], true) {
                continue;
            }
            let mut open = vec![first];
            while let Some(atom) = open.pop() {
                for &next in &neighbors[atom] {
                    if !std::mem::replace(&mut placed[next], true) {
                        points[next] = add(points[atom], self.cell.difference(positions[next], positions[atom]));
                        open.push(next);
                    }
                }
            }
        }
        points.into_iter().map(|point| point.map(|x| x + shift)).collect()
    }

    /// Put virtual sites where their particles say, as `place_sites.wgsl` does.
    pub fn place_sites(&self, points_nm: &mut [Vector]) {
        for site in &self.sites {
            let [p0, p1, p2] = site.parents.map(|parent| points_nm[parent as usize]);
            let from_first = |p: Vector| self.cell.cell().nearest([0, 1, 2].map(|k| p[k] - p0[k]));
            let (v1, v2) = (from_first(p1), from_first(p2));
            let w = site.weights;
            let flat = add(scale(w[1], v1), scale(w[2], v2));
            let off = match site.kind {
                0 => flat,
                1 => add(flat, scale(w[3], cross(v1, v2))),
                _ => {
                    let x = add(scale(w[4], v1), scale(w[5], v2));
                    let z = cross(x, add(scale(w[6], v1), scale(w[7], v2)));
                    let (x, z) = (scale(norm(x).recip(), x), scale(norm(z).recip(), z));
                    let y = cross(z, x);
                    add(flat, add(scale(w[8], x), add(scale(w[9], y), scale(w[10], z))))
                }
            };
            points_nm[site.particle as usize] = add(p0, off);
        }
    }
}

/// Groups of `constraint_atoms` and sets of `set_rows`, see `ConstraintBuffers` and `ConstraintSets`, as single constraints.
fn constraints(reader: &Reader<'_>) -> Vec<Constraint> {
    let atoms = reader.words("constraint_atoms");
    let squares = reader.floats("constraint_squares");
    let groups = atoms.as_chunks::<8>().0.iter().zip(squares.as_chunks::<4>().0);
    let mut all = Vec::new();
    for ([a, b, c, d, center, arms, triangle, _], squares) in groups {
        let ends = [*a, *b, *c, *d];
        let pairs = match triangle {
            0 => ends.map(|end| [*center, end]),
            _ => [[*center, *a], [*center, *b], [*a, *b], [*center, *center]],
        };
        let count = if *triangle == 0 { *arms as usize } else { 3 };
        let held = pairs.iter().zip(squares).take(count).map(|(atoms, square)| Constraint {
            atoms: *atoms,
            length_nm: libm::sqrt(*square),
        });
        all.extend(held);
    }
    let rows = reader.words("set_rows");
    all.extend(rows.as_chunks::<4>().0.iter().map(|[a, b, square, _]| Constraint {
        atoms: [*a, *b],
        length_nm: libm::sqrt(f64::from(f32::from_bits(*square))),
    }));
    all
}

fn sites(reader: &Reader<'_>) -> Vec<SiteRow> {
    let atoms = reader.words("site_atoms");
    let weights = reader.floats("site_weights");
    let rows = atoms.as_chunks::<8>().0.iter().zip(weights.as_chunks::<12>().0);
    rows.map(|([p0, p1, p2, particle, kind, ..], weights)| SiteRow {
        parents: [*p0, *p1, *p2],
        particle: *particle,
        kind: *kind,
        weights: *weights,
    })
    .collect()
}

/// Initial contents of a package's buffers by name; nothing of one that is not there.
struct Reader<'a>(&'a Package);

impl Reader<'_> {
    fn words(&self, name: &str) -> Vec<u32> {
        let mut buffers = self.0.manifest().buffers.iter();
        let Some(index) = buffers.position(|buffer| buffer.name == name) else {
            return Vec::new();
        };
        let bytes = self.0.initial(index);
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.words(name)
            .into_iter()
            .map(|word| f64::from(f32::from_bits(word)))
            .collect()
    }
}
