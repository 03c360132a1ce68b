//! Messages, and what the garment is.

use super::colours::{INK, SAND, SOFT};
use super::{Brush, shapes, shrunk_to};
use crate::screen::font::Weight;
use crate::screen::layout::Layout;
use crate::screen::text::{Align, Style, line_height};
use crate::screen::view::{Percent, Says, View};
use crate::words::fill_percent;
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;

/// One card with what is said of the garment.
pub(super) fn says(brush: &mut Brush<'_>, layout: &Layout, area: Rectangle, view: &View<'_>) {
    let inside = brush.card(layout, area);
    match view.says {
        Says::Message { title, more, is_fault } => message(brush, layout, inside, title, more, is_fault),
        Says::Category { over, name, sure, group } => {
            let kind = Kind { over, name, sure, group };
            kind.draw(brush, layout, inside, view);
        }
    }
}

/// A title and a sentence, one below the other in the middle of the height.
fn message(brush: &mut Brush<'_>, layout: &Layout, place: Rectangle, title: &str, more: &str, is_fault: bool) {
    let letters = layout.letters;
    let colour = if is_fault { SAND } else { INK };
    // What a technician reads may be long and must be whole; it gives way in size, not in words.
    let more_size = if is_fault { letters.small } else { letters.body };
    let more_style = Style {
        size: more_size,
        weight: Weight::Regular,
        colour: SOFT,
        lines: if is_fault { 8 } else { 4 },
        align: Align::Left,
    };
    let gap = u32::from(more_style.size) / 2;
    let more_height = brush.lines.balance(more, more_style, place.size.width, brush.glyphs);
    let style = Style { size: 0, weight: Weight::Bold, colour, lines: 4, align: Align::Left };
    let space = Size::new(place.size.width, place.size.height.saturating_sub(more_height + gap));
    let style = brush.lines.fit(title, style, &letters.message, space, brush.glyphs);
    // On a screen that has no room for both the title stands alone.
    let title_height = brush.lines.balance(title, style, place.size.width, brush.glyphs);
    let has_more = title_height + gap + more_height <= place.size.height;
    let height = if has_more { title_height + gap + more_height } else { title_height };
    let top = place.size.height.saturating_sub(height) / 2;
    brush.draw(title, style, shrunk_to(place, top));
    if has_more {
        brush.lines.balance(more, more_style, place.size.width, brush.glyphs);
        brush.draw(more, more_style, shrunk_to(place, top + title_height + gap));
    }
}

/// What a garment is.
struct Kind<'a> {
    over: &'a str,
    name: &'a str,
    sure: Percent<'a>,
    group: (&'a str, &'a str),
}

/// What stands around the name of a category, from all of it to nothing.
#[derive(Clone, Copy)]
struct Around {
    over: bool,
    bar: bool,
    /// The sentence below the bar; without it the number stands beside the bar.
    sure: bool,
    group: bool,
}

const AROUND: [Around; 5] = [
    Around { over: true, bar: true, sure: true, group: true },
    Around { over: true, bar: true, sure: true, group: false },
    Around { over: false, bar: true, sure: true, group: false },
    Around { over: false, bar: true, sure: false, group: false },
    Around { over: false, bar: false, sure: false, group: false },
];

