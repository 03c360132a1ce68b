//! Once warm, our code allocates nothing for a frame, on its whole way: engine, search, page and screen. Libraries that do (JPEG's decoder, the resizer,
//! the statements of `rusqlite`) do as much for the last frame as for the first. Counted by an allocator of our own, in a program of its own.

#![expect(unsafe_code, reason = "an allocator is unsafe by its signature; this one only counts and passes on")]

use clothingid_device::camera::{
    Camera, CameraChoice, CameraError, ControlDesk, Film, Frame, FrameNumber, Own, PixelFormat,
};
use clothingid_device::catalogue::{Gallery, GalleryError, Match, Matches, Search};
use clothingid_device::config::Language;
use clothingid_device::health::{CameraState, CatalogueState, Health, Status};
use clothingid_device::network::{Answer, EngineChoice, open, read_bundle};
use clothingid_device::page::Board;
use clothingid_device::pipeline::{Looked, Looker, LookerSettings, Output, Pipeline, Shop};
use clothingid_device::reading::{Labelled, Reading, Verdict};
use clothingid_device::screen::Source;
use clothingid_device::screen::article::{Article, Articles, Sold};
use clothingid_device::screen::canvas::Canvas;
use clothingid_device::screen::draw::Painter;
use clothingid_device::screen::layout;
use clothingid_device::screen::pixels::{self, Packing, Turn};
use clothingid_device::screen::seen::Seen;
use clothingid_device::screen::view::{Facts, Situation, View};
use clothingid_shared::picture::Picture;
use clothingid_tests::{Rig, photographs, rig};
use embedded_graphics::geometry::Size;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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

/// A shop that has nothing to say of its garments.
struct Silent;

impl Articles for Silent {
    fn find(&self, _sku: &str, _photo: &str) -> Option<Sold> {
        None
    }
}

/// Allocations of `frames` pictures on a warm screen: each with another frame and another probability, every third of another state.
fn allocations_of_the_screen(language: Language, frames: u64) -> usize {
    let size = Size::new(800, 480);
    let source = Source { bundle: Arc::new(read_bundle(None).unwrap()), articles: Arc::new(Silent) };
    let status = Status {
        ready: true,
        camera: CameraState::Ok,
        camera_problem: None,
        idle: false,
        catalogue: CatalogueState::Ok,
        reembedding: None,
    };
    let mut seen = Seen {
        frame: Frame {
            format: PixelFormat::Yuyv,
            width: 640,
            height: 480,
            stride: 1280,
            bytes: vec![99; 640 * 480 * 2],
            ..Frame::empty()
        },
        reading: Reading {
            garment: 1.0,
            known: true,
            category14: Labelled { label: "dress".into(), probability: 0.9 },
            category26: Labelled { label: "dress".into(), probability: 0.0 },
        },
        verdict: Verdict::Similar,
        best: Match { sku: "A-1".into(), title: "Ein Kleid, 洋裝".into(), photo: "a.jpg".into(), similarity: 0.9 },
        source: Some(source),
        ..Seen::default()
    };
    let (situation, article, layout) = (Situation::Running, Article::default(), layout::Layout::of(size));
    let (mut painter, mut canvas) = (Painter::new(), Canvas::new(size));
    let mut memory = vec![0; 800 * 480 * 4];
    let mut number = 0_u32;
    let mut draw = |count: u64| {
        for _ in 0..count {
            number += 1;
            seen.frame.number = FrameNumber(number.into());
            seen.reading.category26.probability = f64::from(number % 101) / 100.0;
            seen.reading.known = !number.is_multiple_of(3);
            let status = status.clone();
            let (seen, article) = (Some(&seen), Some(&article));
            let facts = Facts {
                language,
                shop_name: "Läden",
                situation: &situation,
                status,
                seen,
                has_seen: true,
                article,
                invitation: None,
            };
            let frame = &seen.unwrap().frame;
            for area in painter.paint(&View::of(facts), frame, &layout, &mut canvas) {
                pixels::copy(&canvas, area, Turn::Quarter, Packing::RGB565, &mut memory, 480 * 2);
            }
        }
    };
    // Every percentage in every place.
    draw(404);
    let before = COUNT.load(Ordering::Relaxed);
    draw(frames);
    COUNT.load(Ordering::Relaxed) - before
}

/// A catalogue that holds nothing.
struct Empty;

impl Gallery for Empty {
    fn search_into(&self, _search: &Search<'_>, matches: &mut Matches) -> Result<(), GalleryError> {
        matches.clear();
        Ok(())
    }
}

