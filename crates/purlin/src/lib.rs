//! The embedding API: an engine over the installed OTP and Elixir libraries.

#![forbid(unsafe_code)]

pub mod args;
pub mod install;
