//! Whether the words of a manifest fit each other and stay within the limits, before any other file is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{PackageError, listed};
use super::folder::check_path;
use super::layout;
use super::limits::{
    BUFFERS_MAX, COLUMNS_MAX, CONSTANTS_MAX, DEVICE_BYTES_MAX, DIMENSIONS_MAX, EVERY_MAX, NAME_BYTES_MAX,
    OUTPUT_BYTES_PER_SEGMENT_MAX, OUTPUTS_MAX, PASSES_MAX, ROWS_PER_SEGMENT_MAX, SHADERS_MAX, STEPS_MAX, TEXT_BYTES_MAX,
};
use super::manifest::{Buffer, Column, Count, Element, Evaluate, Layout, Manifest, Number, Output, Pass, Read, Role, Run};

/// A buffer's extents as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Extents, outermost first, each at least 1.
    pub(super) shape: Vec<u64>,
    /// Bytes in the standard layout.
    pub(super) standard: u64,
    /// Bytes on the device.
    pub(super) device: u64,
}

impl Sizes {
    /// Elements in the standard layout.
    pub(super) fn elements(&self) -> u64 {
        self.standard / 4
    }
}

type Checked<T = ()> = Result<T, PackageError>;

/// Check everything that the manifest alone can tell. Gives the sizes of its buffers.
pub(super) fn manifest(manifest: &Manifest) -> Checked<Vec<Sizes>> {
    if manifest.format != 1 {
        return Err(PackageError::found("format", manifest.format, "1, the one format there is"));
    }
    package_name(&manifest.name)?;
    text("version", &manifest.version)?;
    text("description", &manifest.description)?;
    run(&manifest.run)?;
    constants("constants", &manifest.constants)?;

    count_of("buffer", manifest.buffers.len(), 1, BUFFERS_MAX)?;
    count_of("pass", manifest.passes.len(), 1, PASSES_MAX)?;
    count_of("output", manifest.outputs.len(), 0, OUTPUTS_MAX)?;
    unique("buffer", manifest.buffers.iter().map(|buffer| &buffer.name))?;
    unique("pass", manifest.passes.iter().map(|pass| &pass.name))?;
    unique("output", manifest.outputs.iter().map(|output| &output.name))?;

    let mut sizes = Vec::new();
    for one in &manifest.buffers {
        sizes.push(buffer(one, &manifest.constants)?);
    }
    memory(manifest, &sizes)?;
    files(manifest)?;
    for one in &manifest.passes {
        pass(one, manifest, &sizes)?;
    }
    outputs(manifest, &sizes)?;
    faults(manifest)?;
    if let Some(one) = &manifest.evaluate {
        evaluate(one, manifest, &sizes)?;
    }
    Ok(sizes)
}

/// What a count amounts to, at least 1.
pub(super) fn count(key: &str, count: &Count, constants: &BTreeMap<String, Number>) -> Checked<u64> {
    let value = match count {
        Count::Value(value) => *value,
        Count::Name(name) => match constants.get(name) {
            Some(Number::Integer(value)) => {
                u64::try_from(*value).map_err(|_| PackageError::found(key, format_args!("'{name}' = {value}"), "at least 1"))?
            }
            Some(other) => {
                return Err(PackageError::found(
                    key,
                    format_args!("'{name}' = {other}"),
                    "an integer constant",
                ));
            }
            None => {
                return Err(PackageError::found(
                    key,
                    format_args!("the unknown constant '{name}'"),
                    format_args!(
                        "a number or one of the constants: {}",
                        listed(constants.keys().map(String::as_str))
                    ),
                ));
            }
        },
    };
    if value == 0 {
        let written = match count {
            Count::Value(_) => "0".to_owned(),
            Count::Name(name) => format!("'{name}' = 0"),
        };
        return Err(PackageError::found(key, written, "at least 1"));
    }
    Ok(value)
}

