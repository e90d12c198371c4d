//! Engines, which are OpenSSL's own: here as in OTP's library when it is built without them.

use purlin_term::{Term, am};
use purlin_vm::{Ctx, Native, NativeResult};

pub(super) const NATIVES: &[Native] = &[
    Native::plain("crypto", "engine_by_id_nif", 1, not_supported),
    Native::plain("crypto", "engine_init_nif", 1, not_supported),
    Native::plain("crypto", "engine_free_nif", 1, not_supported),
    Native::plain("crypto", "engine_load_dynamic_nif", 0, not_supported),
    Native::plain("crypto", "engine_ctrl_cmd_strings_nif", 3, not_supported),
    Native::plain("crypto", "engine_register_nif", 2, not_supported),
    Native::plain("crypto", "engine_unregister_nif", 2, not_supported),
    Native::plain("crypto", "engine_add_nif", 1, not_supported),
    Native::plain("crypto", "engine_remove_nif", 1, not_supported),
    Native::plain("crypto", "engine_get_first_nif", 0, not_supported),
    Native::plain("crypto", "engine_get_next_nif", 1, not_supported),
    Native::plain("crypto", "engine_get_id_nif", 1, not_supported),
    Native::plain("crypto", "engine_get_name_nif", 1, not_supported),
    Native::plain("crypto", "engine_get_all_methods_nif", 0, not_supported),
    Native::plain("crypto", "ensure_engine_loaded_nif", 2, not_supported),
];

/// What `crypto` makes the error `notsup` of.
fn not_supported(_: &mut Ctx<'_>, _: &[Term]) -> NativeResult {
    Ok(am!("notsup"))
}
