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

    /// The named installation; else that of `ERL_ROOTDIR` (which `erl` itself obeys), of the `erl` on the `PATH`, of a
    /// version manager, or in the usual places.
    pub fn find(named: Option<&Path>) -> Result<Otp, InstallError> {
        if let Some(root) = named.map(Path::to_path_buf).or_else(|| variable("ERL_ROOTDIR")) {
            return Otp::at(&root);
        }
        let usual = ["/usr/lib/erlang", "/usr/local/lib/erlang", "/usr/lib64/erlang"];
        let tried = candidates("erl", "erlang", &usual);
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

    /// The named installation; else that of the `elixir` on the `PATH`, of a version manager, or in the usual places.
    pub fn find(named: Option<&Path>) -> Result<Elixir, InstallError> {
        if let Some(root) = named {
            return Elixir::at(root);
        }
        let tried = candidates("elixir", "elixir", &["/usr/lib/elixir", "/usr/local/lib/elixir", "/usr/local"]);
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

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// Where an installation may be, the likeliest first: around `command` on the `PATH` (version managers put a script
/// there that tells nothing, and Purlin may be called by that name), where asdf, mise and kerl put `what`, and `usual`.
fn candidates(command: &str, what: &str, usual: &[&str]) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter_map(|dir| {
        let file = dir.join(command).canonicalize().ok()?;
        let root = file.parent()?.parent()?;
        let installed = root.join("bin/start.boot").is_file() || root.join("lib/elixir/ebin").is_dir();
        installed.then(|| root.to_path_buf())
    });
    let home = variable("HOME").unwrap_or_default();
    let below = |variable_name: &str, usual: &str| variable(variable_name).unwrap_or_else(|| home.join(usual));
    let managed = [
        below("ASDF_DATA_DIR", ".asdf").join("installs").join(what),
        below("MISE_DATA_DIR", ".local/share/mise").join("installs").join(what),
        below("KERL_DEFAULT_INSTALL_DIR", "kerl"),
    ];
    let mut found: Vec<PathBuf> = on_path.collect();
    found.extend(managed.iter().flat_map(|dir| newest_first(dir)));
    found.extend(usual.iter().map(PathBuf::from));
    found
}

/// The folders in `dir`, those with the higher version in their names first.
fn newest_first(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort_by_cached_key(|p| std::cmp::Reverse(version(p)));
    all
}

/// The numbers in a folder's name.
fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_are_looked_at_first() {
        let dir = std::env::temp_dir().join(format!("purlin-versions-{}", std::process::id()));
        for name in ["25.2", "25.10.1", "9.0"] {
            std::fs::create_dir_all(dir.join(name)).unwrap();
        }
        let names: Vec<_> = newest_first(&dir).iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(names, ["25.10.1", "25.2", "9.0"]);
    }
}
