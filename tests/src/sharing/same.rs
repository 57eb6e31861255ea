//! A fetched job beside a run of this process: the same bytes.

use std::path::Path;

use kernels::package::Package;

use super::Stage;

impl Stage {
    /// Fetch a job and hold its chain and outputs, byte for byte, against a run of this process on the CPU device.
    ///
    /// # Panics
    /// They differ.
    pub fn assert_same_as_local(&self, job: u64, package: &Package) {
        let out = self.path(&format!("fetched-{job}"));
        let segments = self.fetch(job, &out)["segment"].as_u64().expect("a number");
        let local = self.path(&format!("local-{job}"));
        let config = kernels::run::RunConfig::new(segments);
        let dir = kernels::run::RunDir::create(&local, package, config).expect("a run directory");
        let device = device::select("cpu").expect("the CPU device is always there");
        let class = dir_class(&out);
        let options = kernels::run::RunOptions::default();
        kernels::run::run(&dir, &*device, class, &options, &mut |_| kernels::run::Control::Continue).expect("it runs");
        let (expected, found) = (crate::results(&local), crate::results(&out));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            assert!(expected == found, "job {job}: {name} differs from a local run's");
        }
        assert_eq!(expected.len(), found.len(), "job {job}: a file is missing, or one too many");
    }
}

/// The class in a run directory's chain: of the same bits wherever they were computed.
fn dir_class(dir: &Path) -> protocol::HardwareClass {
    let dir = kernels::run::RunDir::view(dir).expect("a run directory");
    dir.chain().expect("a chain").last().expect("a boundary").class
}
