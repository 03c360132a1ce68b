//! Which photographs a metric is of, as one word for machines: `all`, `larger`, `category:dress`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Some of the photographs of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum Slice {
    /// All.
    All,
    /// Larger than thumbnails, without myntra.
    Larger,
    /// Of those, the ones of categories that are frequent among them.
    LargerFrequent,
    /// Of those, the ones of one category, by its key.
    Category(String),
    /// Of one source, by its key.
    Source(String),
    /// Of one size, in words.
    Size(String),
    /// Of some other choice, in words: an epoch, a number of views.
    Other(String),
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Larger => f.write_str("larger"),
            Self::LargerFrequent => f.write_str("larger_frequent"),
            Self::Category(key) => write!(f, "category:{key}"),
            Self::Source(key) => write!(f, "source:{key}"),
            Self::Size(words) => write!(f, "size:{words}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

impl From<Slice> for String {
    fn from(slice: Slice) -> Self {
        slice.to_string()
    }
}

impl From<String> for Slice {
    fn from(text: String) -> Self {
        match (text.as_str(), text.split_once(':')) {
            ("all", _) => Self::All,
            ("larger", _) => Self::Larger,
            ("larger_frequent", _) => Self::LargerFrequent,
            (_, Some(("category", key))) => Self::Category(key.to_owned()),
            (_, Some(("source", key))) => Self::Source(key.to_owned()),
            (_, Some(("size", words))) => Self::Size(words.to_owned()),
            _ => Self::Other(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slice;

    #[test]
    fn what_is_written_is_read() {
        for (slice, text) in [
            (Slice::All, "all"),
            (Slice::Larger, "larger"),
            (Slice::LargerFrequent, "larger_frequent"),
            (Slice::Category("dress".into()), "category:dress"),
            (Slice::Source("oss_shops/spree".into()), "source:oss_shops/spree"),
            (Slice::Size("up to 100 px".into()), "size:up to 100 px"),
            (Slice::Other("last_epoch".into()), "last_epoch"),
            (Slice::Other("views:2".into()), "views:2"),
        ] {
            assert_eq!(slice.to_string(), text);
            assert_eq!(Slice::from(text.to_owned()), slice);
        }
    }
}