/// Allocations of so many frames on their whole way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    /// From the camera's bytes to the reading, search included.
    looking: usize,
    /// Onto the page.
    showing: usize,
}

/// Two rounds of frames, of which each is another scene: the network looks at all of them and searches for their garments. With how many garments a
/// round has.
fn allocations_of_the_way(
    gallery: Arc<dyn Gallery + Send + Sync>,
    frames: &[Frame],
    second_look: bool,
) -> ([Way; 2], usize) {
    let bundle = Arc::new(read_bundle(None).unwrap());
    let threshold = bundle.manifest.rejection.garment.threshold;
    let settings = LookerSettings { bundle, engine: EngineChoice::Cpu, threads: 1, gallery, matches: 5, second_look };
    let (mut looker, health) = (Looker::open(&settings).unwrap(), Health::silent());
    let (mut looked, mut board) = (Looked::default(), Arc::new(Board::new()));
    let (mut number, mut garments) = (FrameNumber::default(), 0);
    let mut round = || {
        let mut way = Way::default();
        for frame in frames {
            number = number.next();
            looked.frame.copy_from(frame);
            looked.frame.number = number;
            let before = COUNT.load(Ordering::Relaxed);
            looker.look_into(&mut looked, &health).unwrap();
            let between = COUNT.load(Ordering::Relaxed);
            board.show(&looked);
            way.looking += between - before;
            way.showing += COUNT.load(Ordering::Relaxed) - between;
            garments += usize::from(looked.reading.as_ref().unwrap().reading.garment >= threshold);
        }
        way
    };
    round();
    let rounds = [round(), round()];
    assert_eq!(health.metrics.frames_rested.load(Ordering::Relaxed), 0, "the network looks at each frame");
    (rounds, garments / 3)
}

/// A camera that shows one frame after another, from the first again after the last.
struct Carousel {
    frames: Vec<Frame>,
    next: usize,
}

impl Camera for Carousel {
    fn describe(&self) -> &str {
        "carousel"
    }

    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError> {
        std::thread::sleep(Duration::from_millis(4));
        frame.copy_from(&self.frames[self.next]);
        frame.captured = Instant::now();
        self.next = (self.next + 1) % self.frames.len();
        Ok(())
    }
}

