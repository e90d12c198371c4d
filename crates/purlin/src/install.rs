//! Finding the installed OTP and Elixir libraries.

use purlin_term::Release;
use purlin_vm::Config;
use std::fmt;
use std::path::{Path, PathBuf};

/// An OTP installation: what `erl` calls its root directory.
#[derive(Clone, Debug)]
pub struct Otp {
    pub root: PathBuf,
    /// `erts-VERSION` below the root.
    pub erts: String,
    /// Which release it is, and its version in full, such as `25.2.3`.
    pub release: Release,
    pub version: String,
    /// Where its helper programs are, which `erl` calls BINDIR.
    pub bindir: PathBuf,
    /// Where the preloaded modules' files are.
    pub preloaded: PathBuf,
}

/// Why an installation could not be used.
#[derive(Debug)]
pub enum InstallError {
    NoOtp { tried: Vec<PathBuf> },
    NotOtp(PathBuf),
    OtherOtp { root: PathBuf, version: String },
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
                write!(
                    f,
                    "{} is no Erlang/OTP installation (it has no bin/start.boot, erts-* and releases/*/OTP_VERSION)",
                    dir.display()
                )
            }
            InstallError::OtherOtp { root, version } => write!(
                f,
                "{} is Erlang/OTP {version}, which Purlin does not know; it knows {}",
                root.display(),
                known()
            ),
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

/// The releases that Purlin knows, as words.
fn known() -> String {
    Release::KNOWN.iter().map(Release::to_string).collect::<Vec<_>>().join(", ")
}

/// The version of the newest release in an installation.
fn otp_version(root: &Path) -> Option<(Release, String)> {
    let releases = std::fs::read_dir(root.join("releases")).ok()?.flatten();
    let versions = releases.filter_map(|e| {
        let number = e.file_name().to_str()?.parse().ok()?;
        let version = std::fs::read_to_string(e.path().join("OTP_VERSION")).ok()?;
        Some((Release(number), version.trim().to_owned()))
    });
    versions.max_by_key(|(release, _)| *release)
}

impl Otp {
    /// The installation at `root`, unless its release is too old. It may be newer than those that Purlin knows.
    pub fn at(root: &Path) -> Result<Otp, InstallError> {
        let erts = std::fs::read_dir(root.join("lib"))
            .into_iter()
            .chain(std::fs::read_dir(root))
            .flatten()
            .flatten()
            .filter_map(|e| e.file_name().into_string().ok())
            .find(|n| n.starts_with("erts-"));
        let (Some(erts), Some((release, version)), true) =
            (erts, otp_version(root), root.join("bin/start.boot").exists())
        else {
            return Err(InstallError::NotOtp(root.to_path_buf()));
        };
        if release < Release::OLDEST {
            return Err(InstallError::OtherOtp { root: root.to_path_buf(), version });
        }
        let bindir = root.join(&erts).join("bin");
        let preloaded = root.join("lib").join(&erts).join("ebin");
        Ok(Otp { root: root.to_path_buf(), erts, release, version, bindir, preloaded })
    }

    /// Where the files of the preloaded modules are in an emulator's directory, and in there which release of OTP they
    /// are from: see [`crate::own_root`].
    pub(crate) const PRELOADED: &str = "preloaded";
    pub(crate) const VERSION: &str = "OTP_VERSION";

    /// What a program belongs to that lies in `erts-VERSION/bin` with all that an emulator needs: it has been made a
    /// part of a release, or of a root directory of its own.
    pub fn around(program: &Path) -> Option<Otp> {
        let bindir = program.parent()?;
        let preloaded = bindir.join(Otp::PRELOADED);
        let version = std::fs::read_to_string(preloaded.join(Otp::VERSION)).ok()?.trim().to_owned();
        let release = Release(version.split('.').next()?.parse().ok()?);
        let erts = bindir.parent()?;
        Some(Otp {
            root: erts.parent()?.to_path_buf(),
            erts: erts.file_name()?.to_str()?.to_owned(),
            release,
            version,
            bindir: bindir.to_path_buf(),
            preloaded,
        })
    }

    /// As [`Otp::at`], of a release that Purlin knows.
    fn known_at(root: &Path) -> Result<Otp, InstallError> {
        let otp = Otp::at(root)?;
        if otp.release.is_known() {
            Ok(otp)
        } else {
            Err(InstallError::OtherOtp { root: otp.root, version: otp.version })
        }
    }

