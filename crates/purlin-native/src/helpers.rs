//! What machine code calls: functions that neither collect nor unwind.
//!
//! They keep all registers, so that machine code that calls one in a rare case keeps its values where they are in all
//! others; what they give stands in the machine.

use purlin_term::bits::append_word;
use purlin_term::{Term, compare, map};
use purlin_vm::code::instr::{MakeFun, Test};
use purlin_vm::code::op::Running;
use purlin_vm::tier::context;
use purlin_vm::tier::reference::{is_type, new_fun};

/// A function that machine code calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Helper {
    /// Whether a is less than b.
    Less,
    /// `==`
    Equal,
    /// `=:=`
    Same,
    /// Whether a value is of a type.
    IsType,
    /// The value of a key, or [`Term::NONE`].
    MapGet,
    /// Makes a fun but for its environment; 0 where there is no room for it among those that count references.
    NewFun,
    /// The character that a match context is at, which it steps over, or [`Term::NONE`].
    Utf8,
    /// Of what a match context reads a part, made at b, where it is told from which bit on, and how many.
    Part,
    /// Puts integers behind a binary in place and makes the result at b, where both are told; a: the unit of its size, and
    /// behind that the bits in eight bits. [`Term::NONE`] where there is no room behind it.
    Append,
    /// A match context of a bit string, made at b, or [`Term::NONE`] for anything else.
    Begin,
}

impl Helper {
    pub const ALL: [Helper; 10] = [
        Helper::Less,
        Helper::Equal,
        Helper::Same,
        Helper::IsType,
        Helper::MapGet,
        Helper::NewFun,
        Helper::Utf8,
        Helper::Part,
        Helper::Append,
        Helper::Begin,
    ];

    /// The function's address; `floats`: it has to keep the registers for floats, too.
    pub fn address(self, floats: bool) -> usize {
        let (plain, whole): (Function, Function) = match self {
            Helper::Less => (less::plain, less::whole),
            Helper::Equal => (equal::plain, equal::whole),
            Helper::Same => (same::plain, same::whole),
            Helper::IsType => (has_type::plain, has_type::whole),
            Helper::MapGet => (map_get::plain, map_get::whole),
            Helper::NewFun => (make_fun::plain, make_fun::whole),
            Helper::Utf8 => (utf8::plain, utf8::whole),
            Helper::Part => (part::plain, part::whole),
            Helper::Append => (append::plain, append::whole),
            Helper::Begin => (begin::plain, begin::whole),
        };
        (if floats { whole } else { plain }) as *const () as usize
    }
}

type Function = unsafe extern "C" fn(*mut Running, u64, u64);

/// A term that machine code has.
fn term(word: u64) -> Term {
    // SAFETY: LIVE: machine code has terms of the process that runs, and nothing collects while it calls.
    unsafe { Term::from_raw(word) }
}

