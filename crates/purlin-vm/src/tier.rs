//! What runs translated code. Each tier gives the same results; `code::op` has the seam.
//!
//! | tier | what |
//! |---|---|
//! | `reference` | one loop that says what each instruction means |
//! | `handlers` | a function for each common instruction and kind of operands; what is rare they leave to that loop |

pub mod handlers;
pub mod reference;

use crate::code::compiler::When;
use crate::engine::Config;
use crate::process::table::DEFAULT_LIMIT;
use crate::settings::Settings;
use handlers::Handlers;
use purlin_term::Release;
use reference::Reference;

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
            virtual_clock: None,
        }
    }
}

impl Config {
    /// The usual settings, changed by the variables that tests set: `PURLIN_SCHEDULERS` (a number), `PURLIN_COLLECT`
    /// (`always`: at every point where collection is possible), `PURLIN_TIER` (`reference` or `handlers`), `PURLIN_NATIVE` (machine
    /// code: `off`, `on` for what runs much, or `always`), and by `PURLIN_CRYPTO` (`rust` or `openssl`).
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
        config.own_crypto = match variable("PURLIN_CRYPTO").as_deref() {
            None => None,
            Some("rust") => Some(true),
            Some("openssl") => Some(false),
            Some(text) => return Err(refused("PURLIN_CRYPTO", text, "rust or openssl")),
        };
        Ok(config)
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
        for (name, text) in [
            ("PURLIN_SCHEDULERS", "0"),
            ("PURLIN_COLLECT", "never"),
            ("PURLIN_TIER", "jit"),
            ("PURLIN_NATIVE", "yes"),
            ("PURLIN_CRYPTO", "nss"),
        ] {
            assert!(with(name, text).err().unwrap().contains(text), "{name}");
        }
    }
}