    /// What to say before an installation is used that Purlin does not know.
    pub fn warning(&self) -> Option<String> {
        let text = || format!("Purlin does not know Erlang/OTP {}, only {}; going on", self.version, known());
        (!self.release.is_known()).then(text)
    }

    /// Has an engine be the emulator of this installation.
    pub fn configure(&self, config: &mut Config) {
        config.release = self.release;
        if self.release >= Release(26) {
            config.process_limit = 1 << 20;
            config.settings.time_warp = "multi_time_warp".into();
        }
        config.settings.version = self.erts.trim_start_matches("erts-").to_owned();
    }

    /// The named installation; else that of `ERL_ROOTDIR` (which `erl` itself obeys), of the `erl` on the `PATH`, of a
    /// version manager, or in the usual places. Only a named one may be newer than Purlin knows.
    pub fn find(named: Option<&Path>) -> Result<Otp, InstallError> {
        if let Some(root) = named {
            return Otp::at(root);
        }
        if let Some(root) = variable("ERL_ROOTDIR") {
            return Otp::known_at(&root);
        }
        let usual = ["/usr/lib/erlang", "/usr/local/lib/erlang", "/usr/lib64/erlang"];
        let tried = candidates("erl", "erlang", &usual);
        let mut other = None;
        for root in &tried {
            match Otp::known_at(root) {
                Ok(otp) => return Ok(otp),
                Err(e @ InstallError::OtherOtp { .. }) => other = other.or(Some(e)),
                Err(_) => {}
            }
        }
        Err(other.unwrap_or(InstallError::NoOtp { tried }))
    }
}

/// An Elixir installation: the directory that holds `bin` and `lib`.
#[derive(Clone, Debug)]
pub struct Elixir {
    pub root: PathBuf,
    /// The first two numbers of its version.
    pub version: (u32, u32),
}

impl Elixir {
    pub fn at(root: &Path) -> Result<Elixir, InstallError> {
        match std::fs::read_to_string(root.join("lib/elixir/ebin/elixir.app")) {
            Ok(app) => Ok(Elixir { root: root.to_path_buf(), version: elixir_version(&app) }),
            Err(_) => Err(InstallError::NotElixir(root.to_path_buf())),
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

/// The version in the text of an `elixir.app`, `{vsn,"1.14.0"}`; that of Elixir 1.14 where there is none.
fn elixir_version(app: &str) -> (u32, u32) {
    let numbers = || {
        let (_, text) = app.split_once("vsn")?.1.split_once('"')?;
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    numbers().unwrap_or((1, 14))
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

    /// An installation with no more in it than its version.
    fn otp(version: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("purlin-otp-{version}-{}", std::process::id()));
        let number = version.split('.').next().unwrap();
        for dir in ["bin", "lib", "erts-1.0", &format!("releases/{number}")] {
            std::fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::fs::write(root.join("bin/start.boot"), "").unwrap();
        std::fs::write(root.join(format!("releases/{number}/OTP_VERSION")), format!("{version}\n")).unwrap();
        root
    }

    #[test]
    fn elixirs_version_is_in_its_app_file() {
        assert_eq!(elixir_version("{application,elixir,[{description,\"elixir\"},{vsn,\"1.18.3\"},..."), (1, 18));
        assert_eq!(elixir_version("{application, elixir, [\n {vsn, \"1.20.0-rc.1\"}"), (1, 20));
        assert_eq!(elixir_version("{application, elixir, []}."), (1, 14));
    }

    #[test]
    fn releases_are_told_by_their_files() {
        let [old, usual, new] = ["24.3", "25.2.3", "99.1"].map(otp);
        let error = Otp::at(&old).unwrap_err().to_string();
        assert!(error.contains("is Erlang/OTP 24.3, which Purlin does not know; it knows 25, 27"), "{error}");
        let found = Otp::at(&usual).unwrap();
        assert_eq!((found.release, found.warning()), (Release(25), None));
        assert!(Otp::at(&new).unwrap().warning().unwrap().starts_with("Purlin does not know Erlang/OTP 99.1"));
        assert!(matches!(Otp::known_at(&new), Err(InstallError::OtherOtp { .. })));
        for root in [old, usual, new] {
            std::fs::remove_dir_all(root).unwrap();
        }
    }

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
