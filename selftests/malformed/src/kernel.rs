// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Loading a module into the running kernel, and the kernel's messages about it.

use std::ffi::CString;
use std::fmt;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use bpfkit::check;
use bpfkit::vmlinux::Vmlinux;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::system;
use splitbtf::Owned;
use zerocopy::NativeEndian;

use crate::error::Of;
use crate::foretell::foretell;
use crate::pair::Pair;
use crate::Error;

const LOG: &str = "/dev/kmsg";
const BTF: &str = "/sys/kernel/btf";
/// The kernel's `LOG_LINE_MAX`, and the text that `/dev/kmsg` puts around a line.
const RECORD: usize = 8192;

/// The running kernel.
pub struct Kernel {
    log: File,
    module: String,
    btf: PathBuf,
    vmlinux: Vmlinux<NativeEndian>,
    bound: Duration,
}

/// The outcome of loading a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has been loaded, and its BTF in sysfs is valid, or there is none.
    Loads,
    /// It has been loaded, and its BTF in sysfs is not valid.
    LoadsMalformed(splitbtf::Error),
    /// It has been refused.
    Refused(Errno),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loads => f.write_str("loads"),
            Self::LoadsMalformed(error) => write!(f, "loads, but in sysfs: {error}"),
            Self::Refused(errno) => write!(f, "refused: {errno}"),
        }
    }
}

/// An outcome, with its log and time.
#[derive(Debug)]
pub struct Load {
    /// The outcome.
    pub outcome: Outcome,
    /// The lines that the kernel log got during the load.
    pub log: Vec<String>,
    /// How long the system call took.
    pub took: Duration,
}

impl Kernel {
    /// Prepares for loads of the module with this name, each of which may take up to `bound`.
    ///
    /// # Errors
    ///
    /// If the kernel's log or its BTF cannot be read.
    pub fn new(module: &str, bound: Duration) -> Result<Self, Error> {
        let path = Path::new(LOG);
        let flags = OFlags::NONBLOCK.bits() as i32;
        let mut log = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .of(path)?;
        log.seek(SeekFrom::End(0)).of(path)?;
        let vmlinux = Vmlinux::open(&Path::new(BTF).join("vmlinux"))?;

        Ok(Self {
            log,
            module: module.to_owned(),
            btf: Path::new(BTF).join(module),
            vmlinux,
            bound,
        })
    }

    /// Predicts the outcome for a module with this BTF.
    pub fn foretell(&self, pair: &Pair) -> Option<check::Outcome> {
        foretell(pair, &self.vmlinux)
    }

    /// Loads a module, and removes it again. `what` names the load in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Hangs`], [`Error::Stays`], and [`Error::File`] if sysfs or the log cannot be read.
    pub fn load(&mut self, what: &str, image: Vec<u8>) -> Result<Load, Error> {
        self.lines()?;
        let (sender, receiver) = mpsc::channel();
        let bound = self.bound;
        // Use another thread, as a thread that hangs in the kernel cannot be interrupted.
        thread::spawn(move || {
            let start = Instant::now();
            let result = system::init_module(&image, c"");
            // The receiver is gone if this took too long.
            let _ = sender.send((result, start.elapsed()));
        });
        let hangs = || Error::Hangs {
            what: what.to_owned(),
            seconds: bound.as_secs(),
        };
        let (result, took) = match bound {
            Duration::MAX => receiver.recv().map_err(|_| hangs())?,
            bound => receiver
                .recv_timeout(bound)
                .map_err(|_: RecvTimeoutError| hangs())?,
        };

        let outcome = match result {
            Ok(()) => {
                let outcome = self.check()?;
                self.remove()?;
                outcome
            }
            Err(errno) => Outcome::Refused(errno),
        };
        let log = self.lines()?;
        Ok(Load { outcome, log, took })
    }

    /// Checks the BTF of the module that is loaded.
    fn check(&self) -> Result<Outcome, Error> {
        let bytes = match fs::read(&self.btf) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::Loads),
            bytes => bytes.of(&self.btf)?,
        };

        Ok(match Owned::valid(bytes, Some(self.vmlinux.types())) {
            Ok(_) => Outcome::Loads,
            Err(error) => Outcome::LoadsMalformed(error),
        })
    }

    fn remove(&self) -> Result<(), Error> {
        let stays = |source| Error::Stays {
            name: self.module.clone(),
            source,
        };
        let name = CString::new(self.module.as_str()).map_err(|error| stays(error.into()))?;

        system::delete_module(&name, 0).map_err(|errno| stays(errno.into()))
    }

    /// Returns the lines that the log got since the last call.
    fn lines(&mut self) -> Result<Vec<String>, Error> {
        let mut record = vec![0; RECORD];
        let mut lines = vec![];

        loop {
            match self.log.read(&mut record) {
                Ok(len) => {
                    let text = String::from_utf8_lossy(record.get(..len).unwrap_or_default());
                    let line = text.lines().next().unwrap_or_default();
                    let (_, line) = line.split_once(';').unwrap_or(("", line));
                    lines.push(line.to_owned());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(lines),
                // The kernel has overwritten lines before they were read; continue after them.
                Err(error) if error.raw_os_error() == Some(Errno::PIPE.raw_os_error()) => {}
                Err(error) => return Err::<_, io::Error>(error).of(Path::new(LOG)),
            }
        }
    }
}