/// Makes functions of the machine and two words that keep all registers.
macro_rules! helpers {
    ($($name:ident($m:ident, $a:ident, $b:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            extern "C" fn inner($m: *mut Running, $a: u64, $b: u64) {
                let result: u64 = $body;
                // SAFETY: OWNER: machine code passes on the machine that runs it.
                unsafe { (*$m).result = result };
            }

            /// Keeps all but the registers for floats.
            #[cfg(target_arch = "x86_64")]
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn plain(m: *mut Running, a: u64, b: u64) {
                std::arch::naked_asm!(
                    "push rax", "push rcx", "push rdx", "push rsi", "push rdi", "push r8", "push r9", "push r10", "push r11",
                    "call {inner}",
                    "pop r11", "pop r10", "pop r9", "pop r8", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rax",
                    "ret",
                    inner = sym inner,
                )
            }

            /// Keeps all registers.
            #[cfg(target_arch = "x86_64")]
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn whole(m: *mut Running, a: u64, b: u64) {
                std::arch::naked_asm!(
                    "sub rsp, 264",
                    "movups [rsp], xmm0", "movups [rsp+16], xmm1", "movups [rsp+32], xmm2", "movups [rsp+48], xmm3",
                    "movups [rsp+64], xmm4", "movups [rsp+80], xmm5", "movups [rsp+96], xmm6", "movups [rsp+112], xmm7",
                    "movups [rsp+128], xmm8", "movups [rsp+144], xmm9", "movups [rsp+160], xmm10",
                    "movups [rsp+176], xmm11", "movups [rsp+192], xmm12", "movups [rsp+208], xmm13",
                    "movups [rsp+224], xmm14", "movups [rsp+240], xmm15",
                    "call {plain}",
                    "movups xmm0, [rsp]", "movups xmm1, [rsp+16]", "movups xmm2, [rsp+32]", "movups xmm3, [rsp+48]",
                    "movups xmm4, [rsp+64]", "movups xmm5, [rsp+80]", "movups xmm6, [rsp+96]", "movups xmm7, [rsp+112]",
                    "movups xmm8, [rsp+128]", "movups xmm9, [rsp+144]", "movups xmm10, [rsp+160]",
                    "movups xmm11, [rsp+176]", "movups xmm12, [rsp+192]", "movups xmm13, [rsp+208]",
                    "movups xmm14, [rsp+224]", "movups xmm15, [rsp+240]",
                    "add rsp, 264",
                    "ret",
                    plain = sym plain,
                )
            }

            #[cfg(not(target_arch = "x86_64"))]
            pub(super) unsafe extern "C" fn plain(m: *mut Running, a: u64, b: u64) {
                inner(m, a, b)
            }

            #[cfg(not(target_arch = "x86_64"))]
            pub(super) use plain as whole;
        }
    )*};
}

helpers! {
    less(m, a, b) {
        let (a, b) = (term(a), term(b));
        compare::decided(a, b).unwrap_or_else(|| compare::cmp(a, b)).is_lt() as u64
    }
    equal(m, a, b) { compare::eq(term(a), term(b)) as u64 }
    same(m, a, b) { compare::same(term(a), term(b)) as u64 }
    has_type(m, test, t) {
        // SAFETY: CODE: the compiler passes on a test of an instruction.
        let test = unsafe { std::mem::transmute::<u8, Test>(test as u8) };
        is_type(test, term(t)) as u64
    }
    map_get(m, map, key) { map::get(term(map), term(key)).unwrap_or(Term::NONE).raw() }
    make_fun(m, fun, at) {
        // SAFETY: CODE: the compiler passes on an instruction's operand, and a place on the heap that there is room at;
        // OWNER: the machine's process is the one that runs.
        unsafe { new_fun(m, &*(fun as *const MakeFun), at as *mut u64) as u64 }
    }
    utf8(m, ctx, unused) {
        let _ = unused;
        // SAFETY: LIVE: machine code passes on a context that has a byte; nobody else writes to it.
        unsafe {
            let words = term(ctx).pointer().add(1);
            match context::utf8(words) {
                Some((value, bits)) => {
                    *words.add(context::POSITION) += bits;
                    value << 4
                }
                None => Term::NONE.raw(),
            }
        }
    }
    part(m, ctx, at) {
        // SAFETY: FRESH: machine code passes on a context, bits that it has, and a place on the heap with room for them.
        unsafe {
            let words = term(ctx).pointer().add(1);
            let place = at as *mut u64;
            context::part(words, place, *place, *place.add(1)).raw()
        }
    }
    append(m, how, at) {
        // SAFETY: FRESH: machine code passes on a binary, bits, and a place on the heap with room for the result.
        unsafe {
            let place = at as *mut u64;
            let made = append_word(place, term(*place), (how >> 8) as u32, *place.add(1), how as u32 & 0xFF);
            made.unwrap_or(Term::NONE).raw()
        }
    }
    begin(m, t, at) {
        // SAFETY: FRESH: machine code passes on a place on the heap with room for a context.
        unsafe { context::begin(term(t), at as *mut u64).unwrap_or(Term::NONE).raw() }
    }
}
