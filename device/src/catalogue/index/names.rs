//! Numbers for the texts that name products and styles.

use std::collections::HashMap;

/// Texts, each with its number from 0 on. A text keeps its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// All texts, one behind the other.
    text: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// The first of them by their texts: found without a table that would have to be made at each start.
    order: Vec<u32>,
    /// Those that came later.
    later: HashMap<Box<str>, u32>,
}

impl Names {
    /// Texts that were written as they lie here; nothing where they are not such.
    #[must_use]
    pub fn from_parts(text: String, ends: Vec<u32>, order: Vec<u32>) -> Option<Self> {
        let names = Self { text, ends, order, later: HashMap::new() };
        let mut before = None;
        let are_in_order = names.order.iter().all(|number| {
            let here = names.get(*number);
            let is_larger = here.is_some() && here > before;
            before = here;
            is_larger
        });
        let is_whole = names.ends.last().copied().unwrap_or(0) as usize == names.text.len();
        (are_in_order && is_whole && names.order.len() == names.ends.len()).then_some(names)
    }

    /// The texts one behind the other, where each ends, and their numbers in the order of the texts.
    #[must_use]
    pub fn parts(&self) -> (&str, &[u32], Vec<u32>) {
        let mut order: Vec<u32> = (0..).zip(&self.ends).map(|(number, _)| number).collect();
        order.sort_by_key(|number| self.get(*number));
        (&self.text, &self.ends, order)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let end = *self.ends.get(number)? as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |start| *start as usize);
        self.text.get(start..end)
    }

    /// The number of a text that has one.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<u32> {
        let place = self.order.binary_search_by(|number| self.get(*number).cmp(&Some(text)));
        place.ok().and_then(|place| self.order.get(place)).or_else(|| self.later.get(text)).copied()
    }

    /// The number of a text, a new one where it has none.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.later.insert(text.into(), number);
        number
    }

    /// Puts all of them in order, which takes less memory than a table.
    pub fn settle(&mut self) {
        self.order = self.parts().2;
        self.later = HashMap::new();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_a_table_of_texts(texts in prop::collection::vec("[a-cé]{0,3}", 0..40), settle_at in 0_usize..40) {
            let (mut names, mut table) = (Names::default(), Vec::<String>::new());
            for (i, text) in texts.iter().enumerate() {
                if i == settle_at {
                    names.settle();
                }
                let number = names.number(text) as usize;
                if number == table.len() {
                    table.push(text.clone());
                }
                prop_assert_eq!(&table[number], text);
                prop_assert_eq!(names.find(text).map(|n| n as usize), Some(number));
            }
            prop_assert_eq!(names.find("none"), None);
            let (text, ends, order) = names.parts();
            let read = Names::from_parts(text.to_owned(), ends.to_vec(), order.clone()).unwrap();
            for (number, text) in (0..).zip(&table) {
                prop_assert_eq!(read.get(number), Some(text.as_str()));
                prop_assert_eq!(read.find(text), Some(number));
            }
            prop_assert_eq!(read.get(u32::try_from(table.len()).unwrap()), None);
            let longer = [text, "x"].concat();
            prop_assert!(Names::from_parts(longer, ends.to_vec(), order.clone()).is_none());
            let reversed = order.iter().rev().copied().collect();
            prop_assert!(order.len() < 2 || Names::from_parts(text.to_owned(), ends.to_vec(), reversed).is_none());
        }
    }
}
