//! The answer to a search.

use serde::{Serialize, Serializer};
use std::ops::Deref;

/// One product that looks like the query.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Match {
    /// The shop's number.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// The photograph of it that is most like the query, as the catalogue file names it; where a picture of the staff's is, the first one.
    pub photo: String,
    /// Cosine of the two embeddings, −1 to 1.
    pub similarity: f64,
}

impl Match {
    /// Makes this match equal to `other`, in the memory it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.sku.clone_from(&other.sku);
        self.title.clone_from(&other.title);
        self.photo.clone_from(&other.photo);
        self.similarity = other.similarity;
    }
}

/// Matches, best first. Those of an answer before leave their memory to those of the next.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// The first `count` are the matches.
    memory: Vec<Match>,
    count: usize,
}

impl Matches {
    /// Leaves none.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds `of` with this similarity.
    pub fn push(&mut self, of: &Match, similarity: f64) {
        if self.count == self.memory.len() {
            self.memory.push(Match::default());
        }
        if let Some(added) = self.memory.get_mut(self.count) {
            added.copy_from(of);
            added.similarity = similarity;
            self.count += 1;
        }
    }

    /// Makes these equal to `others`, in the memory they have.
    pub fn copy_from(&mut self, others: &[Match]) {
        self.clear();
        others.iter().for_each(|other| self.push(other, other.similarity));
    }

    /// The matches alone.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Match> {
        self.memory.truncate(self.count);
        self.memory
    }
}

impl Deref for Matches {
    type Target = [Match];

    fn deref(&self) -> &[Match] {
        self.memory.get(..self.count).unwrap_or_default()
    }
}

impl PartialEq for Matches {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Serialize for Matches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sku: &str) -> Match {
        Match { sku: sku.into(), title: format!("the title of {sku}"), photo: "a.jpg".into(), similarity: 0.5 }
    }

    #[test]
    fn the_next_answer_is_in_the_memory_of_the_one_before() {
        let mut matches = Matches::default();
        matches.copy_from(&["A", "B", "C"].map(of));
        let titles = |matches: &Matches| matches.memory.iter().map(|one| one.title.as_ptr()).collect::<Vec<_>>();
        let before = titles(&matches);
        matches.clear();
        assert_eq!((&*matches, serde_json::to_string(&matches).unwrap().as_str()), (&[][..], "[]"));
        matches.push(&of("D"), 0.25);
        assert_eq!(matches.len(), 1);
        assert_eq!((matches[0].sku.as_str(), matches[0].similarity), ("D", 0.25));
        matches.copy_from(&["E", "F", "G"].map(of));
        assert_eq!(titles(&matches), before);
        assert_eq!(matches.into_vec(), ["E", "F", "G"].map(of));
    }
}
