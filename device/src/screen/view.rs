//! What is to be shown: computed from how the appliance is and what it saw last. Pure data, borrowed; nothing is drawn here.

use super::article::Article;
use super::seen::Seen;
use crate::config::Language;
use crate::health::{CameraState, CatalogueState, Status};
use crate::lan::Invitation;
use crate::reading::{Labelled, Verdict};
use crate::words;
use clothingid_shared::picture::Picture;
use clothingid_shared::taxonomy::Taxonomy;
use std::hash::{Hash, Hasher};

/// What the appliance is doing, beyond what [`Status`] says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Situation {
    /// Its work.
    #[default]
    Running,
    /// It waits for being set up.
    FirstStart,
    /// It is being updated.
    Updating,
    /// It cannot work, and people are told why: the line of the configuration that is at fault, and what to do.
    Fault(String),
}

/// Everything that a view is made of.
#[derive(Clone)]
pub struct Facts<'a> {
    /// The language.
    pub language: Language,
    /// The shop's name.
    pub shop_name: &'a str,
    /// What it is doing.
    pub situation: &'a Situation,
    /// How it is.
    pub status: Status,
    /// What it saw last; nothing where that no longer holds.
    pub seen: Option<&'a Seen>,
    /// Whether it has seen anything since it started.
    pub has_seen: bool,
    /// The garment of the best match.
    pub article: Option<&'a Article>,
    /// How a device is paired, while one may be.
    pub invitation: Option<&'a Invitation>,
}

/// What the screen says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View<'a> {
    /// The language, which percentages are written in.
    pub language: Language,
    /// The shop's name.
    pub shop_name: &'a str,
    /// Whether the newest frame is shown.
    pub has_picture: bool,
    /// What is said of the garment.
    pub says: Says<'a>,
    /// What is said of the shop.
    pub matched: Matched<'a>,
    /// How a device is paired, in place of everything else, with what to do.
    pub invitation: Option<(&'a Invitation, &'a str)>,
    /// What becomes of pictures.
    pub privacy: &'a str,
    /// The engine that answered.
    pub engine: &'a str,
}

/// What is said of the garment.
#[derive(Debug, Clone, Copy, PartialEq, Hash)]
pub enum Says<'a> {
    /// Something in words.
    Message {
        /// In large letters.
        title: &'a str,
        /// Below it.
        more: &'a str,
        /// Whether it is for those who look after the appliance.
        is_fault: bool,
    },
    /// What it is.
    Category {
        /// Above the name.
        over: &'a str,
        /// Its name.
        name: &'a str,
        /// How sure that is.
        sure: Percent<'a>,
        /// What its group is called, and its group.
        group: (&'a str, &'a str),
    },
}

/// What is said of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Hash)]
pub enum Matched<'a> {
    /// Nothing.
    Nothing,
    /// Something in words.
    Message(Percent<'a>),
    /// A garment.
    Garment {
        /// Whether it is this one, or may be.
        heading: &'a str,
        /// Its name.
        title: &'a str,
        /// Its price; empty where none is known.
        price: &'a str,
        /// How similar it is.
        similarity: &'a str,
        /// Whether it is called the same garment.
        is_confident: bool,
        /// Its photograph.
        photo: Photo<'a>,
    },
}

/// A text with `{percent}` in it, perhaps.
#[derive(Debug, Clone, Copy, PartialEq, Hash)]
pub struct Percent<'a> {
    /// The text.
    pub template: &'a str,
    /// 0 to 100.
    pub percent: u8,
}

/// A photograph; told apart by its number.
#[derive(Debug, Clone, Copy)]
pub struct Photo<'a> {
    /// Which one it is.
    pub number: u64,
    /// Its pixels, where they could be read.
    pub picture: Option<&'a Picture>,
}

impl PartialEq for Photo<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Hash for Photo<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl<'a> View<'a> {
    /// What is to be shown.
    #[must_use]
    pub fn of(facts: Facts<'a>) -> Self {
        let says = facts.says();
        Self {
            language: facts.language,
            shop_name: facts.shop_name,
            has_picture: facts.current().is_some(),
            says,
            matched: facts.matched(),
            invitation: facts.invitation.map(|invitation| (invitation, facts.text("pair_scan"))),
            privacy: facts.text("privacy"),
            engine: facts.current().map_or("", |seen| &seen.engine),
        }
    }
}