/// Index of the buffer that a key names.
pub(super) fn buffer_index(manifest: &Manifest, key: &str, name: &str) -> Checked<usize> {
    manifest.buffers.iter().position(|buffer| buffer.name == name).ok_or_else(|| {
        let known = listed(manifest.buffers.iter().map(|buffer| buffer.name.as_str()));
        PackageError::found(
            key,
            format_args!("the unknown buffer '{}'", name.escape_debug()),
            format_args!("one of {known}"),
        )
    })
}

fn pass_index(manifest: &Manifest, key: &str, name: &str) -> Checked<usize> {
    manifest.passes.iter().position(|pass| pass.name == name).ok_or_else(|| {
        let known = listed(manifest.passes.iter().map(|pass| pass.name.as_str()));
        PackageError::found(
            key,
            format_args!("the unknown pass '{}'", name.escape_debug()),
            format_args!("one of {known}"),
        )
    })
}

/// A package's name names folders, too.
pub(super) fn package_name(name: &str) -> Checked {
    let good = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if good {
        return Ok(());
    }
    let expected = format!("a lower-case letter, then lower-case letters, digits and '-', at most {NAME_BYTES_MAX} bytes");
    Err(PackageError::found("name", format_args!("'{}'", shown(name)), expected))
}

/// A name that WGSL and file systems accept.
fn identifier(key: &str, name: &str) -> Checked {
    let good = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && name != "_"
        && !name.starts_with("__");
    if good {
        return Ok(());
    }
    let expected = format!("a WGSL identifier: ASCII letters, digits and '_', no digit first, at most {NAME_BYTES_MAX} bytes");
    Err(PackageError::found(key, format_args!("'{}'", shown(name)), expected))
}

