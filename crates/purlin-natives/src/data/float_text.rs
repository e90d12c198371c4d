//! Floats to text and back.

use purlin_term::float_text::{Layout, format, parse, prefix};
use purlin_term::{Heap, Term, am};
use purlin_vm::native::OrBadarg;
use purlin_vm::{Ctx, Escape, Native, NativeResult};

pub const NATIVES: &[Native] = &[
    Native::plain("erlang", "float_to_list", 1, |ctx, args| to_list(ctx.heap(), args[0], Term::NIL)),
    Native::plain("erlang", "float_to_list", 2, |ctx, args| to_list(ctx.heap(), args[0], args[1])),
    Native::plain("erlang", "float_to_binary", 1, |ctx, args| to_binary(ctx.heap(), args[0], Term::NIL)),
    Native::plain("erlang", "float_to_binary", 2, |ctx, args| to_binary(ctx.heap(), args[0], args[1])),
    Native::plain("erlang", "list_to_float", 1, list_to_float),
    Native::plain("erlang", "binary_to_float", 1, binary_to_float),
    Native::plain("string", "list_to_float", 1, string_list_to_float),
];

/// Digits behind the point of `float_to_list/1`.
const DEFAULT_DECIMALS: i32 = 20;

/// The layout that an option list asks for: the last one of those it names.
fn layout(options: Term) -> Option<Layout> {
    let (mut layout, mut compact) = (Layout::Scientific(DEFAULT_DECIMALS), false);
    let mut list = options.iter();
    for option in list.by_ref() {
        if option == am!("compact") {
            compact = true;
        } else if option == am!("short") {
            layout = Layout::Short;
        } else {
            let &[kind, digits] = option.as_tuple()? else { return None };
            // As in C, a number of digits counts modulo 2^32.
            let digits = digits.as_small()? as i32;
            layout = if kind == am!("decimals") {
                Layout::Decimals { digits, compact }
            } else if kind == am!("scientific") {
                Layout::Scientific(digits)
            } else {
                return None;
            };
        }
    }
    if let Layout::Decimals { compact: c, .. } = &mut layout {
        *c = compact;
    }
    list.tail().is_nil().then_some(layout)
}

fn to_text(t: Term, options: Term) -> Result<String, Escape> {
    let f = t.as_float().or_badarg()?;
    layout(options).and_then(|layout| format(f, layout)).or_badarg()
}

fn to_list(h: &mut Heap, t: Term, options: Term) -> NativeResult {
    let text = to_text(t, options)?;
    Ok(h.string(&text))
}

fn to_binary(h: &mut Heap, t: Term, options: Term) -> NativeResult {
    let text = to_text(t, options)?;
    Ok(h.binary(text.as_bytes()))
}

fn list_to_float(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let f = super::text::list_bytes(args[0]).and_then(|text| parse(&text)).or_badarg()?;
    Ok(ctx.heap().float(f))
}

fn binary_to_float(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    let f = parse(&args[0].as_bytes().or_badarg()?).or_badarg()?;
    Ok(ctx.heap().float(f))
}

fn string_list_to_float(ctx: &mut Ctx<'_>, args: &[Term]) -> NativeResult {
    if !args[0].is_list() {
        return ctx.error(am!("not_a_list"));
    }
    let text: Vec<u8> = args[0].iter().map_while(|c| c.as_small().and_then(|c| u8::try_from(c).ok())).collect();
    let Some((f, used)) = prefix(&text) else { return ctx.error(am!("no_float")) };
    let mut rest = args[0].iter();
    for _ in 0..used {
        rest.next();
    }
    let h = ctx.heap();
    let f = h.float(f);
    Ok(h.tuple(&[f, rest.tail()]))
}
