//! Natives against the real emulator: the same calls on both, with the same answers. Without an `erl` on this machine
//! there is nothing to compare with, and the tests say so and pass.

mod caller;
mod code;
mod data;
mod ets;
mod match_spec;
mod re;
