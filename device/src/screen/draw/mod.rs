//! A view onto a canvas: only what changed is drawn again.
//!
//! [`Painter`] compares each part of the view with what it drew last. In order of the screen: the header, the live picture, `words` (messages
//! and what the garment is), `matched` (the garment of the shop), the footer; `invitation` is a QR code in place of all of them; `shapes` and `colours` are what they are made of.

mod colours;
mod invitation;
mod matched;
mod shapes;
mod words;

use super::canvas::Canvas;
use super::font::{Glyphs, Weight};
use super::layout::{Layout, shrunk, split_across};
use super::picture::{Fit, Scaler, centred, place};
use super::text::{Align, Lines, Style, line_height};
use super::view::{Matched, View};
use crate::camera::{Frame, FrameDecoder};
use clothingid_shared::picture::Picture;
use colours::{FRAME, GREEN, INK, PAPER, SOFT};
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Draws views; everything that it needs for that is kept.
#[derive(Default)]
pub struct Painter {
    glyphs: Glyphs,
    decoder: FrameDecoder,
    live: Scaler,
    photo: Scaler,
    lines: Lines,
    line: String,
    drawn: Drawn,
    changed: Vec<Rectangle>,
}

/// Of each part, a hash of what was drawn last.
#[derive(Default)]
struct Drawn {
    size: Size,
    parts: [Option<u64>; 7],
}

/// The parts of a screen.
#[derive(Clone, Copy)]
enum Part {
    Header,
    Live,
    Words,
    Reading,
    Matched,
    Footer,
    Invitation,
}

/// What parts are drawn with.
struct Brush<'a> {
    canvas: &'a mut Canvas,
    glyphs: &'a mut Glyphs,
    lines: &'a mut Lines,
    line: &'a mut String,
}

impl Painter {
    /// Nothing drawn yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many characters were asked for that no font has, since this was last asked.
    pub fn newly_missing(&mut self) -> u64 {
        self.glyphs.newly_missing()
    }

    /// Draws everything the next time, as on a canvas or panel that is new.
    pub fn forget(&mut self) {
        self.drawn = Drawn::default();
    }

    /// Draws what is another than on this canvas now, and says where that was. `frame` is shown where the view has a picture.
    pub fn paint(&mut self, view: &View<'_>, frame: &Frame, layout: &Layout, canvas: &mut Canvas) -> &[Rectangle] {
        self.changed.clear();
        if self.drawn.size != canvas.size() {
            self.drawn = Drawn { size: canvas.size(), ..Drawn::default() };
            let all = Rectangle::new(Point::zero(), canvas.size());
            fill(canvas, all, PAPER);
            self.changed.push(all);
        }
        let Self { glyphs, decoder, live: scaler, photo, lines, line, drawn, changed } = self;
        let mut brush = Brush { canvas, glyphs, lines, line };
        let frame = view.has_picture.then_some(frame);

        if let Some((shown, text)) = view.invitation {
            let all = Rectangle::new(Point::zero(), layout.size);
            if drawn.is_news(Part::Invitation, (&shown.address, text), all, changed) {
                drawn.parts = [None, None, None, None, None, None, *drawn.parts_of(Part::Invitation)];
                invitation::invitation(&mut brush, layout, &shown.code, &[text, &shown.fingerprint]);
            }
            return changed;
        }
        if drawn.parts_of(Part::Invitation).take().is_some() {
            let all = Rectangle::new(Point::zero(), layout.size);
            fill(brush.canvas, all, PAPER);
            changed.push(all);
        }
        if drawn.is_news(Part::Header, view.shop_name, layout.header, changed) {
            header(&mut brush, layout, view.shop_name);
        }
        if drawn.is_news(Part::Live, frame.map(|frame| frame.number.0), layout.live, changed) {
            // A frame that is no picture leaves its place empty, until the next one is.
            picture(&mut brush, scaler, layout, frame.and_then(|frame| decoder.decode(frame).ok()));
            decoder.let_go_if_large();
        }
        // One card for a message that stands alone, two where there is something to say of the shop.
        if view.matched == Matched::Nothing {
            if drawn.is_news(Part::Words, view.says, layout.words, changed) {
                drawn.forget([Part::Reading, Part::Matched]);
                fill(brush.canvas, layout.words, PAPER);
                words::says(&mut brush, layout, layout.words, view);
            }
        } else {
            if drawn.parts_of(Part::Words).take().is_some() {
                fill(brush.canvas, layout.words, PAPER);
                changed.push(layout.words);
            }
            if drawn.is_news(Part::Reading, view.says, layout.reading, changed) {
                words::says(&mut brush, layout, layout.reading, view);
            }
            if drawn.is_news(Part::Matched, view.matched, layout.matched, changed) {
                matched::matched(&mut brush, photo, layout, view);
            }
        }
        if drawn.is_news(Part::Footer, (view.privacy, view.engine), layout.footer, changed) {
            footer(&mut brush, layout, view);
        }
        changed.retain(|area| !area.is_zero_sized());
        changed
    }
}

