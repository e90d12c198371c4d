use super::*;

#[test]
fn times_are_rounded_down() {
    assert_eq!(in_unit(-1, 3, 0), -1);
    assert_eq!(in_unit(1_999_999_999, 3, 0), 1);
    assert_eq!(in_unit(-7, 0, 2), -7_000_000);
    assert_eq!(in_unit(1, 4, 0), NO_TIME);
    assert_eq!(in_unit(1, 0, -1), NO_TIME);
}

#[test]
fn a_library_of_an_older_version_gets_what_it_has_room_for() {
    let mut room = [0x55u8; size_of::<SystemInfo>()];
    // SAFETY: a prefix of the room is written.
    unsafe { info(room.as_mut_ptr().cast(), offset_of!(SystemInfo, nif_major) + 3) };
    let field = |at: usize| c_int::from_ne_bytes(room[at..at + 4].try_into().unwrap());
    assert_eq!((field(0), field(4)), DRIVER_VERSION);
    assert_eq!(field(offset_of!(SystemInfo, schedulers)), 0);
    assert_eq!(field(offset_of!(SystemInfo, nif_major)), 0x5555_5555);
}
