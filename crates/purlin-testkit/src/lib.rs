//! What tests of several crates share: random terms and the real emulator to
//! compare with, repeatable damage to inputs, and the fuzz targets that use it.
//! It depends on the crates under test; none of them depends on it.

#![forbid(unsafe_code)]

pub mod fuzz;
pub mod generate;
#[cfg(test)]
mod layers;
pub mod mutate;
pub mod oracle;
pub mod programs;
pub mod wire;
