//! NumPy's `.npy` files, as far as a package uses them: little-endian 4-byte numbers in C order.
//!
//! The header is a Python dictionary. It is read without recursion and without arithmetic on what it says, so that a
//! hostile one costs nothing. Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::manifest::Element;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
const CUT: &str = "the file ends inside its header";

/// Element type and shape that a file declares, and where its data begin.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// NumPy's type text: `<f4`.
    pub descr: String,
    /// Column-major data.
    pub fortran_order: bool,
    /// Extents, outermost first.
    pub shape: Vec<u64>,
    /// Offset of the data in the file, bytes.
    pub data: usize,
}

/// NumPy's type text for an element type.
pub(super) fn descr(element: Element) -> &'static str {
    match element {
        Element::F32 => "<f4",
        Element::U32 => "<u4",
        Element::I32 => "<i4",
    }
}

/// NumPy's name for an element type, for advice in messages.
pub(super) fn numpy_name(element: Element) -> &'static str {
    match element {
        Element::F32 => "float32",
        Element::U32 => "uint32",
        Element::I32 => "int32",
    }
}

/// A shape as NumPy writes it: `(864, 3)`, `(5,)`.
pub(super) fn shape_text(shape: &[u64]) -> String {
    let extents: Vec<String> = shape.iter().map(u64::to_string).collect();
    match extents.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(", ")),
    }
}

/// A whole file, version 1.0.
pub(super) fn write(element: Element, shape: &[u64], data: &[u8]) -> Vec<u8> {
    let dictionary = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
        descr(element),
        shape_text(shape)
    );
    // Magic, version, length and header end on a multiple of 64 bytes, the header with a line feed.
    let total = (10 + dictionary.len() + 1).next_multiple_of(64);
    let length = u16::try_from(total - 10).expect("a shape has few dimensions, so its header is short");
    let mut file = Vec::with_capacity(total + data.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[1, 0]);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(dictionary.as_bytes());
    file.resize(total - 1, b' ');
    file.push(b'\n');
    file.extend_from_slice(data);
    file
}

/// Read the header at the beginning of a file.
///
/// # Errors
/// What is not as the format says.
pub fn header(file: &[u8]) -> Result<Header, String> {
    let version = match file {
        [magic @ .., _, _] if magic.starts_with(MAGIC) => (file[6], file[7]),
        _ => return Err("found no NumPy magic number, expected an .npy file as numpy.save writes it".to_owned()),
    };
    let (start, length) = match version {
        (1, 0) => (10, usize::from(u16::from_le_bytes(bytes_at(file, 8)?))),
        (2 | 3, 0) => (12, u32::from_le_bytes(bytes_at(file, 8)?) as usize),
        (major, minor) => return Err(format!("found .npy version {major}.{minor}, expected 1.0, 2.0 or 3.0")),
    };
    let end = start + length;
    let text = file.get(start..end).ok_or(CUT)?;
    let text = std::str::from_utf8(text).map_err(|_| "the header is not text")?;
    let mut header = dictionary(text).map_err(|wrong| format!("header {}: {wrong}", text.trim().escape_default()))?;
    header.data = end;
    Ok(header)
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], &'static str> {
    let rest = file.get(at..).unwrap_or_default();
    rest.first_chunk().copied().ok_or(CUT)
}

fn dictionary(text: &str) -> Result<Header, String> {
    let mut words = Words(text);
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    words.symbol('{')?;
    while !words.skip('}') {
        match words.string()? {
            "descr" => {
                words.symbol(':')?;
                descr = Some(words.string()?.to_owned());
            }
            "fortran_order" => {
                words.symbol(':')?;
                fortran_order = Some(words.boolean()?);
            }
            "shape" => {
                words.symbol(':')?;
                shape = Some(words.tuple()?);
            }
            other => return Err(format!("found key '{other}', expected descr, fortran_order and shape")),
        }
        if !words.skip(',') {
            words.symbol('}')?;
            break;
        }
    }
    if !words.0.trim().is_empty() {
        return Err("text after the dictionary".to_owned());
    }
    Ok(Header {
        descr: descr.ok_or("no key 'descr'")?,
        fortran_order: fortran_order.ok_or("no key 'fortran_order'")?,
        shape: shape.ok_or("no key 'shape'")?,
        data: 0,
    })
}

/// What is left of a header.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn skip(&mut self, symbol: char) -> bool {
        self.0 = self.0.trim_start();
        self.0.strip_prefix(symbol).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    fn symbol(&mut self, symbol: char) -> Result<(), String> {
        if self.skip(symbol) {
            Ok(())
        } else {
            Err(format!("expected '{symbol}'"))
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = if self.skip('"') {
            '"'
        } else if self.skip('\'') {
            '\''
        } else {
            return Err("expected a text in quotes (structured types are not supported)".to_owned());
        };
        let (text, rest) = self.0.split_once(quote).ok_or("a text without its closing quote")?;
        self.0 = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("expected True or False".to_owned())
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut extents = Vec::new();
        self.symbol('(')?;
        while !self.skip(')') {
            self.0 = self.0.trim_start();
            let digits = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (number, rest) = self.0.split_at(digits);
            extents.push(number.parse().map_err(|_| "expected a shape of whole numbers")?);
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.skip(',') {
                self.symbol(')')?;
                break;
            }
        }
        Ok(extents)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (864, 3), }";
        for (version, length) in [(1u8, vec![118, 0]), (2, vec![118, 0, 0, 0]), (3, vec![118, 0, 0, 0])] {
            let mut file = [MAGIC.as_slice(), &[version, 0], &length].concat();
            let start = file.len();
            file.extend_from_slice(text.as_bytes());
            file.resize(start + 117, b' ');
            file.push(b'\n');
            let header = header(&file).expect("a good header");
            assert_eq!(
                (header.descr.as_str(), header.fortran_order, header.data),
                ("<f4", false, start + 118)
            );
            assert_eq!(header.shape, [864, 3]);
        }
    }

    #[test]
    fn written_files_are_as_numpy_writes_them() {
        let file = write(Element::U32, &[2], &[1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(file.len(), 128 + 8);
        assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
        assert!(file[10..].starts_with(b"{'descr': '<u4', 'fortran_order': False, 'shape': (2,), }"));
        assert_eq!(header(&file).expect("own header").data, file.len() - 8);
    }

    #[test]
    fn foreign_headers_are_refused_with_a_reason() {
        for (text, reason) in [
            (
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
                "structured",
            ),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "True or False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "whole numbers"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                "whole numbers",
            ),
            ("{'descr': '<f4', 'fortran_order': False}", "no key 'shape'"),
            ("{'descr': '<f4', 'evil': 1}", "'evil'"),
        ] {
            let error = dictionary(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_header_or_an_error(tail in proptest::collection::vec(any::<u8>(), 0..200), version in 0u8..5) {
            let _ = header(&tail);
            let _ = header(&[MAGIC.as_slice(), &[version, 0], &tail].concat());
        }

        #[test]
        fn any_header_text_gives_a_header_or_an_error(text in "[{}()',: dsf0-9a-zL]{0,80}") {
            let _ = dictionary(&text);
        }
    }
}
