//! Every state at every size, pixel by pixel.

use super::*;
use crate::camera::{FrameNumber, PixelFormat};
use crate::catalogue::Match;
use crate::config::Language::{self, English, German, TraditionalChinese};
use crate::health::{CameraState, CatalogueState, Reembedding, Status};
use crate::lan::{Code, Invitation};
use crate::network::read_bundle;
use crate::reading::{Labelled, Reading, Verdict};
use crate::screen::article::{Article, Articles, Sold};
use crate::screen::panel::png;
use crate::screen::seen::{Seen, Source};
use crate::screen::view::{Facts, Situation};
use clothingid_shared::files;
use clothingid_shared::picture;
use embedded_graphics::geometry::OriginDimensions;
use embedded_graphics::pixelcolor::RgbColor;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

const SIZES: [(u32, u32); 5] = [(240, 240), (320, 240), (480, 800), (800, 480), (1280, 800)];

/// The one with the least room for words.
const SMALLEST: (u32, u32) = (320, 240);

/// A shop with one garment, whose photograph is a plain red jersey on white.
struct OneGarment;

impl Articles for OneGarment {
    fn find(&self, _sku: &str, _photo: &str) -> Option<Sold> {
        let mut canvas = Canvas::new(Size::new(300, 360));
        garment(&mut canvas, Rgb888::WHITE, Rgb888::new(166, 46, 52));
        Some(Sold { price: Some("1290".into()), currency: Some("TWD".into()), photo: png::encode(&canvas).ok() })
    }
}

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source { bundle: Arc::new(read_bundle(None).unwrap()), articles: Arc::new(OneGarment) });

/// A jersey in flat colours: small files, and the same on every machine.
fn garment(canvas: &mut Canvas, around: Rgb888, colour: Rgb888) {
    let (width, height) = (canvas.size().width, canvas.size().height);
    let all = Rectangle::new(Point::zero(), canvas.size());
    fill(canvas, all, around);
    let side = width.min(height);
    let part = |x: u32, y: u32, w: u32, h: u32| {
        let of = |value: u32| i32::try_from(value * side / 100).unwrap();
        let left = i32::try_from((width - side) / 2).unwrap();
        let top = i32::try_from((height - side) / 2).unwrap();
        Rectangle::new(Point::new(left + of(x), top + of(y)), Size::new(w * side / 100, h * side / 100))
    };
    for (area, radius) in
        [(part(28, 14, 44, 74), 8), (part(12, 16, 76, 24), 10), (part(12, 16, 18, 50), 8), (part(70, 16, 18, 50), 8)]
    {
        shapes::fill_round(canvas, area, side * radius / 100, colour);
    }
    shapes::fill_round(canvas, part(40, 8, 20, 14), side * 7 / 100, around);
}

/// A frame of 640×480.
fn frame() -> Frame {
    let mut canvas = Canvas::new(Size::new(640, 480));
    garment(&mut canvas, Rgb888::new(206, 212, 214), Rgb888::new(170, 50, 56));
    let number = FrameNumber(7);
    Frame {
        format: PixelFormat::Rgb,
        width: 640,
        height: 480,
        stride: 1920,
        bytes: canvas.rgb().to_vec(),
        number,
        ..Frame::empty()
    }
}

/// A jersey that is known and in the shop.
fn found() -> Seen {
    Seen {
        frame: frame(),
        reading: Reading {
            garment: 0.99,
            known: true,
            category14: Labelled { label: "sweater_knitwear".into(), probability: 0.96 },
            category26: Labelled { label: "sweater".into(), probability: 0.93 },
        },
        verdict: Verdict::Confident,
        best: Match {
            sku: "A-17".into(),
            title: "Wool cardigan with cable pattern".into(),
            photo: "a.jpg".into(),
            similarity: 0.99,
        },
        engine: "cpu: int8 avx2".into(),
        source: Some(SOURCE.clone()),
    }
}

const WELL: Status = Status {
    ready: true,
    camera: CameraState::Ok,
    camera_problem: None,
    idle: false,
    catalogue: CatalogueState::Ok,
    reembedding: None,
};

/// Something that a screen may have to show.
struct State {
    name: &'static str,
    language: Language,
    seen: Option<Seen>,
    status: Status,
    situation: Situation,
}

impl State {
    fn of(name: &'static str, language: Language, seen: Option<Seen>, status: Status) -> Self {
        Self { name, language, seen, status, situation: Situation::Running }
    }

    fn paint(&self, size: Size) -> Canvas {
        let mut article = Article::default();
        if let Some(best) = self.seen.as_ref().and_then(Seen::best) {
            article.show(best, &SOURCE, self.language);
        }
        let facts = Facts {
            language: self.language,
            shop_name: match self.language {
                English => "Corner Boutique",
                German => "Kleidergeschäft Größenwahn",
                TraditionalChinese => "街角服飾店",
            },
            situation: &self.situation,
            status: self.status.clone(),
            seen: self.seen.as_ref(),
            has_seen: self.status.camera != CameraState::Starting,
            article: Some(&article),
            invitation: None,
        };
        let mut canvas = Canvas::new(size);
        let frame = self.seen.as_ref().map_or_else(Frame::empty, |seen| seen.frame.clone());
        Painter::new().paint(&View::of(facts), &frame, &Layout::of(size), &mut canvas);
        canvas
    }
}

