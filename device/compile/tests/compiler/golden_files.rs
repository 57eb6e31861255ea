//! What the compiler makes of small kernels, as text: the IR, and the WebAssembly. `UPDATE_GOLDEN=1` writes the files anew.

use std::fs;
use std::path::Path;

use crate::support::Kernel;

#[test]
fn ir_and_webassembly_of_small_kernels_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compiler/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut kernels: Vec<_> = fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wgsl"))
        .collect();
    kernels.sort();
    assert!(kernels.len() >= 10, "{kernels:?}");
    let mut differ = Vec::new();
    for path in kernels {
        let source = fs::read_to_string(&path).expect("it can be read");
        let kernel = Kernel::new(&source, source.starts_with("// checked"));
        let wasm = kernel.compile().expect("it compiles").wasm;
        let wat = wasmprinter::print_bytes(&wasm).expect("it is WebAssembly");
        for (extension, text) in [("ir", kernel.ir()), ("wat", wat)] {
            let golden = path.with_extension(extension);
            if update {
                fs::write(&golden, &text).expect("it can be written");
            } else if fs::read_to_string(&golden).ok().as_deref() != Some(&text) {
                differ.push(golden.file_name().map(ToOwned::to_owned).unwrap_or_default());
            }
        }
    }
    assert!(
        differ.is_empty(),
        "{differ:?} differ: if that is meant, run this test with UPDATE_GOLDEN=1 and read the difference"
    );
}
