use super::*;
use std::ffi::CStr;
use std::ptr::null;

extern "C-unwind" fn adds_one(data: *mut c_void) -> *mut c_void {
    // SAFETY: asking for the own thread has no conditions.
    let me = unsafe { CStr::from_ptr(name_of(this())) };
    assert_eq!(me, c"a thread with a long name");
    (data as usize + 1) as *mut c_void
}

extern "C-unwind" fn ends_itself(data: *mut c_void) -> *mut c_void {
    // SAFETY: this is a thread of the library, and has nothing to drop.
    unsafe { exit(data) };
    null_mut()
}

#[test]
fn a_thread_gives_its_result_to_who_joins_it() {
    for (body, expected) in [(adds_one as extern "C-unwind" fn(_) -> _, 8), (ends_itself, 7)] {
        let (mut thread, mut result) = (null_mut(), null_mut());
        let options = Options { stack_size: 16 };
        // SAFETY: all places are there, and the thread is joined once.
        unsafe {
            assert_eq!(create(c"a thread with a long name".as_ptr(), &mut thread, body, 7 as *mut c_void, &options), 0);
            assert_eq!(equal(thread, this()), 0);
            assert_eq!(join(thread, &mut result), 0);
        }
        assert_eq!(result as usize, expected);
    }
}

#[test]
fn a_thread_of_nobody_is_itself_and_cannot_be_joined() {
    // SAFETY: the thread is there.
    unsafe {
        assert_eq!(equal(this(), this()), 1);
        assert_eq!(CStr::from_ptr(name_of(this())), c"unknown");
        assert_eq!(join(this(), null_mut()), libc::EINVAL);
    }
}

#[test]
fn each_thread_has_data_of_its_own_and_keys_are_used_again() {
    let mut keys = [0; 2];
    // SAFETY: the places are there, and the keys are used before they end.
    unsafe {
        for key in &mut keys {
            assert_eq!(key_create(null(), key), 0);
        }
        assert_ne!(keys[0], keys[1]);
        set(keys[1], 5 as *mut c_void);
        assert!(get(keys[0]).is_null());
        let other = keys[1];
        std::thread::spawn(move || assert!(get(other).is_null())).join().unwrap();
        assert_eq!(get(keys[1]) as usize, 5);
        key_destroy(keys[0]);
        let mut again = 0;
        assert_eq!(key_create(c"again".as_ptr(), &mut again), 0);
        assert_eq!(again, keys[0]);
        key_destroy(again);
        key_destroy(keys[1]);
    }
}
