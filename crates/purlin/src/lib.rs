//! The embedding API: an engine over the installed OTP and Elixir libraries.

#![forbid(unsafe_code)]

pub mod args;
pub mod boot;
pub mod elixir;
pub mod erlang;
pub mod install;
pub mod missing;
pub mod own_root;
pub mod races;
pub mod translated;

pub use args::CommandLine;
pub use install::{Elixir, Otp};
pub use purlin_vm::Config;
