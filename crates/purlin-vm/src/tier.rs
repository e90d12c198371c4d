//! What runs translated code. Each tier gives the same results; `code::op` has the seam.
//!
//! | tier | what |
//! |---|---|
//! | `reference` | one loop that says what each instruction means |
//! | `handlers` | a function for each common instruction and kind of operands; what is rare they leave to that loop |

pub mod handlers;
pub mod reference;
