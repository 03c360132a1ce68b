//! CUDA's half of libtorch, loaded at start where it is installed, so that one program serves both kinds of machine.
//!
//! Nothing in our code refers to a symbol of `libtorch_cuda.so`, so the linker drops it and libtorch then knows no CUDA device.
//! Loading it by name before libtorch is asked for anything registers its kernels. `LD_LIBRARY_PATH` or the program's own run path
//! says where it lies; a machine without it trains on its processor.
#![expect(unsafe_code, reason = "dlopen is how a library that may be missing is loaded")]

use std::ffi::{c_char, c_int, c_void};

/// `RTLD_NOW | RTLD_GLOBAL` of Linux's `dlfcn.h`.
#[cfg(target_os = "linux")]
const NOW_AND_GLOBAL: c_int = 0x002 | 0x100;

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn dlopen(file_name: *const c_char, flags: c_int) -> *mut c_void;
}

/// Loads `libtorch_cuda.so` if the dynamic loader finds it; says whether it did. Call it first thing in `main`.
#[cfg(target_os = "linux")]
pub fn prepare() -> bool {
    // SAFETY: the name is a constant, NUL-terminated string; the flags are two of dlopen's own; the handle is kept for ever (never
    // closed), and no other thread runs yet that could observe the library's constructors, since `main` calls this first.
    let handle = unsafe { dlopen(c"libtorch_cuda.so".as_ptr(), NOW_AND_GLOBAL) };
    !handle.is_null()
}

/// There is one name for the library on Linux only; elsewhere nothing is loaded.
#[cfg(not(target_os = "linux"))]
pub fn prepare() -> bool {
    false
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_missing_library_is_no_error_and_asking_twice_is_none_either() {
        assert_eq!(super::prepare(), super::prepare());
    }
}