impl Drawn {
    fn parts_of(&mut self, part: Part) -> &mut Option<u64> {
        let [header, live, words, reading, matched, footer, invitation] = &mut self.parts;
        match part {
            Part::Header => header,
            Part::Live => live,
            Part::Words => words,
            Part::Reading => reading,
            Part::Matched => matched,
            Part::Footer => footer,
            Part::Invitation => invitation,
        }
    }

    fn forget(&mut self, parts: [Part; 2]) {
        parts.into_iter().for_each(|part| *self.parts_of(part) = None);
    }

    /// Whether a part is another than was drawn; it is taken as drawn from now on, and its place as changed.
    fn is_news(&mut self, part: Part, content: impl Hash, place: Rectangle, changed: &mut Vec<Rectangle>) -> bool {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let hash = Some(hasher.finish());
        let before = self.parts_of(part);
        if *before == hash {
            return false;
        }
        *before = hash;
        changed.push(place);
        true
    }
}

fn fill(canvas: &mut Canvas, area: Rectangle, colour: Rgb888) {
    let Ok(()) = canvas.fill_solid(&area, colour);
}

fn header(brush: &mut Brush<'_>, layout: &Layout, shop_name: &str) {
    fill(brush.canvas, layout.header, PAPER);
    let height = layout.header.size.height;
    let (mark, name) = split_across(layout.header, height, height / 3);
    shapes::mark(brush.canvas, centred(mark, Size::new(height, height * 3 / 4)), GREEN);
    let style = Style { size: layout.letters.body, weight: Weight::Bold, colour: INK, lines: 1, align: Align::Left };
    brush.one_line(shop_name, style, name);
}

fn footer(brush: &mut Brush<'_>, layout: &Layout, view: &View<'_>) {
    fill(brush.canvas, layout.footer, PAPER);
    let style =
        Style { size: layout.letters.footer, weight: Weight::Regular, colour: SOFT, lines: 1, align: Align::Left };
    // The customer's line is whole; the engine has what is left.
    let room = layout.footer.size.width;
    let needed = brush.lines.width(view.privacy, style, room, brush.glyphs);
    let (privacy, engine) = split_across(layout.footer, needed, layout.padding);
    brush.one_line(view.privacy, style, privacy);
    brush.one_line(view.engine, Style { align: Align::Right, ..style }, engine);
}

fn picture(brush: &mut Brush<'_>, scaler: &mut Scaler, layout: &Layout, live: Option<&Picture>) {
    let placed = live.and_then(|picture| {
        let size = Size::new(picture.width(), picture.height());
        Some((picture, place(size, layout.live, Fit::Filled)?))
    });
    match placed {
        Some((picture, placed)) => {
            if placed.to != layout.live {
                fill(brush.canvas, layout.live, FRAME);
            }
            scaler.draw(picture, placed, brush.canvas);
        }
        None => {
            fill(brush.canvas, layout.live, FRAME);
            shapes::hanger(brush.canvas, layout.live);
        }
    }
    shapes::round_off(brush.canvas, layout.live, layout.radius, PAPER);
}

impl Brush<'_> {
    /// A text in the middle of the height of its place, in one line.
    fn one_line(&mut self, text: &str, style: Style, place: Rectangle) {
        self.lines.lay(text, style, place.size.width, self.glyphs);
        let spare = place.size.height.saturating_sub(line_height(style.size)) / 2;
        let place = shrunk_to(place, spare);
        self.lines.draw(text, style, place, self.glyphs, self.canvas);
    }

    /// Draws the lines that were laid out last, from `top` on in `place`.
    fn draw(&mut self, text: &str, style: Style, place: Rectangle) {
        self.lines.draw(text, style, place, self.glyphs, self.canvas);
    }

    /// A card, and the place inside it.
    fn card(&mut self, layout: &Layout, area: Rectangle) -> Rectangle {
        shapes::card(self.canvas, area, layout.radius);
        shrunk(area, layout.padding)
    }
}

/// What is left of a place below its first pixels.
fn shrunk_to(place: Rectangle, top: u32) -> Rectangle {
    super::layout::split_down(place, top, 0).1
}

#[cfg(test)]
mod tests;
