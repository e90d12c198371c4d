//! Translated code and machine code as text: what runs for a module's functions.

use crate::install::{Elixir, Otp};
use purlin_vm::code::compiler::When;
use purlin_vm::code::{self, Module, listing};
use purlin_vm::{Config, Engine};
use std::path::{Path, PathBuf};

/// Which code to list: a module (by its name as Erlang or Elixir has it, or its file), and one function of it or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub module: String,
    pub function: Option<(String, u8)>,
}

impl Wanted {
    /// Reads `Module`, `Module:function/arity` or `Module.function/arity`.
    pub fn parse(text: &str) -> Wanted {
        let split = || {
            let (before, arity) = text.rsplit_once('/')?;
            let arity = arity.parse().ok()?;
            let (module, function) = before.split_once(':').or_else(|| before.rsplit_once('.'))?;
            Some(Wanted { module: module.to_owned(), function: Some((function.to_owned(), arity)) })
        };
        split().unwrap_or_else(|| Wanted { module: text.to_owned(), function: None })
    }
}

/// What is listed of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The instructions that it is translated to.
    Instructions,
    /// These, each with the machine code that it becomes when the function runs much.
    MachineCode,
}

/// The listing of what is wanted, as an engine over these installations translates and compiles it.
pub fn list(otp: &Otp, elixir: &Elixir, wanted: &Wanted, what: What, mut config: Config) -> Result<String, String> {
    let path = file(otp, elixir, &wanted.module).ok_or_else(|| format!("no module {} found", wanted.module))?;
    let bytes = std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    otp.configure(&mut config);
    if what == What::MachineCode {
        const NONE: &str = "no machine code can be made here: it takes Linux on x86-64, and a system that allows it";
        config.compiler = Some(purlin_native::compiler().ok_or(NONE)?);
        // No function is compiled that is not asked for.
        config.compiles = When::Hot;
    }
    let engine = Engine::new(&purlin_natives::tables(), config);
    let told = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let module = Module::prepare(&engine.code, &bytes).map_err(|e| told(&e))?;
    let always = engine.config.collect_always;
    let mut out = String::new();
    for entry in module.functions() {
        let mfa = entry.mfa;
        if wanted.function.as_ref().is_some_and(|(f, a)| (mfa.function.name(), mfa.arity) != (f, *a)) {
            continue;
        }
        code::translate(&engine.code, entry).map_err(|e| told(&e))?;
        let covers = |instrs: &[_], i| engine.config.tier.covers(instrs, i, always);
        let listed = match what {
            What::Instructions => listing::function(entry, covers).map(Ok),
            What::MachineCode => engine.code.listing(entry),
        };
        match listed {
            Some(Ok(text)) => out.push_str(&text),
            Some(Err(why)) if wanted.function.is_some() => return Err(format!("{mfa} gets no machine code: {why}")),
            Some(Err(why)) => out.push_str(&format!("{mfa} gets no machine code: {why}\n")),
            None => out.push_str(&format!("{mfa} is a native\n")),
        }
        out.push('\n');
    }
    match &wanted.function {
        Some((f, a)) if out.is_empty() => Err(format!("{} has no function {f}/{a}", wanted.module)),
        _ => Ok(out),
    }
}

/// The file of a module: the argument itself, or the one of that name in the libraries or the current directory.
fn file(otp: &Otp, elixir: &Elixir, module: &str) -> Option<PathBuf> {
    let itself = Path::new(module);
    if itself.is_file() {
        return Some(itself.to_path_buf());
    }
    let libraries = std::fs::read_dir(otp.root.join("lib")).ok()?.flatten().map(|e| e.path().join("ebin"));
    let dirs: Vec<PathBuf> = [PathBuf::from(".")]
        .into_iter()
        .chain(libraries)
        .chain(elixir.ebins().into_iter().map(PathBuf::from))
        .collect();
    [format!("{module}.beam"), format!("Elixir.{module}.beam")]
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_as_in_erlang_and_in_elixir() {
        let wanted = |module: &str, function: &str, arity| Wanted {
            module: module.into(),
            function: Some((function.into(), arity)),
        };
        assert_eq!(Wanted::parse("lists:map/2"), wanted("lists", "map", 2));
        assert_eq!(Wanted::parse("Enum.map/2"), wanted("Enum", "map", 2));
        assert_eq!(Wanted::parse("Elixir.Enum:-map/2-fun-0-/2"), wanted("Elixir.Enum", "-map/2-fun-0-", 2));
        assert_eq!(Wanted::parse("a/b.beam"), Wanted { module: "a/b.beam".into(), function: None });
    }

    /// What OTP's compiler has written to `Type` decides what is tested.
    #[test]
    fn what_the_compiler_knows_of_types_chooses_instructions() {
        let (otp, elixir) =
            (Otp::find(None).expect("OTP is installed"), Elixir::find(None).expect("Elixir is installed"));
        let listing = |function| {
            list(&otp, &elixir, &Wanted::parse(function), What::Instructions, Config::default()).expect("listed")
        };
        let expr = listing("erl_eval:expr/6");
        for chosen in ["is test=Boxed fail=", "is_tagged_tuple tuple=1", "is_ge small=1"] {
            assert!(expr.contains(chosen), "no {chosen} in {expr}");
        }
        assert!(listing("erl_eval:match_tuple/6").contains("arith op=Add plain=1 small=1"));
        // Compiled without types.
        let map = listing("Enum:map/2");
        assert!(map.contains("is test=") && !map.contains("Boxed"), "{map}");
    }

    /// Each instruction's line, the machine code of it below; or why there is none.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn machine_code_stands_below_the_instructions_that_it_was_made_of() {
        let (otp, elixir) =
            (Otp::find(None).expect("OTP is installed"), Elixir::find(None).expect("Elixir is installed"));
        let list = |function| {
            list(&otp, &elixir, &Wanted::parse(function), What::MachineCode, Config::default())
                .map_err(|e| e.to_string())
        };
        let member = list("ordsets:is_element/2").expect("listed");
        let machine =
            |line: &&str| line.split_whitespace().nth(1).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        for instruction in [" is_ge ", " get_list ", " return"] {
            let mut below = member.lines().skip_while(|l| !l.contains(instruction));
            assert!(below.nth(1).is_some_and(|l| machine(&l)), "no machine code of {instruction} in {member}");
        }
        for known in ["entry at instruction 1,", "jmp r", "; handler of ", "; helper Less", "; to "] {
            assert!(member.contains(known), "no {known} in {member}");
        }
        // Addresses and bytes follow each other without holes.
        let code: Vec<(usize, usize)> = member
            .lines()
            .filter(machine)
            .filter_map(|l| {
                let mut words = l.split_whitespace();
                Some((usize::from_str_radix(words.next()?, 16).ok()?, words.next()?.len() / 2))
            })
            .collect();
        let ends: std::collections::HashSet<usize> = code.iter().map(|&(at, len)| at + len).collect();
        assert!(code.iter().all(|&(at, _)| at % 16 == 0 || ends.contains(&at)), "{member}");

        // In debug builds the back end checks what it is given. A key that is looked up here is no constant.
        let module = list("erl_compile_server").expect("listed");
        assert!(module.contains("native=erlang:map_get/2") && module.contains(" gets no machine code: "), "{module}");

        let refused = |function| list(function).expect_err("refused");
        assert_eq!(refused("no_such_module:f/1"), "no module no_such_module found");
        assert_eq!(refused("lists:no_such/9"), "lists has no function no_such/9");
        assert_eq!(
            refused("lists:module_info/0"),
            "lists:module_info/0 gets no machine code: handlers do nearly all of it"
        );
    }
}
