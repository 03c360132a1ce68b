//! The live pipeline for long, with everything that can go wrong going wrong: nothing is lost uncounted, memory stays, nothing panics.
//!
//! 2,000 frames, or 100,000 with `CLOTHINGID_TEST_FULL`; as fast as they are taken, so that hours are minutes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clothingid_device::camera::{Camera, CameraChoice, CameraError, ControlDesk, Frame, Own, PixelFormat};
use clothingid_device::catalogue::{Gallery, GalleryError, Match, Matches, Search};
use clothingid_device::health::Health;
use clothingid_device::network::{EngineChoice, read_bundle};
use clothingid_device::pipeline::{Looked, Looker, LookerSettings, Output, Pipeline};
use clothingid_shared::picture;
use clothingid_tests::dice::Dice;
use clothingid_tests::{memory, photographs};

/// Memory may grow by so much after the first tenth.
const MOST_GROWTH_KIB: u64 = 5 * 1024;

/// What the camera has done.
#[derive(Debug, Default)]
struct Done {
    good: AtomicU64,
    corrupt: AtomicU64,
    late: AtomicU64,
    /// Frames that only the decoder finds to be bad.
    rotten: AtomicU64,
    gone: AtomicU64,
}

/// A camera with every fault there is.
struct Faulty {
    dice: Dice,
    photo: Vec<u8>,
    wanted: u64,
    done: Arc<Done>,
    /// Frames that the pipeline has done with: the camera waits for it, so that most are looked at.
    taken: Arc<AtomicU64>,
}

impl Camera for Faulty {
    fn describe(&self) -> &str {
        "faulty"
    }

    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError> {
        let done = &self.done;
        let given = done.good.load(Ordering::Relaxed) + done.rotten.load(Ordering::Relaxed);
        if given >= self.wanted {
            return Err(CameraError::Ended { camera: "faulty".into() });
        }
        let patience = Instant::now() + Duration::from_millis(if self.dice.below(20) == 0 { 0 } else { 500 });
        while self.taken.load(Ordering::Relaxed) < given && Instant::now() < patience {
            std::thread::yield_now();
        }
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match self.dice.below(100) {
            0 => {
                count(&done.corrupt);
                return Err(CameraError::Corrupt { frame: format!("faulty #{given}"), cause: "torn".into() });
            }
            1 => {
                count(&done.late);
                return Err(CameraError::Timeout { camera: "faulty".into(), waited: Duration::from_secs(1) });
            }
            2 if self.dice.below(20) == 0 => {
                count(&done.gone);
                return Err(CameraError::Gone { camera: "faulty".into(), cause: "unplugged".into() });
            }
            3..=5 => {
                count(&done.rotten);
                rotten(frame, &self.photo, self.dice.below(5));
            }
            6..=40 => {
                count(&done.good);
                let level = u8::try_from(self.dice.below(256)).unwrap_or_default();
                raw(frame, level);
            }
            _ => {
                count(&done.good);
                frame.format = PixelFormat::Jpeg;
                frame.bytes.clear();
                frame.bytes.extend_from_slice(&self.photo);
            }
        }
        frame.captured = Instant::now();
        frame.name.clear();
        frame.name.push_str("faulty");
        Ok(())
    }
}

fn raw(frame: &mut Frame, level: u8) {
    (frame.format, frame.width, frame.height, frame.stride) = (PixelFormat::Yuyv, 640, 480, 1280);
    frame.bytes.clear();
    frame.bytes.resize(1280 * 480, level);
}

/// A frame that nobody can read: torn, empty, too short, of an impossible shape, or noise.
fn rotten(frame: &mut Frame, photo: &[u8], kind: usize) {
    frame.format = PixelFormat::Jpeg;
    frame.bytes.clear();
    match kind {
        0 => frame.bytes.extend_from_slice(&photo[..photo.len() / 2]),
        1 => {}
        2 => {
            raw(frame, 1);
            frame.bytes.truncate(99);
        }
        3 => {
            raw(frame, 1);
            frame.stride = 1;
        }
        _ => frame.bytes.extend((0..4000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[1])),
    }
}

/// A catalogue whose file is sometimes not to be read.
struct Moody(AtomicU64);

impl Gallery for Moody {
    fn search_into(&self, _search: &Search<'_>, matches: &mut Matches) -> Result<(), GalleryError> {
        matches.clear();
        if self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(7) {
            return Err(GalleryError::ValueCount { expected: 1, found: 0 });
        }
        matches.push(&Match { sku: "A".into(), title: "A".into(), photo: "a.jpg".into(), similarity: 0.0 }, 0.5);
        Ok(())
    }
}

