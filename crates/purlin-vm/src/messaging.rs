//! Messages and other signals between processes: sending, what a receiver does with what arrives, and `receive`.

pub mod inbox;
pub mod receive;
pub mod remote;
pub mod send;
pub mod suspension;
pub mod timed;
