//! A device that gives programs something else than it was asked for.

use std::sync::Arc;

use device::{Command, Device, DeviceError, DeviceInfo, Program, Session, SessionOptions};

/// What is changed before the device underneath sees it.
pub(crate) type Mutation = fn(&mut Program, &mut SessionOptions);

pub(crate) struct Impostor {
    pub(crate) inner: Arc<dyn Device>,
    pub(crate) mutate: Mutation,
    /// A bit of every buffer is stuck.
    pub(crate) flip: bool,
}

impl Impostor {
    pub(crate) fn new(inner: Arc<dyn Device>, mutate: Mutation) -> Self {
        Self {
            inner,
            mutate,
            flip: false,
        }
    }
}

impl Device for Impostor {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        let (mut program, mut options) = (program.clone(), options.clone());
        (self.mutate)(&mut program, &mut options);
        let session = self.inner.open(&program, &options)?;
        Ok(if self.flip { Box::new(Flips(session)) } else { session })
    }
}

/// Memory with one bit that is stuck.
struct Flips(Box<dyn Session>);

impl Session for Flips {
    fn write(&mut self, buffer: usize, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.0.write(buffer, offset, bytes)
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        self.0.submit(commands)
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.0.wait()
    }

    fn read(&mut self, buffers: &[usize]) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut read = self.0.read(buffers)?;
        read.iter_mut().for_each(|bytes| bytes[40] |= 1);
        Ok(read)
    }
}

/// Another text in the program's first module.
pub(crate) fn replace(program: &mut Program, from: &str, to: &str) {
    program.modules[0].source = program.modules[0].source.replace(from, to);
}

pub(crate) fn cpu() -> Arc<dyn Device> {
    device::select("cpu").expect("every machine has it")
}

/// Mesa's llvmpipe, or a word why this test is left out.
pub(crate) fn llvmpipe() -> Option<Arc<dyn Device>> {
    let found = device::automatic()
        .into_iter()
        .find(|device| device.info().name.starts_with("llvmpipe"));
    if found.is_none() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "BATON_REQUIRE_GPU is set, and there is no llvmpipe"
        );
        println!("skipped: no llvmpipe on this machine");
    }
    found
}
