//! What runs translated code. Each tier gives the same results; `code::op` has the seam.
//!
//! | tier | what |
//! |---|---|
//! | `reference` | one loop that says what each instruction means |
//! | `handlers` | a function for each common instruction and kind of operands; what is rare they leave to that loop |

pub mod handlers;
pub mod reference;

use crate::engine::Config;
use crate::process::table::DEFAULT_LIMIT;
use crate::settings::Settings;
use handlers::Handlers;
use reference::Reference;

impl Default for Config {
    /// The usual settings. For tests, `PURLIN_SCHEDULERS=N` changes the number of schedulers, `PURLIN_COLLECT=always`
    /// sets `collect_always`, and `PURLIN_TIER=reference` the tier.
    fn default() -> Config {
        let set = |name| std::env::var(name).ok();
        let schedulers = set("PURLIN_SCHEDULERS").and_then(|n| n.parse().ok()).filter(|&n| n > 0);
        Config {
            schedulers: schedulers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            process_limit: DEFAULT_LIMIT,
            off_heap_messages: false,
            printable_unicode: false,
            warnings: 'w',
            collect_always: set("PURLIN_COLLECT").is_some_and(|v| v == "always"),
            settings: Settings::default(),
            tier: match set("PURLIN_TIER").as_deref() {
                Some("reference") => &Reference,
                _ => &Handlers,
            },
            virtual_clock: None,
        }
    }
}
