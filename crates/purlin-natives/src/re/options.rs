//! The option list of `re:compile/2` and `re:run/3`: one list for both, with options that only one of them allows.

use purlin_regex::{Flags, LineEnds, MatchOptions, Newline, Options, has_newer_patterns};
use purlin_term::{Term, am};

/// A read option list.
#[derive(Default)]
pub struct Parsed {
    pub flags: Flags,
    pub run: MatchOptions,
    /// Line ends, where the list names them.
    pub lines: LineEnds,
    pub offset: usize,
    /// What to return and in which form.
    pub capture: Option<(Term, Term)>,
    pub unicode: bool,
    pub global: bool,
    pub report_errors: bool,
    /// Whether the pattern is to be one that a module can hold (OTP 28).
    pub export: bool,
    /// Whether an option occurs that only compiling allows.
    pub compile_only: bool,
    /// Whether an option occurs that only matching allows.
    pub run_only: bool,
}

/// An integer from 0 to 2^31 - 1.
fn int(t: Term) -> Option<u32> {
    t.as_small().and_then(|i| i32::try_from(i).ok()).and_then(|i| u32::try_from(i).ok())
}

impl Parsed {
    /// Reads a list; nothing when it is not a proper list of known options.
    pub fn of(list: Term) -> Option<Parsed> {
        let mut p = Parsed::default();
        let mut items = list.iter();
        for item in items.by_ref() {
            match item.as_tuple() {
                Some(&[name, values, kind]) if name == am!("capture") => p.capture(values, kind),
                Some(&[name, value]) => p.pair(name, value)?,
                Some(_) => return None,
                None => p.name(item)?,
            }
        }
        items.tail().is_nil().then_some(p)
    }

    /// How a pattern given as text is compiled.
    pub fn compile(&self) -> Options {
        Options { flags: self.flags, lines: self.lines, match_lines: LineEnds::default() }
    }

    /// How a pattern that was compiled with these options is made ready for this match.
    pub fn for_match(&self, compiled: Options) -> Options {
        // PCRE2 knows no line ends for the match alone.
        let match_lines = if has_newer_patterns() { LineEnds::default() } else { self.lines };
        let mut options = Options { match_lines, ..compiled };
        if self.run.anchored {
            // An anchored match starts in the first line anyway; asked for both, the library looks elsewhere, too.
            options.flags = options.flags.without(Flags::FIRSTLINE);
        }
        options
    }

    fn capture(&mut self, values: Term, kind: Term) {
        self.capture = Some((values, kind));
        self.run_only = true;
    }

    fn pair(&mut self, name: Term, value: Term) -> Option<()> {
        if name == am!("newline") {
            return self.set_newline(value);
        }
        if name == am!("capture") {
            self.capture(value, am!("index"));
        } else if name == am!("offset") {
            self.offset = int(value)? as usize;
        } else if name == am!("match_limit") {
            self.run.match_limit = Some(int(value)?);
        } else if name == am!("match_limit_recursion") {
            self.run.depth_limit = Some(int(value)?);
        } else {
            return None;
        }
        self.run_only = true;
        Some(())
    }

    fn set_newline(&mut self, value: Term) -> Option<()> {
        let names = [
            (am!("cr"), Newline::Cr),
            (am!("lf"), Newline::Lf),
            (am!("crlf"), Newline::CrLf),
            (am!("anycrlf"), Newline::AnyCrLf),
            (am!("any"), Newline::Any),
            (am!("nul"), Newline::Nul),
        ];
        let newline = names.iter().find(|n| n.0 == value)?.1;
        if newline == Newline::Nul && !has_newer_patterns() {
            return None;
        }
        self.lines.add_newline(newline);
        Some(())
    }

    fn name(&mut self, name: Term) -> Option<()> {
        let flags = [
            (am!("unicode"), Flags::UTF),
            (am!("caseless"), Flags::CASELESS),
            (am!("dollar_endonly"), Flags::DOLLAR_ENDONLY),
            (am!("dotall"), Flags::DOTALL),
            (am!("extended"), Flags::EXTENDED),
            (am!("firstline"), Flags::FIRSTLINE),
            (am!("multiline"), Flags::MULTILINE),
            (am!("no_auto_capture"), Flags::NO_AUTO_CAPTURE),
            (am!("dupnames"), Flags::DUPNAMES),
            (am!("ungreedy"), Flags::UNGREEDY),
            (am!("ucp"), Flags::UCP),
            (am!("never_utf"), Flags::NEVER_UTF),
            (am!("no_start_optimize"), Flags::NO_START_OPTIMIZE),
        ];
        if let Some((_, flag)) = flags.iter().find(|f| f.0 == name) {
            self.flags = self.flags.with(*flag);
            self.unicode |= *flag == Flags::UTF;
            self.compile_only = true;
            return Some(());
        }
        if name == am!("export") {
            (self.export, self.compile_only) = (true, true);
            return Some(());
        }
        if name == am!("anchored") {
            self.flags = self.flags.with(Flags::ANCHORED);
            self.run.anchored = true;
            return Some(());
        }
        if name == am!("bsr_anycrlf") || name == am!("bsr_unicode") {
            self.lines.add_bsr(name == am!("bsr_anycrlf"));
            return Some(());
        }
        let switches = [
            (am!("notempty"), &mut self.run.notempty),
            (am!("notempty_atstart"), &mut self.run.notempty_atstart),
            (am!("notbol"), &mut self.run.notbol),
            (am!("noteol"), &mut self.run.noteol),
            (am!("report_errors"), &mut self.report_errors),
            (am!("global"), &mut self.global),
        ];
        for (n, switch) in switches {
            if n == name {
                *switch = true;
                self.run_only = true;
                return Some(());
            }
        }
        None
    }
}
