//! From two chains to the first element that differs.

use device::SessionOptions;
use kernels::package::Package;
use kernels::package::manifest::Element;
use kernels::run::Executor;
use protocol::StateBuffer;

use super::{BisectError, Parting, Side, Value, Verdict, source};

/// A segment that can be computed again, up to anywhere.
struct Replay<'a> {
    executor: Executor<'a>,
    segment: u64,
    state: &'a [StateBuffer],
}

impl Replay<'_> {
    /// Every buffer after `steps` steps of the segment and `passes` passes of the next one.
    fn at(&mut self, steps: u64, passes: usize) -> Result<Vec<Vec<u8>>, BisectError> {
        self.executor.enter(self.segment, self.state)?;
        if steps > 0 {
            self.executor.advance(steps)?;
        }
        Ok(self.executor.look_into_step(passes)?)
    }
}

/// Find where two runs part. `tell` hears what is being done.
///
/// # Errors
/// The runs are of different shape, a device of theirs is not here, or a replay failed.
pub fn bisect(a: &Side, b: &Side, tell: &mut dyn FnMut(&str)) -> Result<Verdict, BisectError> {
    comparable(&a.package, &b.package)?;
    let pairs = || a.chain.iter().zip(&b.chain);
    let parts = pairs().position(|((a, _), (b, _))| (a.content, a.outputs, a.step) != (b.content, b.outputs, b.step));
    let Some(at) = parts else {
        return Ok(Verdict::Agree(pairs().count() as u64));
    };
    if at == 0 {
        return Err(BisectError::Input(
            "the runs begin from different initial states: there is no computing between them to look into".to_owned(),
        ));
    }
    within(a, b, at as u64, tell)
}

/// Find where the devices of two sides part within a segment (1 is the first). The sides may be one run on record, with two devices.
///
/// # Errors
/// As [`bisect`]; or a side has no such segment on record.
pub fn within(a: &Side, b: &Side, segment: u64, tell: &mut dyn FnMut(&str)) -> Result<Verdict, BisectError> {
    comparable(&a.package, &b.package)?;
    let last = a.chain.len().min(b.chain.len()) as u64 - 1;
    if segment == 0 || segment > last {
        return Err(BisectError::Input(format!(
            "segment {segment} is not on record on both sides: expected 1 to {last}"
        )));
    }
    tell(&format!("segment {segment} ends otherwise; computing the state before it"));
    let state = a.state(segment - 1).or_else(|_| b.state(segment - 1))?;
    let devices = (a.device(segment)?, b.device(segment)?);
    let open = |side| -> Result<Replay<'_>, BisectError> {
        let (package, device): (&Package, _) = match side {
            0 => (&a.package, devices.0),
            _ => (&b.package, devices.1),
        };
        Ok(Replay {
            executor: Executor::open(package, &**device, &SessionOptions::default())?,
            segment: segment - 1,
            state: &state,
        })
    };
    let (mut left, mut right) = (open(0)?, open(1)?);
    let steps = a.package.manifest().run.steps_per_segment;
    tell(&format!(
        "replaying {steps} steps on {} and {}",
        devices.0.info().id,
        devices.1.info().id
    ));
    for (side, replay) in [(a, &mut left), (b, &mut right)] {
        replay.executor.enter(segment - 1, &state)?;
        replay.executor.advance(u64::MAX)?;
        let end = replay.executor.cross()?.state;
        if !side.is(segment, &end) {
            tell("  a replay ends otherwise than on record");
        }
    }
    let mut differ =
        |steps: u64, passes: usize| -> Result<bool, BisectError> { Ok(left.at(steps, passes)? != right.at(steps, passes)?) };
    if !differ(steps, 0)? {
        let words = format!(
            "{} and {} give the same bits at its end now",
            devices.0.info().id,
            devices.1.info().id
        );
        return Ok(Verdict::NotReproduced { segment, words });
    }
    // Equal after `low` steps, different after `high`.
    let (mut low, mut high) = (0, steps);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        tell(&format!("  step {}", (segment - 1) * steps + middle));
        if differ(middle, 0)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    let passes = a.package.manifest().passes.len();
    let mut pass = 0;
    while pass < passes && !differ(low, pass + 1)? {
        pass += 1;
    }
    let (x, y) = (left.at(low, pass + 1)?, right.at(low, pass + 1)?);
    let ids = (devices.0.info().id.clone(), devices.1.info().id.clone());
    let parting = parting(&a.package, (&x, &y), pass.min(passes - 1));
    parting
        .map(|parting| {
            Verdict::Part(Box::new(Parting {
                segment,
                step: (segment - 1) * steps + low,
                devices: ids,
                ..parting
            }))
        })
        .ok_or_else(|| BisectError::Input("the replays are not repeatable: each gives other bits every time".to_owned()))
}

/// Two packages whose buffers and passes can be held against each other.
fn comparable(a: &Package, b: &Package) -> Result<(), BisectError> {
    if a.digest() == b.digest() {
        return Ok(());
    }
    let shape = |package: &Package| {
        let manifest = package.manifest();
        let buffers: Vec<_> = (manifest.buffers.iter().enumerate())
            .map(|(at, buffer)| (buffer.name.clone(), buffer.element, package.shape(at).to_vec()))
            .collect();
        let passes: Vec<_> = manifest.passes.iter().map(|pass| pass.name.clone()).collect();
        (buffers, passes, manifest.run.steps_per_segment)
    };
    if shape(a) == shape(b) {
        return Ok(());
    }
    Err(BisectError::Input(
        "the runs are of packages with different buffers, passes or steps_per_segment: they cannot be held against each other"
            .to_owned(),
    ))
}

/// The first element that differs, with nothing said yet of segment, step and devices.
fn parting(package: &Package, (a, b): (&[Vec<u8>], &[Vec<u8>]), pass: usize) -> Option<Parting> {
    let buffer = (0..a.len()).find(|&at| a[at] != b[at])?;
    let desc = &package.manifest().buffers[buffer];
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect()
    };
    let (a, b) = (words(&a[buffer]), words(&b[buffer]));
    let differ = || a.iter().zip(&b).enumerate().filter(|(_, (a, b))| a != b);
    let element = differ().next()?.0;
    let mut rest = element as u64;
    let mut index: Vec<u64> = Vec::new();
    for extent in package.shape(buffer).iter().rev() {
        index.insert(0, rest % extent);
        rest /= extent;
    }
    let value = |word: u32| Value {
        bits: format!("{word:08x}"),
        number: match desc.element {
            Element::F32 => format!("{:e}", f32::from_bits(word)),
            Element::U32 => word.to_string(),
            Element::I32 => word.cast_signed().to_string(),
        },
    };
    Some(Parting {
        segment: 0,
        step: 0,
        pass: package.manifest().passes[pass].name.clone(),
        buffer: desc.name.clone(),
        index,
        elements: (differ().count() as u64, a.len() as u64),
        a: value(a[element]),
        b: value(b[element]),
        lines: source::lines(package, pass, buffer),
        devices: Default::default(),
    })
}
