//! What a page is made of, and its HTML: one file that needs no other, no script and no network.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::ReportError;
use super::charts::Chart;
use super::pictures::{Sheet, Tile};
use super::table::Table;

const TEMPLATE: &str = include_str!("template/page.html");
const STYLE: &str = include_str!("template/style.css");

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Page {
    /// Its name.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub lead: Vec<Words>,
    /// What must be known before it is passed on.
    pub notices: Vec<Words>,
    /// Its parts.
    pub sections: Vec<Section>,
    /// The program that wrote it.
    pub written_by: String,
}

/// A part of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Section {
    /// By what it is linked to; made from the title.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What stands in it.
    pub blocks: Vec<Block>,
}

/// Something in a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", content = "of", rename_all = "snake_case")]
pub enum Block {
    /// A heading below the section's.
    Heading(String),
    /// A paragraph.
    Words(Words),
    /// A table.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// Photographs.
    Tiles(Vec<Tile>),
    /// Queries with their answers.
    Sheet(Sheet),
    /// One picture over the whole width.
    Picture(Picture),
}

/// One picture over the whole width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The bytes, as a `data:` URI.
    pub uri: String,
    /// What stands below it.
    pub caption: String,
    /// What it shows, for those who do not see it.
    pub words: String,
}

/// A paragraph: words, some of them literals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Words(pub Vec<Piece>);

/// Some words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The words.
    pub text: String,
    /// Whether they are a literal.
    pub is_literal: bool,
}

impl<T: AsRef<str>> From<T> for Words {
    /// Words as the rest of this program prints them: literals stand in backticks.
    fn from(text: T) -> Self {
        let piece = |(place, text): (usize, &str)| Piece { text: text.to_owned(), is_literal: place % 2 == 1 };
        Self(text.as_ref().split('`').enumerate().map(piece).filter(|piece| !piece.text.is_empty()).collect())
    }
}

impl Section {
    /// A section without anything in it.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a heading.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// Adds a paragraph.
    pub fn words(&mut self, text: impl AsRef<str>) {
        self.blocks.push(Block::Words(text.into()));
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    /// Adds a chart.
    pub fn chart(&mut self, chart: Chart) {
        self.blocks.push(Block::Chart(chart));
    }
}

impl Page {
    /// A page without sections.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        let written_by = concat!("clothingid-train ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { title: title.into(), written_by, ..Self::default() }
    }

    /// Paths of the photographs that it shows.
    #[must_use]
    pub fn photographs(&self) -> BTreeSet<&str> {
        let mut tiles: Vec<&Tile> = Vec::new();
        for block in self.sections.iter().flat_map(|section| &section.blocks) {
            match block {
                Block::Tiles(these) => tiles.extend(these),
                Block::Sheet(sheet) => {
                    tiles.extend(sheet.queries.iter().flat_map(|row| std::iter::once(&row.query).chain(&row.answers)));
                }
                _ => {}
            }
        }
        tiles.into_iter().filter(|tile| tile.uri.is_some()).map(|tile| tile.title.as_str()).collect()
    }

    /// Adds a section under an identifier that no other has.
    pub fn section(&mut self, mut section: Section) {
        let plain = section.title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
        section.id = if parts.is_empty() { "part".to_owned() } else { parts.join("-") };
        let taken = |id: &str| self.sections.iter().any(|other| other.id == id);
        if taken(&section.id) {
            let _ = write!(section.id, "-{}", self.sections.len() + 1);
        }
        self.sections.push(section);
    }