fn states() -> Vec<State> {
    let starting = Status { ready: false, camera: CameraState::Starting, ..WELL };
    let of = |garment| Reading { garment, known: false, ..found().reading };
    let nothing = Seen { reading: of(0.1), verdict: Verdict::Nothing, best: Match::default(), ..found() };
    let unknown = Seen { reading: of(0.99), ..nothing.clone() };
    let similar = Seen {
        verdict: Verdict::Similar,
        best: Match { title: "羊毛針織開襟外套，麻花圖案".into(), similarity: 0.5, ..found().best },
        ..found()
    };
    let elsewhere = Seen { verdict: Verdict::Nothing, ..found() };
    let german =
        Seen { best: Match { title: "Strickjacke aus Schurwolle mit Zopfmuster".into(), ..found().best }, ..found() };
    let reembedding = Status {
        catalogue: CatalogueState::Failed,
        reembedding: Some(Reembedding { done: 412, photos: 1000 }),
        ..WELL
    };
    let fault = Situation::Fault(
        "/etc/clothingid/config.toml:7: unknown key `screen.ouput`; did you mean `screen.output`?".into(),
    );
    vec![
        State::of("starting", English, None, starting),
        State::of("no-camera", German, None, Status { camera: CameraState::Lost, ..WELL }),
        State::of("no-garment", TraditionalChinese, Some(nothing), WELL),
        State::of("unknown", English, Some(unknown), WELL),
        State::of("match", English, Some(found()), WELL),
        State::of("match-german", German, Some(german), WELL),
        State::of("perhaps", TraditionalChinese, Some(similar), WELL),
        State::of("nothing-like-it", German, Some(elsewhere), WELL),
        State::of("catalogue-lost", English, Some(found()), Status { catalogue: CatalogueState::Failed, ..WELL }),
        State::of("preparing", TraditionalChinese, Some(found()), reembedding),
        State::of("network-stopped", English, Some(found()), Status { ready: false, ..WELL }),
        State { situation: Situation::Updating, ..State::of("updating", German, None, WELL) },
        State { situation: fault, ..State::of("fault", English, None, WELL) },
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/screen/draw/snapshots")
}

/// Whether the picture that was reviewed has the very same pixels.
fn is_as_reviewed(name: &str, canvas: &Canvas) -> bool {
    let before = files::read(&folder().join(format!("{name}.png"))).ok().and_then(|bytes| picture::decode(&bytes).ok());
    before.is_some_and(|before| before.rgb() == canvas.rgb() && before.width() == canvas.size().width)
}

/// Compares with the picture that was reviewed; one that differs is written beside it.
fn compare(name: &str, canvas: &Canvas) -> Result<(), String> {
    let (old, new) = (folder().join(format!("{name}.png")), folder().join(format!("{name}.new.png")));
    if is_as_reviewed(name, canvas) {
        // Of an earlier run, if there is one.
        let _ = std::fs::remove_file(&new);
        return Ok(());
    }
    let mut bytes = Vec::new();
    let size = canvas.size();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter)
        .write_image(canvas.rgb(), size.width, size.height, ExtendedColorType::Rgb8)
        .unwrap();
    files::create_folder(new.parent().unwrap()).unwrap();
    files::write_atomic(&new, &bytes).unwrap();
    Err(format!("mv {} {}", new.display(), old.display()))
}

#[test]
fn every_state_looks_as_reviewed_at_every_size() {
    let mut accept = Vec::new();
    for state in states() {
        // Of what is a variant, the size with the least room will do.
        let sizes = if ["match-german", "catalogue-lost"].contains(&state.name) { &[SMALLEST][..] } else { &SIZES };
        for &(width, height) in sizes {
            let canvas = state.paint(Size::new(width, height));
            accept.extend(compare(&format!("{width}x{height}/{}", state.name), &canvas).err());
        }
    }
    assert!(accept.is_empty(), "these screens look different; if they are right:\n{}", accept.join("\n"));
}

#[test]
fn a_picture_that_differs_by_one_pixel_is_noticed() {
    let (state, name) = (&states()[0], "240x240/starting");
    let mut canvas = state.paint(Size::new(240, 240));
    assert!(is_as_reviewed(name, &canvas));
    canvas.blend(Point::new(100, 100), Rgb888::RED, 3);
    assert!(!is_as_reviewed(name, &canvas));
}