/// Allocations of all threads of a warm pipeline, from the camera over both slots to the page, while so many results are shown.
fn allocations_of_the_pipeline(frames: &[Frame], results: u64) -> usize {
    let settings = LookerSettings {
        bundle: Arc::new(read_bundle(None).unwrap()),
        engine: EngineChoice::Cpu,
        threads: 1,
        gallery: Arc::new(Empty),
        matches: 5,
        second_look: false,
    };
    let (health, desk) = (Arc::new(Health::silent()), Arc::new(ControlDesk::default()));
    let frames = frames.to_vec();
    let open = move || Ok(Box::new(Carousel { frames: frames.clone(), next: 0 }) as Box<dyn Camera>);
    let (camera, looker) = (CameraChoice::Own(Own::new(open)), Looker::open(&settings).unwrap());
    let outputs: Vec<Box<dyn Output>> = vec![Box::new(Arc::new(Board::new()))];
    let pipeline = Pipeline::start(camera, looker, settings, &desk, outputs, &health).unwrap();
    let shown = || health.metrics.results.load(Ordering::Relaxed);
    let until = |count: u64| {
        let end = Instant::now() + Duration::from_secs(120);
        while shown() < count {
            assert!(Instant::now() < end, "{} of {count} results", shown());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    // Three values go round: with a number of frames that three does not divide, each has held every one, and the longest of their words.
    until(150);
    let before = COUNT.load(Ordering::Relaxed);
    until(shown() + results);
    let counted = COUNT.load(Ordering::Relaxed) - before;
    pipeline.end();
    counted
}

/// Allocations of so many frames of a film that was played once.
fn allocations_of_a_film(rig: &Rig, frames: &[Frame]) -> usize {
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.iter().copied()).collect();
    let mut film = Film::open(&rig.write("film.mjpeg", bytes), 120.0).unwrap();
    let mut frame = Frame::empty();
    let mut round = || {
        for expected in frames {
            film.next(&mut frame).unwrap();
            assert_eq!(frame.bytes.len(), expected.bytes.len());
        }
    };
    round();
    let before = COUNT.load(Ordering::Relaxed);
    round();
    COUNT.load(Ordering::Relaxed) - before
}

/// The demo's photographs as a camera gives them, of one size: in YUYV, and as JPEG.
fn frames() -> [Vec<Frame>; 2] {
    const WIDTH: u32 = 360;
    const HEIGHT: u32 = 480;
    let photos = photographs::camera();
    let photos = photos.iter().map(|path| image::open(path).unwrap().thumbnail_exact(WIDTH, HEIGHT).to_rgb8());
    let size = Frame { width: WIDTH, height: HEIGHT, ..Frame::empty() };
    let frames = photos.map(|photo| {
        // Grey is enough of a garment: a level a pixel, and no colour.
        let bytes = photo.pixels().flat_map(|pixel| [pixel.0[1], 128]).collect();
        let yuyv = Frame { format: PixelFormat::Yuyv, stride: WIDTH * 2, bytes, ..size.clone() };
        let mut bytes = std::io::Cursor::new(Vec::new());
        photo.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        (yuyv, Frame { format: PixelFormat::Jpeg, bytes: bytes.into_inner(), ..size.clone() })
    });
    let (yuyv, jpeg) = frames.unzip();
    [yuyv, jpeg]
}

/// The demo's catalogue.
fn shop(rig: &Rig) -> Shop {
    let demo = rig::demo();
    let import = ["catalogue", "import", "--engine", "cpu"].map(Into::into).into_iter();
    let import = import.chain([demo.join("catalogue.csv"), "--photos".into(), demo.join("photos")].map(Into::into));
    let _ = rig.clothingid::<std::ffi::OsString>(import).run().expect_code(0);
    opened(rig)
}

/// The catalogue as it is now.
fn opened(rig: &Rig) -> Shop {
    let bundle = read_bundle(None).unwrap();
    let engine = open(EngineChoice::Cpu, &bundle, 1).unwrap().engine;
    let identity = bundle.identity(engine.arithmetic());
    Shop::open(rig.state().join("catalogue.db"), identity).unwrap()
}

#[test]
fn once_warm_our_code_allocates_nothing() {
    // One test, so that no other thread of this program allocates meanwhile.
    for language in Language::ALL {
        assert_eq!(allocations_of_the_screen(language, 200), 0, "{language:?}");
    }
    assert_eq!(allocations(1, 50), 0);

    let (rig, [yuyv, jpeg]) = (Rig::new(), frames());
    let (way, _) = allocations_of_the_way(Arc::new(Empty), &yuyv, false);
    assert_eq!(way, [Way::default(), Way::default()]);
    assert_eq!(allocations_of_the_pipeline(&yuyv[..23], 200), 0);
    // The library that reads a picture's head makes a list of its colours.
    assert_eq!(allocations_of_a_film(&rig, &jpeg), jpeg.len());
    // rusqlite puts a statement back under a copy of its text: one for the rows of the candidates, one for the catalogue's version.
    let shop = Arc::new(shop(&rig));
    let ([first, second], garments) = allocations_of_the_way(Arc::<Shop>::clone(&shop), &yuyv, false);
    assert!(garments > 9, "a garment is seen, so it is searched for");
    assert_eq!([&first, &second], [&Way { looking: 2 * garments, showing: 0 }; 2], "{garments} searches");
    // What was taken for something by mistake is compared with the query, too.
    let photo = photographs::camera()[0].display().to_string();
    let said = ["catalogue", "correct", &photo, "--is", "DEMO-001", "--is-not", "DEMO-002", "--engine", "cpu"];
    let _ = rig.clothingid(said).run().expect_code(0);
    let corrected = Arc::new(opened(&rig));
    let ([first, second], garments) = allocations_of_the_way(corrected, &yuyv, false);
    assert_eq!([&first, &second], [&Way { looking: 2 * garments, showing: 0 }; 2], "{garments} searches");
    // The part that is looked at again has another size in each frame, and the resizer allocates for each: as much in the last round as in the first.
    let ([first, second], _) = allocations_of_the_way(Arc::new(Empty), &yuyv, true);
    assert_eq!(first, second, "two looks");
    let each = first.looking / yuyv.len();
    assert!(each <= 400, "two looks: {each} allocations a frame: one for each row and column of the network's picture");
    // zune-jpeg makes its tables and planes for each picture, and the resizer its own.
    let ([first, second], garments) = allocations_of_the_way(shop, &jpeg, false);
    assert!(garments > 9, "a garment is seen, so it is searched for");
    assert_eq!(first, second);
    let each = first.looking / jpeg.len();
    assert!(each <= 400, "{each} allocations a frame");
    // rayon's queue grows by blocks of some thirty jobs; our code adds nothing to it.
    let shared = allocations(2, 200);
    assert!(shared <= 40, "{shared} allocations in 200 frames");
}