struct Counted(Arc<AtomicU64>);

impl Output for Counted {
    fn show(&mut self, _looked: &Looked) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn memory_kib() -> u64 {
    memory::kib(std::process::id(), "VmRSS")
}

#[test]
fn every_fault_is_counted_and_memory_stays() {
    let wanted = if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { 100_000 } else { 2_000 };
    let photo = photographs::good_bytes();
    assert!(picture::decode(&photo).is_ok());
    let (done, shown) = (Arc::new(Done::default()), Arc::new(AtomicU64::new(0)));
    let health = Arc::new(Health::silent());
    let taken = Arc::new(AtomicU64::new(0));
    let seed = Mutex::new(Dice::new(7));
    let camera = {
        let (done, taken, photo) = (Arc::clone(&done), Arc::clone(&taken), photo.clone());
        CameraChoice::Own(Own::new(move || {
            let dice = Dice::new(seed.lock().unwrap_or_else(PoisonError::into_inner).below(1 << 30) as u64);
            let (done, taken, photo) = (Arc::clone(&done), Arc::clone(&taken), photo.clone());
            Ok(Box::new(Faulty { dice, photo, wanted, done, taken }) as Box<dyn Camera>)
        }))
    };
    let settings = LookerSettings {
        second_look: false,
        bundle: Arc::new(read_bundle(None).expect("the bundle")),
        engine: EngineChoice::Cpu,
        threads: 1,
        gallery: Arc::new(Moody(AtomicU64::new(0))),
        matches: 5,
    };
    let looker = Looker::open(&settings).expect("a looker");
    let outputs: Vec<Box<dyn Output>> = vec![Box::new(Counted(Arc::clone(&shown)))];
    let desk = Arc::new(ControlDesk::default());
    let pipeline = Pipeline::start(camera, looker, settings, &desk, outputs, &health).expect("a pipeline");

    let metrics = &health.metrics;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (mut at_first, started) = (None, Instant::now());
    loop {
        // Every frame that was given ends as one of these.
        let ended = read(&metrics.results) + read(&metrics.results_dropped) + read(&metrics.frames_dropped);
        taken.store(
            ended + read(&metrics.frames_corrupt) - read(&done.corrupt).min(read(&metrics.frames_corrupt)),
            Ordering::Relaxed,
        );
        let given = read(&done.good) + read(&done.rotten);
        if given >= wanted / 10 && at_first.is_none() {
            at_first = Some(memory_kib());
        }
        if given >= wanted && health.status().camera == clothingid_device::health::CameraState::Ended {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(3600),
            "{given} of {wanted} frames: {:?}",
            health.events.newest(5)
        );
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(Duration::from_secs(1));
    let (at_last, at_first) = (memory_kib(), at_first.expect("a tenth"));
    let stopping = Instant::now();
    pipeline.end();
    assert!(stopping.elapsed() < Duration::from_secs(1), "it ended after {:?}", stopping.elapsed());

    let given = read(&done.good) + read(&done.rotten);
    assert_eq!(read(&metrics.frames), given, "every frame is counted");
    assert_eq!(read(&metrics.frames_late), read(&done.late));
    assert_eq!(read(&metrics.camera_losses), read(&done.gone));
    let answered = read(&metrics.results) + read(&metrics.results_dropped);
    let corrupt = read(&metrics.frames_corrupt) - read(&done.corrupt);
    assert_eq!(
        answered + read(&metrics.frames_dropped) + corrupt,
        given,
        "answered, replaced by a newer one, or unreadable"
    );
    assert!(corrupt <= read(&done.rotten) && corrupt > 0, "{corrupt} of {}", read(&done.rotten));
    assert!(answered > given / 2, "{answered} of {given} were answered");
    assert_eq!(read(&metrics.results), read(&shown));
    let said: Vec<_> = health.events.newest(100).into_iter().map(|event| event.what).collect();
    assert!(!said.iter().any(|what| what.contains("a fault in the program")), "{said:?}");
    assert!(at_last <= at_first + MOST_GROWTH_KIB, "{at_first} KiB after a tenth, {at_last} KiB at the end");
    println!(
        "{given} frames in {:.0} s: {answered} answered, {corrupt} unreadable, memory {at_first} to {at_last} KiB",
        started.elapsed().as_secs_f64()
    );
}