#[test]
fn only_what_changed_is_drawn_and_all_of_it() {
    let size = Size::new(800, 480);
    let (layout, situation, mut article) = (Layout::of(size), Situation::Running, Article::default());
    let mut seen = found();
    article.show(&seen.best, &SOURCE, English);
    let mut painter = Painter::new();
    let mut canvas = Canvas::new(size);
    let mut paint = |seen: &Seen, status: Status| {
        let view = View::of(Facts {
            language: English,
            shop_name: "Corner Boutique",
            situation: &situation,
            status,
            seen: Some(seen),
            has_seen: true,
            article: Some(&article),
            invitation: None,
        });
        let changed = painter.paint(&view, &seen.frame, &layout, &mut canvas).to_vec();
        let mut whole = Canvas::new(size);
        Painter::new().paint(&view, &seen.frame, &layout, &mut whole);
        assert!(whole == canvas, "the parts together are the whole");
        changed
    };
    assert_eq!(paint(&seen, WELL)[0].size, size, "everything at first");
    assert_eq!(paint(&seen, WELL), []);
    seen.frame.number = FrameNumber(8);
    assert_eq!(paint(&seen, WELL), [layout.live]);
    seen.reading.category26.probability = 0.5;
    assert_eq!(paint(&seen, WELL), [layout.reading]);
    seen.verdict = Verdict::Nothing;
    assert_eq!(paint(&seen, WELL), [layout.matched]);
    seen.reading.known = false;
    seen.reading.garment = 0.0;
    seen.best = Match::default();
    assert_eq!(paint(&seen, WELL), [layout.words], "one message instead of two cards");
    seen = Seen { frame: Frame { number: FrameNumber(8), ..frame() }, ..found() };
    assert_eq!(paint(&seen, WELL), [layout.words, layout.reading, layout.matched]);
    assert!(paint(&seen, Status { camera: CameraState::Lost, ..WELL }).contains(&layout.live));
}

#[test]
fn a_phone_reads_the_invitation_from_any_screen_and_all_else_comes_back() {
    let address = format!("https://192.168.178.123:8443/pair/{}", "0123456789abcdef".repeat(4));
    let invitation = Invitation { code: Code::of(&address).unwrap(), address, fingerprint: ["AB"; 32].join(":") };
    for (width, height) in [(240, 240), (320, 240), (240, 320), (800, 480), (720, 1280), (1280, 800)] {
        let size = Size::new(width, height);
        let (layout, seen) = (Layout::of(size), found());
        let facts = |invitation| Facts {
            language: German,
            shop_name: "Corner Boutique",
            situation: &Situation::Running,
            status: WELL,
            seen: Some(&seen),
            has_seen: true,
            article: None,
            invitation,
        };
        let (mut painter, mut canvas) = (Painter::new(), Canvas::new(size));
        painter.paint(&View::of(facts(None)), &seen.frame, &layout, &mut canvas);
        let before = canvas.clone();
        let changed = painter.paint(&View::of(facts(Some(&invitation))), &seen.frame, &layout, &mut canvas);
        assert_eq!(changed, [Rectangle::new(Point::zero(), size)]);
        let row = usize::try_from(width).unwrap();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(row, usize::try_from(height).unwrap(), |x, y| {
            canvas.rgb()[3 * (y * row + x)]
        });
        let read = image.detect_grids().first().expect("a code").decode().unwrap().1;
        assert_eq!(read, invitation.address, "{width}×{height}");
        assert_eq!(painter.paint(&View::of(facts(Some(&invitation))), &seen.frame, &layout, &mut canvas), []);
        painter.paint(&View::of(facts(None)), &seen.frame, &layout, &mut canvas);
        assert!(before == canvas, "{width}×{height}");
    }
}

proptest! {
    #[test]
    fn no_size_and_no_text_makes_it_panic(
        (width, height) in (1_u32..400, 1_u32..400),
        title in "\\PC{0,80}",
        shop_name in "\\PC{0,40}",
        fault in "\\PC{0,200}",
        known in any::<bool>(),
        probability in any::<f64>(),
        language in prop::sample::select(&Language::ALL[..]),
    ) {
        let size = Size::new(width, height);
        let seen = Seen {
            reading: Reading {
                known,
                category26: Labelled { label: title.clone(), probability },
                ..found().reading
            },
            best: Match { title, ..found().best },
            ..found()
        };
        let mut painter = Painter::new();
        let mut canvas = Canvas::new(size);
        let mut article = Article::default();
        article.show(&seen.best, &SOURCE, language);
        for situation in [Situation::Running, Situation::Fault(fault)] {
            let facts = Facts {
                language,
                shop_name: &shop_name,
                situation: &situation,
                status: WELL,
                seen: Some(&seen),
                has_seen: true,
                article: Some(&article),
invitation: None,
            };
            for area in painter.paint(&View::of(facts), &seen.frame, &Layout::of(size), &mut canvas) {
                prop_assert!(area.bottom_right().is_some());
            }
        }
    }
}
