//! The `+M` flags. They tune the BEAM's allocators, which Purlin does not have, so they are checked and then left.

use super::emulator::{Cursor, Refused, bad};
use super::scan::long;

/// What the settings of one allocator may be.
struct Kind {
    /// `false` for the allocators that cannot be switched off, or be without one instance per scheduler.
    disable: bool,
    threads: bool,
    migration: bool,
    /// The setting is for all allocators: what some lack is ignored.
    all: bool,
    test: bool,
}

const USUAL: Kind = Kind { disable: true, threads: true, migration: true, all: false, test: false };

/// The strategies of `as`.
const STRATEGIES: &[&str] =
    &["bf", "aobf", "gf", "af", "aoff", "aoffcbf", "aoffcaobf", "ageffcaoff", "ageffcbf", "ageffcaobf"];

/// What kind of value a setting takes.
#[derive(Clone, Copy)]
enum Value {
    Amount,
    Kilobytes,
    Megabytes,
    Bool,
    Percent,
}

/// A flag that begins with `-M`.
pub fn flag(c: &mut Cursor<'_>) -> Result<(), Refused> {
    let flag = c.flag();
    let rest = &flag[2..];
    let first = rest.chars().next().unwrap_or(' ');
    let settings = rest.get(1..).unwrap_or("");
    let parameter = |from_start: usize| Err(bad(format!("bad \"{}\" parameter", cut(&flag, from_start))));
    match first {
        'B' | 'D' | 'E' | 'F' | 'H' | 'L' | 'R' | 'S' => setting(c, settings, &USUAL),
        'Z' => setting(c, settings, &Kind { test: true, ..USUAL }),
        'T' => setting(c, settings, &Kind { disable: false, migration: false, ..USUAL }),
        'I' if settings.starts_with("scs") => value(c, 6, Value::Megabytes),
        'I' => setting(c, settings, &Kind { disable: false, threads: false, migration: false, ..USUAL }),
        'M' => {
            const MSEG: &[(&str, Value)] = &[
                ("amcbf", Value::Kilobytes),
                ("rmcbf", Value::Amount),
                ("mcs", Value::Amount),
                ("scs", Value::Megabytes),
                ("sco", Value::Bool),
                ("scrpm", Value::Bool),
                ("scrfsd", Value::Amount),
            ];
            match MSEG.iter().find(|(name, _)| settings.starts_with(name)) {
                Some((name, kind)) => value(c, 3 + name.len(), *kind),
                None => parameter(2),
            }
        }
        'Y' if settings.starts_with("tt") || settings.starts_with("tp") => {
            let text = c.own(5)?;
            let (n, rest, over) = long(&text);
            if over || rest.len() == text.len() || !(0..=i64::from(i32::MAX / 1024)).contains(&(n as i32).into()) {
                return Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, 4))));
            }
            Ok(())
        }
        'Y' if settings.starts_with('m') => c.own(4).map(drop),
        'Y' if settings.starts_with('e') => one_of(c, 4, 3, &["true"]),
        'Y' => parameter(2),
        'e' if settings.starts_with('a') => {
            let text = c.own(4)?;
            let known = ["min", "max", "config", "r9c", "r10b", "r11b"].contains(&text.as_str());
            if known { Ok(()) } else { parameter(3) }
        }
        'l' if settings.starts_with("pm") => one_of(c, 5, 4, &["all", "no"]),
        'l' | 'd' if !settings.starts_with("ai") || first == 'l' => parameter(2),
        'd' => {
            let text = c.own(5)?;
            let (n, rest, over) = long(&text);
            if text != "max" && (over || rest.len() == text.len() || n < 0) {
                return Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, 4))));
            }
            Ok(())
        }
        'u' if settings.starts_with("ycs") => value(c, 6, Value::Kilobytes),
        'u' if settings.starts_with("mmc") => value(c, 6, Value::Amount),
        'u' if settings.starts_with("sac") => value(c, 6, Value::Bool),
        'u' => setting(c, settings, &Kind { all: true, ..USUAL }),
        _ => parameter(1),
    }
}

/// A setting of an allocator of the kind; it stands behind the flag's third character.
fn setting(c: &mut Cursor<'_>, name: &str, kind: &Kind) -> Result<(), Refused> {
    const SETTINGS: &[(&str, Value)] = &[
        ("acul", Value::Percent),
        ("acnl", Value::Amount),
        ("acfml", Value::Amount),
        ("acful", Value::Percent),
        ("asbcst", Value::Kilobytes),
        ("atags", Value::Bool),
        ("lmbcs", Value::Kilobytes),
        ("mbcgs", Value::Amount),
        ("mbsd", Value::Amount),
        ("mmbcs", Value::Kilobytes),
        ("mmmbc", Value::Amount),
        ("mmsbc", Value::Amount),
        ("rsbcmt", Value::Amount),
        ("rsbcst", Value::Amount),
        ("rmbcmt", Value::Amount),
        ("ramv", Value::Bool),
        ("sbct", Value::Kilobytes),
        ("smbcs", Value::Kilobytes),
    ];
    let flag = c.flag();
    let refused = || Err(bad(format!("bad \"{}\" parameter", cut(&flag, 2))));
    let migrates = kind.migration || kind.all;
    if name.starts_with("ac") && !migrates {
        return refused();
    }
    if let Some((known, value_kind)) = SETTINGS.iter().find(|(n, _)| name.starts_with(n)) {
        return value(c, 3 + known.len(), *value_kind);
    }
    if name.starts_with("as") {
        let text = c.own(5)?;
        let known = STRATEGIES.contains(&text.as_str()) || kind.test && text == "chaosff";
        return if known { Ok(()) } else { Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, 3)))) };
    }
    if name.starts_with("cp") && migrates {
        let text = c.own(5)?;
        let known = text.len() == 1 && "BDEFHLRS@:".contains(&text);
        return if known { Ok(()) } else { Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, 4)))) };
    }
    if name.starts_with('e') || name.starts_with('t') {
        let text = c.own(4)?;
        let denied =
            if name.starts_with('e') { text == "false" && !kind.disable } else { text == "true" && !kind.threads };
        if (text != "true" && text != "false") || denied && !kind.all {
            return Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, 3))));
        }
        return Ok(());
    }
    refused()
}

/// The value of a setting whose name is `name` characters long, the flag's dash included.
fn value(c: &mut Cursor<'_>, name: usize, kind: Value) -> Result<(), Refused> {
    let flag = c.flag();
    let text = c.own(name)?;
    let (n, rest, over) = long(&text);
    let number = !over && rest.len() < text.len() && n >= 0;
    let good = match kind {
        Value::Amount => number,
        Value::Kilobytes => number && n <= 1 << 54,
        Value::Megabytes => number && n <= 1 << 44,
        Value::Bool => text == "true" || text == "false",
        Value::Percent => text == "de" || number && n <= 100,
    };
    if good { Ok(()) } else { Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, name - 1)))) }
}

fn one_of(c: &mut Cursor<'_>, name: usize, shown: usize, values: &[&str]) -> Result<(), Refused> {
    let flag = c.flag();
    let text = c.own(name)?;
    if values.contains(&text.as_str()) {
        return Ok(());
    }
    Err(bad(format!("bad \"{}\" value: {text}", cut(&flag, shown))))
}

/// The first characters of the flag behind its dash.
fn cut(flag: &str, n: usize) -> &str {
    let end = (1 + n).min(flag.len());
    flag.get(1..end).unwrap_or(&flag[1..])
}