impl Kind<'_> {
    fn draw(&self, brush: &mut Brush<'_>, layout: &Layout, place: Rectangle, view: &View<'_>) {
        let letters = layout.letters;
        let small = Style { size: letters.small, weight: Weight::Regular, colour: SOFT, lines: 1, align: Align::Left };
        let body = Style { size: letters.body, colour: INK, ..small };
        let name = Style { size: 0, weight: Weight::Bold, colour: INK, lines: 2, align: Align::Left };
        let gap = layout.bar.div_ceil(2) + 1;
        let heights = |around: Around| {
            let line = |is_there: bool, size: u16| if is_there { line_height(size) } else { 0 };
            let bar = match (around.bar, around.sure) {
                (false, _) => 0,
                (true, true) => layout.bar + 2 * gap,
                (true, false) => line_height(small.size).max(layout.bar) + gap,
            };
            line(around.over, small.size) + bar + line(around.sure, body.size) + line(around.group, small.size)
        };
        // As much around the name as leaves it large.
        let mut chosen = None;
        for (index, around) in AROUND.into_iter().enumerate() {
            if around.group && !brush.is_whole(self.group, small, place.size.width) {
                continue;
            }
            let room = place.size.height.saturating_sub(heights(around));
            // What is read from afar comes first: the name is made smaller only when nothing is left to leave out.
            let sizes = letters.category.get(..(index + 2).min(5)).unwrap_or_default();
            let style = brush.lines.fit(self.name, name, sizes, Size::new(place.size.width, room), brush.glyphs);
            let height = brush.lines.lay(self.name, style, place.size.width, brush.glyphs);
            if height <= room && !brush.lines.is_cut() && !brush.lines.is_broken() {
                chosen = Some((around, style, height));
                break;
            }
        }
        // A name that is too long for any of it gets smaller, and then cut.
        let (around, style, name_height) = chosen.unwrap_or_else(|| {
            let [.., around, _] = AROUND;
            let room = place.size.height.saturating_sub(heights(around));
            let style =
                brush.lines.fit(self.name, name, &letters.category, Size::new(place.size.width, room), brush.glyphs);
            let height = brush.lines.lay(self.name, style, place.size.width, brush.glyphs);
            (around, style, height)
        });

        let mut top = place.size.height.saturating_sub(heights(around) + name_height) / 2;
        if around.over {
            brush.lines.lay(self.over, small, place.size.width, brush.glyphs);
            brush.draw(self.over, small, shrunk_to(place, top));
            top += line_height(small.size);
        }
        brush.lines.lay(self.name, style, place.size.width, brush.glyphs);
        brush.draw(self.name, style, shrunk_to(place, top));
        top += name_height;
        if around.bar {
            top = self.bar(brush, layout, shrunk_to(place, top), around.sure, view, gap) + top;
        }
        if around.sure {
            brush.with_percent(view, self.sure, body, shrunk_to(place, top));
            top += line_height(body.size);
        }
        if around.group {
            brush.pair(self.group, small, shrunk_to(place, top));
        }
    }

    /// The bar, with the number beside it where no sentence has it. Gives the height that both take.
    fn bar(
        &self,
        brush: &mut Brush<'_>,
        layout: &Layout,
        place: Rectangle,
        has_sentence: bool,
        view: &View<'_>,
        gap: u32,
    ) -> u32 {
        let below = shrunk_to(place, gap);
        if has_sentence {
            shapes::bar(
                brush.canvas,
                Rectangle::new(below.top_left, Size::new(below.size.width, layout.bar.min(below.size.height))),
                self.sure.percent,
            );
            return layout.bar + 2 * gap;
        }
        let number =
            Style { size: layout.letters.small, weight: Weight::Bold, colour: INK, lines: 1, align: Align::Right };
        let height = line_height(number.size).max(layout.bar);
        let row = Rectangle::new(below.top_left, Size::new(below.size.width, height.min(below.size.height)));
        let width = u32::from(number.size) * 3;
        let bar_width = row.size.width.saturating_sub(width);
        let offset = height.saturating_sub(layout.bar) / 2;
        let bar =
            Rectangle::new(shrunk_to(row, offset).top_left, Size::new(bar_width, layout.bar.min(row.size.height)));
        shapes::bar(brush.canvas, bar, self.sure.percent);
        brush.with_percent(view, Percent { template: "{percent}", percent: self.sure.percent }, number, row);
        height + gap
    }
}

impl Brush<'_> {
    /// A text with a percentage, in the lines that it needs, from the top of its place.
    pub(super) fn with_percent(&mut self, view: &View<'_>, text: Percent<'_>, style: Style, place: Rectangle) {
        let mut line = std::mem::take(self.line);
        line.clear();
        fill_percent(&mut line, view.language, text.template, text.percent);
        self.lines.lay(&line, style, place.size.width, self.glyphs);
        self.draw(&line, style, place);
        *self.line = line;
    }

    /// What something is called, and what it is.
    fn pair(&mut self, pair: (&str, &str), style: Style, place: Rectangle) {
        let line = self.paired(pair);
        self.lines.lay(&line, style, place.size.width, self.glyphs);
        self.draw(&line, style, place);
        *self.line = line;
    }

    /// Whether that fits into a width.
    fn is_whole(&mut self, pair: (&str, &str), style: Style, width: u32) -> bool {
        let line = self.paired(pair);
        self.lines.lay(&line, style, width, self.glyphs);
        *self.line = line;
        !self.lines.is_cut()
    }

    /// Both in one line, whose memory goes back into the brush.
    fn paired(&mut self, (called, is): (&str, &str)) -> String {
        let mut line = std::mem::take(self.line);
        line.clear();
        [called, " · ", is].into_iter().for_each(|part| line.push_str(part));
        line
    }
}
