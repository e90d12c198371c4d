//! One body for the functions that both interfaces have, under a name of each.

/// Exports a function under each of its names, and lists them in `EXPORTED`.
macro_rules! exported {
    ($($(#[$doc:meta])* $($name:ident),+: fn($($arg:ident: $kind:ty),*) $(-> $result:ty)? = $body:path;)*) => {
        /// What the linker has to keep.
        pub const EXPORTED: &[*const std::ffi::c_void] = &[$($($name as *const std::ffi::c_void,)+)*];

        $($crate::both::exported!(@each [$(#[$doc])*] [$($name),+] ($($arg: $kind),*) [$($result)?] $body);)*
    };
    (@each $doc:tt [$($name:ident),+] $args:tt $result:tt $body:path) => {
        $($crate::both::exported!(@one $doc $name $args $result $body);)+
    };
    (@one [$(#[$doc:meta])*] $name:ident ($($arg:ident: $kind:ty),*) [$($result:ty)?] $body:path) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// C
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($arg: $kind),*) $(-> $result)? {
            // SAFETY: what the library promises is what the body asks for.
            unsafe { $body($($arg),*) }
        }
    };
}
pub(crate) use exported;
