//! What must happen before libtorch runs: CUDA's half of it is loaded where it is installed, and freed memory is kept.
//!
//! **CUDA.** Nothing in our code refers to a symbol of `libtorch_cuda.so`, so the linker drops it and libtorch then knows no CUDA device.
//! Loading it by name before libtorch is asked for anything registers its kernels. `LD_LIBRARY_PATH` or the program's own run path
//! says where it lies; a machine without it trains on its processor.
//!
//! **Memory.** glibc gives each activation of some megabytes fresh pages and returns them at once; on a virtual machine, touching fresh
//! pages costs a third of the training step (30 against 47 photos a second on one thread). So large blocks come from the heap, which
//! never shrinks, and all threads share one.
#![expect(unsafe_code, reason = "dlopen is how a library that may be missing is loaded; mallopt has no safe form")]

use std::ffi::{c_char, c_int, c_void};

/// `RTLD_NOW | RTLD_GLOBAL` of Linux's `dlfcn.h`.
#[cfg(target_os = "linux")]
const NOW_AND_GLOBAL: c_int = 0x002 | 0x100;

/// Settings of glibc's `malloc.h`: `M_TRIM_THRESHOLD`, `M_TOP_PAD`, `M_MMAP_MAX`, `M_ARENA_MAX`.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MEMORY_SETTINGS: [(c_int, c_int); 4] = [(-1, c_int::MAX), (-2, 64 << 20), (-4, 0), (-8, 1)];

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn dlopen(file_name: *const c_char, flags: c_int) -> *mut c_void;
    #[cfg(target_env = "gnu")]
    fn mallopt(parameter: c_int, value: c_int) -> c_int;
}

/// Keeps freed memory, and loads `libtorch_cuda.so` if the dynamic loader finds it; says whether it did. Call it first thing in `main`.
#[cfg(target_os = "linux")]
pub fn prepare() -> bool {
    #[cfg(target_env = "gnu")]
    for (parameter, value) in MEMORY_SETTINGS {
        // SAFETY: mallopt takes two numbers and changes settings only; glibc ignores those that it does not know.
        unsafe { mallopt(parameter, value) };
    }
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