fn shown(name: &str) -> String {
    name.chars()
        .take(NAME_BYTES_MAX)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

/// A line for people.
fn text(key: &str, text: &str) -> Checked {
    if text.len() > TEXT_BYTES_MAX || text.contains(char::is_control) {
        let found = format!("{} bytes: '{}'", text.len(), shown(text));
        return Err(PackageError::found(
            key,
            found,
            format_args!("one line of at most {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// A unit stands in the head of a CSV file.
fn unit(key: &str, unit: Option<&String>) -> Checked {
    match unit {
        Some(unit) if unit.len() > NAME_BYTES_MAX || unit.contains(|c: char| c.is_control() || matches!(c, ',' | '"')) => {
            let expected = format!("at most {NAME_BYTES_MAX} bytes without commas and quotes");
            Err(PackageError::found(
                format_args!("{key}: unit"),
                format_args!("'{}'", shown(unit)),
                expected,
            ))
        }
        _ => Ok(()),
    }
}

fn finite(key: &str, value: f64) -> Checked {
    if value.is_finite() {
        Ok(())
    } else {
        Err(PackageError::found(key, value, "a finite number"))
    }
}

fn within(key: &str, value: u64, min: u64, max: u64) -> Checked {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(PackageError::found(key, value, format_args!("{min} to {max}")))
    }
}

fn count_of(key: &str, found: usize, min: usize, max: usize) -> Checked {
    within(&format!("[[{key}]] sections"), found as u64, min as u64, max as u64)
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> Checked {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        identifier(&format!("{kind} {index}: name"), name)?;
        if !seen.insert(name) {
            return Err(PackageError::key(
                format_args!("{kind} '{name}': name"),
                format_args!("found a second {kind} of this name"),
            ));
        }
    }
    Ok(())
}

fn run(run: &Run) -> Checked {
    within("run: steps_per_segment", run.steps_per_segment, 1, STEPS_MAX)?;
    within("run: segments", run.segments, 1, STEPS_MAX)?;
    let steps = run.steps_per_segment.saturating_mul(run.segments);
    within("run: steps_per_segment times segments", steps, 1, EVERY_MAX)?;
    if let Some(time) = run.time_per_step {
        if !(time.is_finite() && time > 0.0) {
            return Err(PackageError::found("run: time_per_step", time, "a finite number above 0"));
        }
    }
    unit("run: time_unit", run.time_unit.as_ref())
}

fn constants(key: &str, constants: &BTreeMap<String, Number>) -> Checked {
    within(
        &format!("{key}: number of entries"),
        constants.len() as u64,
        0,
        CONSTANTS_MAX as u64,
    )?;
    for (name, value) in constants {
        identifier(&format!("{key}: name"), name)?;
        if let Number::Float(value) = value {
            finite(&format!("{key}: {name}"), *value)?;
        }
    }
    Ok(())
}

fn buffer(buffer: &Buffer, constants: &BTreeMap<String, Number>) -> Checked<Sizes> {
    let at = |key: &str| format!("buffer '{}': {key}", buffer.name);
    if buffer.name == "clock" {
        return Err(PackageError::found(
            at("name"),
            "'clock'",
            "another name: 'clock' is the step counter",
        ));
    }
    within(&at("shape: dimensions"), buffer.shape.len() as u64, 1, DIMENSIONS_MAX as u64)?;
    let shape: Vec<u64> = (buffer.shape.iter().enumerate())
        .map(|(index, extent)| count(&at(&format!("shape[{index}]")), extent, constants))
        .collect::<Checked<_>>()?;
    let last = shape[shape.len() - 1];
    if buffer.layout == Layout::Vec4 && last != 3 {
        return Err(PackageError::found(
            at("layout"),
            format_args!("vec4 with a last dimension of {last}"),
            "a last dimension of 3",
        ));
    }
    let standard = shape.iter().try_fold(4u64, |bytes, extent| bytes.checked_mul(*extent));
    let Some((standard, device)) = standard.and_then(|bytes| Some((bytes, layout::device_size(buffer.layout, bytes)?))) else {
        return Err(PackageError::found(
            at("shape"),
            format_args!("{shape:?}, more bytes than 64 bits count"),
            format_args!("at most {DEVICE_BYTES_MAX} bytes for all buffers together"),
        ));
    };
    source(buffer)?;
    if let Some(scale) = &buffer.scale {
        if scale.len() != 1 && scale.len() as u64 != last {
            return Err(PackageError::found(
                at("scale"),
                format_args!("{} numbers", scale.len()),
                format_args!("1, or {last} as the last dimension has"),
            ));
        }
        scale.iter().try_for_each(|value| finite(&at("scale"), *value))?;
    }
    unit(&format!("buffer '{}'", buffer.name), buffer.unit.as_ref())?;
    Ok(Sizes { shape, standard, device })
}

/// Where a buffer's first contents come from.
fn source(buffer: &Buffer) -> Checked {
    let at = |key: &str| format!("buffer '{}': {key}", buffer.name);
    let has_contents = matches!(buffer.role, Role::State | Role::Constant);
    match (has_contents, &buffer.init, &buffer.fill) {
        (true, Some(file), None) => check_path(&at("init"), file, ".npy"),
        (true, None, Some(fill)) => fill_word(buffer.element, *fill).map(|_| ()).ok_or_else(|| {
            let expected = match buffer.element {
                Element::F32 => "a finite number that f32 can hold",
                Element::U32 => "an integer from 0 to 4294967295",
                Element::I32 => "an integer from -2147483648 to 2147483647",
            };
            PackageError::found(at("fill"), fill, expected)
        }),
        (false, None, None) => Ok(()),
        (true, None, None) => Err(PackageError::found(
            at("init"),
            "neither init nor fill",
            "one of them for a state or constant buffer",
        )),
        (true, Some(_), Some(_)) => Err(PackageError::found(at("fill"), "both init and fill", "only one of them")),
        (false, init, _) => Err(PackageError::found(
            at(if init.is_some() { "init" } else { "fill" }),
            "initial contents",
            "none: scratch and observable buffers start as zero in every segment",
        )),
    }
}

/// The four bytes of a fill value, where it fits the element type.
pub(super) fn fill_word(element: Element, fill: Number) -> Option<[u8; 4]> {
    match (element, fill) {
        (Element::F32, Number::Float(value)) => Some(value as f32),
        // Every integer up to 2^24 is an f32.
        (Element::F32, Number::Integer(value)) => (value.unsigned_abs() <= 1 << 24).then_some(value as f32),
        (Element::U32, Number::Integer(value)) => return u32::try_from(value).ok().map(u32::to_le_bytes),
        (Element::I32, Number::Integer(value)) => return i32::try_from(value).ok().map(i32::to_le_bytes),
        _ => None,
    }
    .filter(|value| value.is_finite())
    .map(f32::to_le_bytes)
}

fn memory(manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let total = sizes
        .iter()
        .try_fold(0u64, |total, size| total.checked_add(size.device))
        .unwrap_or(u64::MAX);
    if total > DEVICE_BYTES_MAX {
        let (largest, size) =
            (manifest.buffers.iter().zip(sizes).max_by_key(|(_, size)| size.device)).expect("there is a buffer");
        return Err(PackageError::found(
            "buffer",
            format_args!(
                "{total} bytes of device memory in all (buffer '{}' alone {})",
                largest.name, size.device
            ),
            format_args!("at most {DEVICE_BYTES_MAX}"),
        ));
    }
    Ok(())
}

fn files(manifest: &Manifest) -> Checked {
    let mut shaders = BTreeSet::new();
    for pass in &manifest.passes {
        let key = format!("pass '{}': shader", pass.name);
        within(&format!("{key}: files"), pass.shader.len() as u64, 1, SHADERS_MAX as u64)?;
        for (index, file) in pass.shader.iter().enumerate() {
            check_path(&key, file, ".wgsl")?;
            if pass.shader[..index].contains(file) {
                return Err(PackageError::found(key, format_args!("'{file}' twice"), "each file once"));
            }
            shaders.insert(file.as_str());
        }
    }
    within(
        "pass: shader: different WGSL files",
        shaders.len() as u64,
        1,
        SHADERS_MAX as u64,
    )?;
    let mut arrays = BTreeMap::new();
    for buffer in &manifest.buffers {
        if let Some(file) = &buffer.init {
            if let Some(other) = arrays.insert(file.as_str(), &buffer.name) {
                let key = format!("buffer '{}': init", buffer.name);
                return Err(PackageError::found(
                    key,
                    format_args!("'{file}', which is buffer '{other}' already"),
                    "a file of its own",
                ));
            }
        }
    }
    // A package must unfold on file systems that do not tell cases apart.
    let mut folded = BTreeMap::new();
    for file in shaders.into_iter().chain(arrays.into_keys()) {
        if let Some(other) = folded.insert(file.to_ascii_lowercase(), file) {
            return Err(PackageError::key(
                "shader and init",
                format_args!("found '{other}' and '{file}', expected names that differ in more than case"),
            ));
        }
    }
    Ok(())
}

fn pass(pass: &Pass, manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let at = |key: &str| format!("pass '{}': {key}", pass.name);
    if let Some(entry) = &pass.entry {
        identifier(&at("entry"), entry)?;
    }
    within(&at("every"), pass.every, 1, EVERY_MAX)?;
    if pass.offset >= pass.every {
        return Err(PackageError::found(
            at("offset"),
            pass.offset,
            format_args!("less than every = {}", pass.every),
        ));
    }
    constants(&at("constants"), &pass.constants)?;
    for (variable, buffer) in &pass.bindings {
        let key = at(&format!("bindings: {}", shown(variable)));
        if variable == "clock" {
            return Err(PackageError::found(
                key,
                format_args!("'{}'", shown(buffer)),
                "no entry: 'clock' is the step counter",
            ));
        }
        buffer_index(manifest, &key, buffer)?;
    }
    match (&pass.invocations, &pass.workgroups, &pass.indirect) {
        (Some(counts), None, None) => dimensions(&at("invocations"), counts, manifest),
        (None, Some(counts), None) => dimensions(&at("workgroups"), counts, manifest),
        (None, None, Some(indirect)) => {
            let key = at("indirect");
            let index = buffer_index(manifest, &format!("{key}: buffer"), &indirect.buffer)?;
            let (buffer, elements) = (&manifest.buffers[index], sizes[index].elements());
            if buffer.element != Element::U32 || buffer.layout != Layout::Packed {
                let found = format!("'{}' of type {} and layout {}", buffer.name, buffer.element, buffer.layout);
                return Err(PackageError::found(
                    format_args!("{key}: buffer"),
                    found,
                    "a packed u32 buffer",
                ));
            }
            if indirect.element.checked_add(3).is_none_or(|end| end > elements) {
                let expected = format!("three elements inside the {elements} of buffer '{}'", buffer.name);
                return Err(PackageError::found(
                    format_args!("{key}: element"),
                    indirect.element,
                    expected,
                ));
            }
            Ok(())
        }
        (None, None, None) => Err(PackageError::found(
            at("invocations"),
            "no size",
            "one of invocations, workgroups and indirect",
        )),
        _ => Err(PackageError::found(
            at("invocations"),
            "several sizes",
            "only one of invocations, workgroups and indirect",
        )),
    }
}

fn dimensions(key: &str, counts: &[Count], manifest: &Manifest) -> Checked {
    within(&format!("{key}: dimensions"), counts.len() as u64, 1, 3)?;
    counts
        .iter()
        .enumerate()
        .try_for_each(|(index, one)| count(&format!("{key}[{index}]"), one, &manifest.constants).map(|_| ()))
}

fn outputs(manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let mut columns = BTreeSet::new();
    let mut bytes = 0u64;
    for output in &manifest.outputs {
        let at = |key: &str| format!("output '{}': {key}", output.name);
        let index = buffer_index(manifest, &at("buffer"), &output.buffer)?;
        let (buffer, size) = (&manifest.buffers[index], &sizes[index]);
        if !matches!(buffer.role, Role::State | Role::Observable) {
            let found = format!("'{}' of role {}", buffer.name, buffer.role);
            return Err(PackageError::found(at("buffer"), found, "a state or observable buffer"));
        }
        let steps = manifest.run.steps_per_segment;
        if output.every == 0 || steps % output.every != 0 {
            return Err(PackageError::found(
                at("every"),
                output.every,
                format_args!("a divisor of steps_per_segment = {steps}"),
            ));
        }
        let rows = steps / output.every;
        within(
            &at("rows in a segment (steps_per_segment / every)"),
            rows,
            1,
            ROWS_PER_SEGMENT_MAX,
        )?;
        bytes = bytes.saturating_add(rows.saturating_mul(size.device));
        if bytes > OUTPUT_BYTES_PER_SEGMENT_MAX {
            let expected =
                format!("at most {OUTPUT_BYTES_PER_SEGMENT_MAX} for all outputs together: raise every, or shorten the segment");
            return Err(PackageError::found(at("bytes in a segment"), bytes, expected));
        }
        after(output, manifest)?;
        for column in &output.columns {
            if !columns.insert(&column.name) {
                return Err(PackageError::key(
                    at(&format!("column '{}'", column.name)),
                    "found a second column of this name",
                ));
            }
            self::column(&at(""), column, buffer, size.elements())?;
        }
    }
    within("output: columns in all", columns.len() as u64, 0, COLUMNS_MAX as u64)
}

/// An output is taken after a pass that runs in every step in which it is taken.
fn after(output: &Output, manifest: &Manifest) -> Checked {
    let Some(name) = &output.after else { return Ok(()) };
    let key = format!("output '{}': after", output.name);
    let pass = &manifest.passes[pass_index(manifest, &key, name)?];
    if pass.offset != 0 || output.every % pass.every != 0 {
        return Err(PackageError::found(
            key,
            format_args!("pass '{name}' with every = {} and offset = {}", pass.every, pass.offset),
            format_args!(
                "a pass that runs in all steps where the output is taken (every = {})",
                output.every
            ),
        ));
    }
    Ok(())
}

fn column(output: &str, column: &Column, buffer: &Buffer, elements: u64) -> Checked {
    let at = |key: &str| format!("{output}column '{}': {key}", shown(&column.name));
    identifier(&at("name"), &column.name)?;
    if matches!(column.name.as_str(), "step" | "time") {
        return Err(PackageError::found(
            at("name"),
            format_args!("'{}'", column.name),
            "another name: every row begins with its step and time",
        ));
    }
    let words = match column.read {
        Read::Element => 1,
        Read::I64 if buffer.element == Element::U32 => 2,
        Read::I64 => {
            let found = format!("i64 of buffer '{}', which is {}", buffer.name, buffer.element);
            return Err(PackageError::found(at("read"), found, "a u32 buffer"));
        }
    };
    if column.element.checked_add(words).is_none_or(|end| end > elements) {
        let expected = format!(
            "less than {} (buffer '{}' has {elements} elements)",
            (elements + 1).saturating_sub(words),
            buffer.name
        );
        return Err(PackageError::found(at("element"), column.element, expected));
    }
    finite(&at("scale"), column.scale)?;
    finite(&at("add"), column.add)?;
    unit(&format!("{output}column '{}'", column.name), column.unit.as_ref())
}

fn faults(manifest: &Manifest) -> Checked {
    if manifest.faults.is_empty() {
        return Ok(());
    }
    let is_fault =
        |buffer: &&Buffer| buffer.name == "fault" && buffer.role == Role::Observable && buffer.element == Element::U32;
    if manifest.buffers.iter().find(is_fault).is_none() {
        return Err(PackageError::found(
            "faults",
            "no buffer that tells them",
            "an observable u32 buffer named 'fault'",
        ));
    }
    for (value, meaning) in &manifest.faults {
        if value
            .parse::<u32>()
            .map_or(true, |number| number == 0 || number.to_string() != *value)
        {
            return Err(PackageError::found(
                "faults",
                format_args!("'{}'", shown(value)),
                "a value from 1 to 4294967295",
            ));
        }
        text(&format!("faults: {value}"), meaning)?;
    }
    Ok(())
}

fn evaluate(evaluate: &Evaluate, manifest: &Manifest, sizes: &[Sizes]) -> Checked {
    let until = pass_index(manifest, "evaluate: until", &evaluate.until)?;
    if manifest.passes[until].offset != 0 {
        return Err(PackageError::found(
            "evaluate: until",
            format_args!("pass '{}', which step 0 does not run", evaluate.until),
            "a pass with offset = 0",
        ));
    }
    for (class, column) in &evaluate.energies {
        let key = format!("evaluate: energies: {}", shown(class));
        let mut known = manifest
            .outputs
            .iter()
            .flat_map(|output| &output.columns)
            .map(|column| column.name.as_str());
        if !known.clone().any(|name| name == column) {
            let expected = format!("a column of an output: {}", listed(known.by_ref()));
            return Err(PackageError::found(
                key,
                format_args!("the unknown column '{}'", shown(column)),
                expected,
            ));
        }
    }
    let index = buffer_index(manifest, "evaluate: forces", &evaluate.forces)?;
    let (buffer, shape) = (&manifest.buffers[index], &sizes[index].shape);
    if buffer.element != Element::F32 || shape.len() != 2 || shape[1] != 3 {
        let found = format!("buffer '{}' of type {} and shape {shape:?}", buffer.name, buffer.element);
        return Err(PackageError::found(
            "evaluate: forces",
            found,
            "an f32 buffer of shape [n, 3]",
        ));
    }
    Ok(())
}