    /// The page as one file.
    ///
    /// # Errors
    /// [`ReportError::Template`], which no page should bring about.
    pub fn html(&self) -> Result<String, ReportError> {
        let mut environment = Environment::new();
        // By name it would escape too; said here, so that no renaming can turn it off.
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.add_template("page.html", TEMPLATE)?;
        let html =
            environment.get_template("page.html")?.render(minijinja::context! { page => self, style => STYLE })?;
        // A stroke ends nothing in text or between quotes; escaped, each of the thousands in a picture takes six bytes.
        Ok(html.replace("&#x2f;", "/"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::super::charts::{self, Chart, Key};
    use super::super::pictures::{Mark, Query, Sheet, Tile};
    use super::super::table::{Cell, Table};
    use super::{Block, Page, Picture, STYLE, Section, Words};

    /// What every page must be: whole, alone, and with identifiers that are used once.
    pub(in super::super) fn assert_whole(html: &str) {
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "not whole");
        for needle in ["http:", "https:", "//", "<script", "<link", "@import", "url("] {
            // Base64 may hold two strokes.
            let bare: String = html.split('"').filter(|part| !part.starts_with("data:")).collect();
            assert!(!bare.contains(needle), "`{needle}` in the page");
        }
        let mut ids = BTreeSet::new();
        for piece in html.split(" id=\"").skip(1) {
            let id = piece.split('"').next().unwrap_or_default();
            assert!(!id.is_empty() && ids.insert(id), "`{id}` twice");
        }
        for piece in html.split("href=\"#").skip(1) {
            let id = piece.split('"').next().unwrap_or_default();
            assert!(ids.contains(id), "a link to `{id}`, which is not there");
        }
        for piece in html.split("<img ").skip(1) {
            assert!(piece.split('>').next().unwrap_or_default().contains("alt=\""), "a picture without words");
        }
        balanced(html);
    }

    /// Every element that is opened is closed, in order.
    fn balanced(html: &str) {
        const VOID: [&str; 8] = ["meta", "img", "br", "rect", "line", "circle", "polyline", "polygon"];
        let mut open: Vec<&str> = Vec::new();
        let body = html.split_once("</style>").expect("a style").1;
        for tag in body.split('<').skip(1).filter(|tag| !tag.starts_with('!')) {
            let inside = tag.split('>').next().unwrap_or_default();
            let name = inside.split_whitespace().next().unwrap_or_default();
            if let Some(name) = name.strip_prefix('/') {
                if !["head", "html"].contains(&name) {
                    assert_eq!(open.pop(), Some(name), "at `<{tag}`");
                }
            } else if !VOID.contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "not closed: {open:?}");
    }

    fn everything() -> Page {
        let mut page = Page::new("<b>title</b>");
        page.lead.push("of `<i>x</i>` and y".into());
        page.notices.push("shows \"photographs\"".into());
        let mut section = Section::new("What & how <now>");
        section.heading("<h>");
        section.words("text with `a literal` & more");
        let mut table = Table::new("caption <1>", &["<name>", "#n"]);
        table.row(["<row>".into(), Cell::heat(3, 0.5, "\" onmouseover=\"x".to_owned())]);
        section.table(table.clone());
        section.table(table.folded());
        section.chart(Chart {
            svg: "<svg role=\"img\" aria-label=\"x\"></svg>".to_owned(),
            caption: "chart <2>".to_owned(),
            legend: vec![Key { series: 0, mark: charts::Mark::Square, name: "<s>".to_owned() }],
            is_curves: false,
        });
        let tile = Tile {
            uri: Some("data:image/jpeg;base64,AA//".to_owned()),
            words: "<alt>".to_owned(),
            title: "a/<b>\".jpg".to_owned(),
            caption: "<cap>".to_owned(),
            mark: Mark::Wrong,
        };
        let hidden = Tile { uri: None, mark: Mark::Right, ..tile.clone() };
        section.blocks.push(Block::Tiles(vec![tile.clone(), hidden.clone()]));
        let query = Query { query: tile.clone(), answers: vec![tile, hidden] };
        section.blocks.push(Block::Sheet(Sheet { caption: "<sheet>".to_owned(), queries: vec![query] }));
        section.blocks.push(Block::Picture(Picture {
            uri: "data:image/png;base64,AA".to_owned(),
            caption: "<p>".to_owned(),
            words: "<w>".to_owned(),
        }));
        page.section(section.clone());
        page.section(section);
        page.section(Section::new("衣"));
        page
    }

    #[test]
    fn a_page_is_whole_and_nothing_in_it_is_taken_for_html() {
        let html = everything().html().unwrap();
        assert_whole(&html);
        let needles =
            ["<b>", "<i>", "<h>", "<name>", "<row>", "<alt>", "<cap>", "<s>", "<sheet>", "<p>caption", "<w>", "\" on"];
        for needle in needles {
            assert!(!html.contains(needle), "`{needle}` was not escaped");
        }
        for needle in ["&lt;alt&gt;", "&lt;row&gt;", "class=\"heat h5\"", "<code>a literal</code>", "not shown"] {
            assert!(html.contains(needle), "no `{needle}` in\n{html}");
        }
    }

    #[test]
    fn a_page_with_something_from_elsewhere_is_noticed() {
        let html = everything().html().unwrap();
        for spoiled in [
            html.replace("<main", "<script>x</script><main"),
            html.replace("</main>", ""),
            html.replace("alt=", "al="),
            html.replace("data:image/png;base64,AA", "https://example.org/a.png"),
            html.replacen("id=\"what-how-now\"", "id=\"what-how-now-2\"", 1),
        ] {
            assert!(std::panic::catch_unwind(|| assert_whole(&spoiled)).is_err(), "not noticed");
        }
    }

    #[test]
    fn a_page_knows_the_photographs_that_it_shows() {
        let mut page = everything();
        assert_eq!(page.photographs().into_iter().collect::<Vec<_>>(), ["a/<b>\".jpg"]);
        for section in &mut page.sections {
            section.blocks.retain(|block| !matches!(block, Block::Tiles(_) | Block::Sheet(_)));
        }
        assert!(page.photographs().is_empty());
    }

    #[test]
    fn words_take_literals_from_backticks() {
        let words = Words::from("`a` and `b`");
        let literals: Vec<bool> = words.0.iter().map(|piece| piece.is_literal).collect();
        assert_eq!(literals, [true, false, true]);
        assert_eq!(Words::from("").0.len(), 0);
    }

    /// WCAG 2.2, "contrast (minimum)" and "non-text contrast": words at 4.5 to 1, marks at 3 to 1, in light and in dark.
    #[test]
    fn colours_can_be_told_from_what_they_stand_on() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").expect("both");
        for (name, theme) in [("light", light), ("dark", dark)] {
            let colour = |variable: &str| {
                let line =
                    theme.split(&format!("--{variable}:")).nth(1).unwrap_or_else(|| panic!("{name}: {variable}"));
                line.split(';').next().unwrap_or_default().trim().to_owned()
            };
            for (words, ground, least) in [
                ("ink", "paper", 7.0),
                ("ink", "raised", 7.0),
                ("faint", "paper", 4.5),
                ("faint", "raised", 4.5),
                ("link", "paper", 4.5),
                ("ink", "notice", 7.0),
                ("right", "paper", 3.0),
                ("axis", "paper", 3.0),
            ] {
                let found = contrast(&colour(words), &colour(ground));
                assert!(found >= least, "{name}: {words} on {ground}: {found:.2}");
            }
            for series in 0..charts::SERIES {
                let found = contrast(&colour(&format!("s{series}")), &colour("paper"));
                assert!(found >= 3.0, "{name}: series {series}: {found:.2}");
            }
        }
        for heat in 0..super::super::table::HEATS {
            let rules: Vec<&str> = STYLE.split(&format!(".h{heat} {{")).skip(1).collect();
            assert_eq!(rules.len(), 2, "step {heat} in light and in dark");
            for rule in rules {
                let value = |property: &str| {
                    let found = rule.split('}').next().unwrap_or_default().split(';').find_map(|declaration| {
                        declaration.trim().strip_prefix(property).and_then(|rest| rest.strip_prefix(':'))
                    });
                    found.unwrap_or_else(|| panic!("h{heat}: {property}")).trim().to_owned()
                };
                let found = contrast(&value("color"), &value("background"));
                assert!(found >= 4.5, "step {heat}: {found:.2}");
            }
        }
    }

    /// Ratio of two colours' luminances. **Source**: WCAG 2.2, "relative luminance".
    fn contrast(first: &str, second: &str) -> f64 {
        let luminance = |colour: &str| {
            let channel = |place: usize| {
                let value = u8::from_str_radix(&colour[1 + 2 * place..3 + 2 * place], 16).expect(colour);
                let value = f64::from(value) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
        };
        let (first, second) = (luminance(first) + 0.05, luminance(second) + 0.05);
        first.max(second) / first.min(second)
    }
}
