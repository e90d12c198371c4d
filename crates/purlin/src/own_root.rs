//! A root directory of OTP with Purlin in the emulator's place.
//!
//! `mix release` and `rebar3 release` copy the emulator from `erts-VERSION/bin` below `code:root_dir()`, and what they
//! make starts `erlexec` there. So these tools get a root whose `erlexec` is this program: all else in it are links to
//! the installation, but the helper programs and the preloaded modules' files, which a release needs as copies.

use crate::install::Otp;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The tools that make releases, by the file that they are started from.
const TOOLS: &[&str] = &["mix", "rebar3"];

/// Whether the arguments of `erl` start a tool that makes releases: `-extra .../mix`, or `-extra -S mix`.
pub fn is_wanted(args: &[String]) -> bool {
    let extra = args.iter().skip_while(|a| *a != "-extra").skip(1);
    let mut words = extra.skip_while(|a| a.starts_with('-'));
    words.next().and_then(|word| Path::new(word).file_name()).is_some_and(|name| TOOLS.iter().any(|t| *t == name))
}

/// The installation `otp` with `program` in the emulator's place, below the directory `cache`.
pub fn make(otp: &Otp, program: &Path, cache: &Path) -> io::Result<Otp> {
    let mut hash = DefaultHasher::new();
    (&otp.root, &otp.bindir, program).hash(&mut hash);
    let root = cache.join(format!("otp-{}-{:016x}", otp.version, hash.finish()));
    let bin = root.join(&otp.erts).join("bin");
    let own = Otp { root, bindir: bin.clone(), preloaded: bin.join(Otp::PRELOADED), ..otp.clone() };
    let about = fs::metadata(program)?;
    let stamp = format!("{} {:?}\n", about.len(), about.modified()?);
    let stamped = own.root.join("stamp");
    if fs::read_to_string(&stamped).is_ok_and(|s| s == stamp) {
        return Ok(own);
    }
    fs::create_dir_all(&own.preloaded)?;
    link_all(&otp.root, &own.root, |name| name.starts_with("erts-"))?;
    link_all(&otp.root.join(&otp.erts), &own.root.join(&otp.erts), |name| name == "bin")?;
    copy_all(&otp.bindir, &bin, |name| name.starts_with("beam") || PROGRAMS.contains(&name))?;
    copy_all(&otp.preloaded, &own.preloaded, |name| !name.ends_with(".beam"))?;
    fs::write(own.preloaded.join(Otp::VERSION), &otp.version)?;
    // The same file where that is possible; a release gets its copy of it.
    place(&bin.join(PROGRAMS[0]), |new| fs::hard_link(program, new).or_else(|_| fs::copy(program, new).map(drop)))?;
    for name in &PROGRAMS[1..] {
        place(&bin.join(name), |new| symlink(PROGRAMS[0], new))?;
    }
    fs::write(stamped, stamp)?;
    Ok(own)
}

/// What this program is called by in the emulator's directory; the first name is the file, the others are links to it.
const PROGRAMS: &[&str] = &["erlexec", "beam.smp", "erl", "erlc", "escript"];

/// Where the roots are kept.
pub fn cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("purlin")
}

/// Puts a file where it may be there already; whoever reads it finds the old one or the new one.
fn place(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    make(&new)?;
    fs::rename(new, path)
}

fn link_all(from: &Path, to: &Path, but: impl Fn(&str) -> bool) -> io::Result<()> {
    each(from, but, |name, path| place(&to.join(name), |new| symlink(path, new)))
}

fn copy_all(from: &Path, to: &Path, but: impl Fn(&str) -> bool) -> io::Result<()> {
    each(
        from,
        but,
        |name, path| {
            if path.is_file() { place(&to.join(name), |new| fs::copy(path, new).map(drop)) } else { Ok(()) }
        },
    )
}

fn each(dir: &Path, but: impl Fn(&str) -> bool, mut with: impl FnMut(&str, &Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Some(name) if !but(name) => with(name, &entry.path())?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::Release;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn tools_that_make_releases_are_told_by_their_file() {
        assert!(is_wanted(&words("-noshell -s elixir start_cli -extra /usr/bin/mix release")));
        assert!(is_wanted(&words("-noshell -extra -S mix release")));
        assert!(is_wanted(&words("-run escript start -extra ./rebar3 as prod release")));
        assert!(!is_wanted(&words("-extra script.exs mix")));
        assert!(!is_wanted(&words("-pa mix -extra")));
        assert!(!is_wanted(&words("mix release")));
    }

    #[test]
    fn a_root_has_this_program_for_its_emulator() {
        let base = std::env::temp_dir().join(format!("purlin-root-{}", std::process::id()));
        let at = |name: &str| base.join(name);
        for dir in ["otp/lib", "otp/erts-1.0/bin", "otp/erts-1.0/include", "ebin"] {
            fs::create_dir_all(at(dir)).unwrap();
        }
        for (file, text) in [("otp/erts-1.0/bin/beam.smp", "theirs"), ("otp/erts-1.0/bin/epmd", "epmd")] {
            fs::write(at(file), text).unwrap();
        }
        fs::write(at("ebin/init.beam"), "code").unwrap();
        fs::write(at("purlin"), "first").unwrap();
        let otp = Otp {
            root: at("otp"),
            erts: "erts-1.0".into(),
            release: Release(25),
            version: "25.0".into(),
            bindir: at("otp/erts-1.0/bin"),
            preloaded: at("ebin"),
        };
        let own = make(&otp, &at("purlin"), &at("cache")).unwrap();
        let text = |name: &str| fs::read_to_string(own.bindir.join(name)).unwrap();
        assert_eq!((text("erlexec"), text("beam.smp"), text("epmd")), ("first".into(), "first".into(), "epmd".into()));
        assert_eq!(text("preloaded/init.beam"), "code");
        assert_eq!(fs::read_link(own.root.join("lib")).unwrap(), at("otp/lib"));
        assert!(own.root.join("erts-1.0/include").is_dir());
        let found = Otp::around(&own.bindir.join("erlexec")).unwrap();
        assert_eq!((found.root, found.release, found.version), (own.root.clone(), Release(25), "25.0".into()));
        // Another build of the program takes the place of the former.
        fs::remove_file(at("purlin")).unwrap();
        fs::write(at("purlin"), "a second").unwrap();
        make(&otp, &at("purlin"), &at("cache")).unwrap();
        assert_eq!(text("erl"), "a second");
        fs::remove_dir_all(base).unwrap();
    }
}
