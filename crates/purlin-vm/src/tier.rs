//! What runs translated code. Each tier gives the same results; `code::op` has the seam.
//!
//! | tier | what |
//! |---|---|
//! | `reference` | one loop that says what each instruction means |
//! | `handlers` | a function for each common instruction and kind of operands; what is rare they leave to that loop |

pub mod context;
pub mod handlers;
pub mod reference;

use crate::code::compiler::{Leaving, When};
use crate::engine::Config;
use crate::process::table::DEFAULT_LIMIT;
use crate::settings::Settings;
use handlers::Handlers;
use purlin_term::Release;
use reference::Reference;
use std::path::{Path, PathBuf};

impl Default for Config {
    fn default() -> Config {
        Config {
            release: Release::default(),
            schedulers: std::thread::available_parallelism().map_or(1, usize::from),
            process_limit: DEFAULT_LIMIT,
            off_heap_messages: false,
            printable_unicode: false,
            warnings: 'w',
            collect_always: false,
            settings: Settings::default(),
            native_libraries: true,
            own_crypto: None,
            tier: &Handlers,
            compiler: None,
            compiles: When::default(),
            leaving: None,
            native_cache: None,
            virtual_clock: None,
            explores: false,
        }
    }
}

impl Config {
    /// The usual settings, changed by the variables that tests set: `PURLIN_SCHEDULERS` (a number), `PURLIN_COLLECT`
    /// (`always`: at every point where collection is possible), `PURLIN_TIER` (`reference` or `handlers`), `PURLIN_NATIVE` (machine
    /// code: `off`, `on` for what runs much, or `always`), `PURLIN_NATIVE_LEAVE` (`N` or `N:FIRST`:
    /// each Nth guard of machine code leaves), `PURLIN_NATIVE_CACHE` (`off` or a directory for machine code), and by
    /// `PURLIN_CRYPTO` (`rust` or `openssl`).
    pub fn from_env() -> Result<Config, String> {
        Config::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Config, String> {
        let mut config = Config::default();
        if let Some(text) = variable("PURLIN_SCHEDULERS") {
            let number = text.parse().ok().filter(|&n| n > 0);
            config.schedulers = number.ok_or_else(|| refused("PURLIN_SCHEDULERS", &text, "a positive number"))?;
        }
        match variable("PURLIN_COLLECT").as_deref() {
            None => {}
            Some("always") => config.collect_always = true,
            Some(text) => return Err(refused("PURLIN_COLLECT", text, "always")),
        }
        match variable("PURLIN_TIER").as_deref() {
            None | Some("handlers") => {}
            Some("reference") => (config.tier, config.compiles) = (&Reference, When::Never),
            Some(text) => return Err(refused("PURLIN_TIER", text, "reference or handlers")),
        }
        match variable("PURLIN_NATIVE").as_deref() {
            None | Some("on") => {}
            Some("off") => config.compiles = When::Never,
            Some("always") => config.compiles = When::Always,
            Some(text) => return Err(refused("PURLIN_NATIVE", text, "off, on or always")),
        }
        if let Some(text) = variable("PURLIN_NATIVE_LEAVE") {
            config.leaving = Some(leaving(&text).ok_or_else(|| refused("PURLIN_NATIVE_LEAVE", &text, "N or N:FIRST"))?);
        }
        config.native_cache = native_cache(&variable)?;
        config.own_crypto = match variable("PURLIN_CRYPTO").as_deref() {
            None => None,
            Some("rust") => Some(true),
            Some("openssl") => Some(false),
            Some(text) => return Err(refused("PURLIN_CRYPTO", text, "rust or openssl")),
        };
        Ok(config)
    }
}

fn leaving(text: &str) -> Option<Leaving> {
    let (every, first) = text.split_once(':').unwrap_or((text, "0"));
    let leaving = Leaving { every: every.parse().ok()?, first: first.parse().ok()? };
    (leaving.first < leaving.every).then_some(leaving)
}

/// Where machine code is kept from run to run: the user's directory for such things, if there is one, but for what
/// `PURLIN_NATIVE_CACHE` says.
fn native_cache(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<PathBuf>, String> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|p| p.is_absolute());
    match variable("PURLIN_NATIVE_CACHE").as_deref() {
        Some("off") => Ok(None),
        Some(text) if Path::new(text).is_absolute() => Ok(Some(text.into())),
        Some(text) => Err(refused("PURLIN_NATIVE_CACHE", text, "off or an absolute path")),
        None => {
            let home = || absolute("HOME").map(|home| home.join(".cache"));
            Ok(absolute("XDG_CACHE_HOME").or_else(home).map(|all| all.join("purlin/native")))
        }
    }
}

fn refused(name: &str, text: &str, expected: &str) -> String {
    format!("{name} is {text:?}, not {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_change_the_usual_settings_and_bad_ones_are_refused() {
        let with = |name: &'static str, text: &'static str| {
            Config::from_variables(move |n| (n == name).then(|| text.to_owned()))
        };
        assert_eq!(with("PURLIN_SCHEDULERS", "3").unwrap().schedulers, 3);
        assert!(with("PURLIN_COLLECT", "always").unwrap().collect_always);
        assert_eq!(with("PURLIN_NATIVE_LEAVE", "3").unwrap().leaving, Some(Leaving { every: 3, first: 0 }));
        assert_eq!(with("PURLIN_NATIVE_LEAVE", "3:2").unwrap().leaving, Some(Leaving { every: 3, first: 2 }));
        assert_eq!(with("PURLIN_NATIVE_CACHE", "off").unwrap().native_cache, None);
        assert_eq!(with("PURLIN_NATIVE_CACHE", "/c").unwrap().native_cache, Some("/c".into()));
        assert_eq!(with("HOME", "/h").unwrap().native_cache, Some("/h/.cache/purlin/native".into()));
        for (name, text) in [
            ("PURLIN_SCHEDULERS", "0"),
            ("PURLIN_COLLECT", "never"),
            ("PURLIN_TIER", "jit"),
            ("PURLIN_NATIVE", "yes"),
            ("PURLIN_NATIVE_LEAVE", "0"),
            ("PURLIN_NATIVE_LEAVE", "3:3"),
            ("PURLIN_NATIVE_CACHE", "here"),
            ("PURLIN_CRYPTO", "nss"),
        ] {
            assert!(with(name, text).err().unwrap().contains(text), "{name}");
        }
    }
}
