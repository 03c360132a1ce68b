//! The network allocates nothing once it is warm: counted by an allocator of our own, in a program of its own.

#![expect(unsafe_code, reason = "an allocator is unsafe by its signature; this one only counts and passes on")]

use clothingid_device::network::{Answer, EngineChoice, open, read_bundle};
use clothingid_shared::picture::Picture;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: by the caller.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, byte_len: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: by the caller.
        unsafe { System.realloc(memory, layout, byte_len) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of `frames` frames on a warm engine.
fn allocations(threads: usize, frames: usize) -> usize {
    let bundle = read_bundle(None).unwrap();
    let mut engine = open(EngineChoice::Cpu, &bundle, threads).unwrap().engine;
    let picture = Picture::filled(engine.side(), engine.side(), [90, 30, 200]);
    let mut answer = Answer::default();
    for _ in 0..20 {
        engine.run(&picture, &mut answer).unwrap();
    }
    let before = COUNT.load(Ordering::Relaxed);
    for _ in 0..frames {
        engine.run(&picture, &mut answer).unwrap();
    }
    COUNT.load(Ordering::Relaxed) - before
}

#[test]
fn a_warm_engine_allocates_nothing() {
    // One test, so that no other thread of this program allocates meanwhile.
    assert_eq!(allocations(1, 50), 0);
    // rayon's queue grows by blocks of some thirty jobs; our code adds nothing to it.
    let shared = allocations(2, 200);
    assert!(shared <= 40, "{shared} allocations in 200 frames");
}
