//! Files in, plain or gzip (told by their first two bytes), within limits that hold before anything is parsed.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::ImportError;

/// Bytes of a file as it lies on disk, and of its text once unpacked.
pub(super) const BYTES_MAX: u64 = 1 << 30;

/// A file's text.
///
/// # Errors
/// It cannot be read, is larger than [`BYTES_MAX`], packed or unpacked, or is not UTF-8.
pub(super) fn text(path: &Path) -> Result<String, ImportError> {
    text_within(path, BYTES_MAX)
}

fn text_within(path: &Path, bytes_max: u64) -> Result<String, ImportError> {
    let read = |source| ImportError::Read {
        file: path.to_owned(),
        source,
    };
    let content = |message: String| ImportError::Content {
        file: path.to_owned(),
        message,
    };
    let file = File::open(path).map_err(read)?;
    let metadata = file.metadata().map_err(read)?;
    if !metadata.is_file() {
        return Err(content(
            "found something that is no file, expected an XML file, plain or gzip".into(),
        ));
    }
    let mut reader = BufReader::new(file.take(bytes_max + 1));
    let mut start = [0; 2];
    let got = reader.by_ref().take(2).read(&mut start).map_err(read)?;
    let whole = std::io::Cursor::new(start).take(got as u64).chain(reader);
    let mut bytes = Vec::new();
    if start == [0x1f, 0x8b] {
        MultiGzDecoder::new(whole).take(bytes_max + 1).read_to_end(&mut bytes)
    } else {
        whole.take(bytes_max + 1).read_to_end(&mut bytes)
    }
    .map_err(read)?;
    if bytes.len() as u64 > bytes_max {
        return Err(content(format!(
            "found more than {bytes_max} bytes of text, expected at most that"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        content(format!(
            "found a byte that is not UTF-8 at offset {}",
            error.utf8_error().valid_up_to()
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("room");
        file
    }

    #[test]
    fn plain_and_packed_files_give_the_same_text() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"<System/>").expect("memory");
        let packed = encoder.finish().expect("memory");
        assert_eq!(text(written(b"<System/>").path()).expect("text"), "<System/>");
        assert_eq!(text(written(&packed).path()).expect("text"), "<System/>");
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 1 << 20]).expect("memory");
        let packed = encoder.finish().expect("memory");
        let error = text_within(written(&packed).path(), 10_000).expect_err("a bomb");
        assert!(error.to_string().contains("more than 10000 bytes of text"), "{error}");
    }

    #[test]
    fn a_torn_gzip_and_a_missing_file_are_read_errors() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"<System/>").expect("memory");
        let packed = encoder.finish().expect("memory");
        assert!(matches!(
            text(written(&packed[..packed.len() - 6]).path()),
            Err(ImportError::Read { .. })
        ));
        assert!(matches!(text(Path::new("no such file")), Err(ImportError::Read { .. })));
    }
}
