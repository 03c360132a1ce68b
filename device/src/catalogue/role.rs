//! What a photograph says of the product that it is kept with.
//!
//! A shop lists photographs that show the product. What its staff find out at the counter is *evidence* and is kept beside them: a picture
//! that shows the product too, and one that a search took for it by mistake. An import leaves it
//! alone, but for that of a product that it removes; a shop's copy of its own catalogue brings back what is not known any more.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a photograph says of its product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The shop shows the product with it.
    #[default]
    Listed,
    /// It shows the product, as it looked at the counter. Customers are not shown it.
    Counter,
    /// It shows something else that was taken for the product.
    Mistaken,
}

impl Role {
    /// Whether it shows the product.
    #[must_use]
    pub fn shows(self) -> bool {
        self != Self::Mistaken
    }

    /// As the store has it; of a listed photograph nothing.
    #[must_use]
    pub fn stored(self) -> Option<&'static str> {
        match self {
            Self::Listed => None,
            Self::Counter => Some("counter"),
            Self::Mistaken => Some("mistaken"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.stored().unwrap_or("listed"))
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Counter, Self::Mistaken].into_iter().find(|role| role.stored() == Some(text)).ok_or(())
    }
}
