//! Finding the installed OTP and Elixir libraries.

use std::fmt;
use std::path::{Path, PathBuf};

/// An OTP installation: what `erl` calls its root directory.
#[derive(Clone, Debug)]
pub struct Otp {
    pub root: PathBuf,
    /// `erts-VERSION` below the root.
    pub erts: String,
}

/// Why an installation could not be used.
#[derive(Debug)]
pub enum InstallError {
    NoOtp { tried: Vec<PathBuf> },
    NotOtp(PathBuf),
    NoElixir { tried: Vec<PathBuf> },
    NotElixir(PathBuf),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstallError::NoOtp { tried } => write!(
                f,
                "no Erlang/OTP found (looked in {}); install it (Debian: apt-get install elixir) or name it with --otp DIR",
                list(tried)
            ),
            InstallError::NotOtp(dir) => {
                write!(f, "{} is no Erlang/OTP installation (it has no bin/start.boot and erts-*)", dir.display())
            }
            InstallError::NoElixir { tried } => write!(
                f,
                "no Elixir found (looked in {}); install it (Debian: apt-get install elixir) or name it with --elixir DIR",
                list(tried)
            ),
            InstallError::NotElixir(dir) => {
                write!(f, "{} is no Elixir installation (it has no lib/elixir/ebin)", dir.display())
            }
        }
    }
}

impl std::error::Error for InstallError {}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Otp {
    /// The installation at `root`.
    pub fn at(root: &Path) -> Result<Otp, InstallError> {
        let erts = std::fs::read_dir(root.join("lib"))
            .into_iter()
            .chain(std::fs::read_dir(root))
            .flatten()
            .flatten()
            .filter_map(|e| e.file_name().into_string().ok())
            .find(|n| n.starts_with("erts-"));
        match erts {
            Some(erts) if root.join("bin/start.boot").exists() => Ok(Otp { root: root.to_path_buf(), erts }),
            _ => Err(InstallError::NotOtp(root.to_path_buf())),
        }
    }

    /// The named installation, or the first one in the usual places.
    pub fn find(named: Option<&Path>) -> Result<Otp, InstallError> {
        if let Some(root) = named {
            return Otp::at(root);
        }
        let tried: Vec<PathBuf> =
            ["/usr/lib/erlang", "/usr/local/lib/erlang", "/usr/lib64/erlang"].iter().map(PathBuf::from).collect();
        tried.iter().find_map(|root| Otp::at(root).ok()).ok_or(InstallError::NoOtp { tried })
    }

    /// Where the preloaded modules' files are.
    pub fn preloaded_dir(&self) -> PathBuf {
        self.root.join("lib").join(&self.erts).join("ebin")
    }

    /// What `erl` calls BINDIR.
    pub fn bindir(&self) -> PathBuf {
        self.root.join(&self.erts).join("bin")
    }
}

/// An Elixir installation: the directory that holds `bin` and `lib`.
#[derive(Clone, Debug)]
pub struct Elixir {
    pub root: PathBuf,
}

impl Elixir {
    pub fn at(root: &Path) -> Result<Elixir, InstallError> {
        if root.join("lib/elixir/ebin/elixir.app").exists() {
            Ok(Elixir { root: root.to_path_buf() })
        } else {
            Err(InstallError::NotElixir(root.to_path_buf()))
        }
    }

    /// The named installation, or the first one in the usual places.
    pub fn find(named: Option<&Path>) -> Result<Elixir, InstallError> {
        if let Some(root) = named {
            return Elixir::at(root);
        }
        let tried: Vec<PathBuf> =
            ["/usr/lib/elixir", "/usr/local/lib/elixir", "/usr/local"].iter().map(PathBuf::from).collect();
        tried.iter().find_map(|root| Elixir::at(root).ok()).ok_or(InstallError::NoElixir { tried })
    }

    /// The `ebin` directories of its applications, in the order in which `elixir` puts them on the code path.
    pub fn ebins(&self) -> Vec<String> {
        let mut dirs: Vec<PathBuf> = std::fs::read_dir(self.root.join("lib"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path().join("ebin"))
            .filter(|p| p.is_dir())
            .collect();
        dirs.sort();
        dirs.into_iter()
            .filter_map(|p| {
                let rest = p.strip_prefix(&self.root).ok()?.to_str()?.to_owned();
                Some(format!("{}/bin/../{rest}", self.root.to_str()?))
            })
            .collect()
    }
}