impl<'a> Facts<'a> {
    fn text(&self, key: &str) -> &'static str {
        words::text(self.language, key)
    }

    fn message(&self, title: &str, more: &str) -> Says<'a> {
        Says::Message { title: self.text(title), more: self.text(more), is_fault: false }
    }

    /// What was seen last, where it holds.
    fn current(&self) -> Option<&'a Seen> {
        let holds =
            *self.situation == Situation::Running && self.status.ready && self.status.camera != CameraState::Lost;
        self.seen.filter(|seen| holds && seen.source.is_some())
    }

    fn says(&self) -> Says<'a> {
        match self.situation {
            Situation::Fault(what) => return Says::Message { title: self.text("fault"), more: what, is_fault: true },
            Situation::FirstStart => return self.message("first_start", "first_start_more"),
            Situation::Updating => return self.message("updating", "updating_more"),
            Situation::Running => {}
        }
        if self.status.camera == CameraState::Lost {
            return self.message("camera_lost", "camera_lost_more");
        }
        if !self.status.ready && self.has_seen {
            return self.message("stopped", "stopped_more");
        }
        let Some((seen, source)) = self.current().and_then(|seen| Some((seen, seen.source.as_ref()?))) else {
            return self.message("starting", "starting_more");
        };
        let manifest = &source.bundle.manifest;
        if seen.reading.known {
            Says::Category {
                over: self.text("looks_like"),
                name: self.name(&manifest.category26.taxonomy, &seen.reading.category26),
                sure: Percent { template: self.text("sure"), percent: percent(seen.reading.category26.probability) },
                group: (self.text("group"), self.name(&manifest.category14.taxonomy, &seen.reading.category14)),
            }
        } else if seen.reading.garment >= manifest.rejection.garment.threshold {
            self.message("unknown", "unknown_more")
        } else {
            self.message("invite", "invite_more")
        }
    }

    fn matched(&self) -> Matched<'a> {
        let Some((seen, source)) = self.current().and_then(|seen| Some((seen, seen.source.as_ref()?))) else {
            return Matched::Nothing;
        };
        let message = |key| Matched::Message(Percent { template: self.text(key), percent: 0 });
        if self.status.catalogue == CatalogueState::Failed {
            let Some(progress) = self.status.reembedding else { return message("catalogue_lost") };
            let done = progress.done.min(progress.photos) * 100 / progress.photos.max(1);
            let percent = u8::try_from(done).unwrap_or(100);
            return Matched::Message(Percent { template: self.text("catalogue_reembedding"), percent });
        }
        let best = seen.best();
        let is_confident = match (seen.verdict, best) {
            (Verdict::Confident, Some(_)) => true,
            (Verdict::Similar, Some(_)) => false,
            // Nothing was found, or only what is not like it: that is said of a garment, and of nothing else.
            _ => return if seen.reading.known || best.is_some() { message("not_in_shop") } else { Matched::Nothing },
        };
        let Some(best) = best else { return Matched::Nothing };
        let threshold = source.bundle.manifest.matching.confident.threshold;
        Matched::Garment {
            heading: self.text(if is_confident { "in_shop" } else { "perhaps_this" }),
            title: &best.title,
            price: self.article.map_or("", |article| &article.price),
            similarity: self.text(similarity(best.similarity, threshold)),
            is_confident,
            photo: Photo {
                number: self.article.map_or(0, |article| article.number),
                picture: self.article.and_then(|article| article.picture.as_ref()),
            },
        }
    }

    fn name(&self, taxonomy: &'a Taxonomy, kind: &'a Labelled) -> &'a str {
        let index = (0..taxonomy.len()).find(|&index| taxonomy.key(index) == Some(&kind.label));
        index.and_then(|index| taxonomy.name(index, self.language.tag())).unwrap_or(&kind.label)
    }
}

/// Similarity in words, by how far it lies above what is called the same garment; as the page says it.
fn similarity(similarity: f64, confident: f64) -> &'static str {
    let room = (similarity - confident) / (1.0 - confident);
    if room >= 0.7 {
        "same"
    } else if room >= 0.3 {
        "very_like"
    } else if room >= 0.0 {
        "like"
    } else {
        "little_like"
    }
}

/// A probability in percent; what is not quite sure is not called so.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 100")]
fn percent(probability: f64) -> u8 {
    (probability * 100.0).round().clamp(0.0, 100.0) as u8
}
