//! Our checksum of a row: the first half of a SHA-256 over its fields.

use sha2::{Digest, Sha256};

/// The stored form: 128 bits miss a flipped byte once in 10^38.
pub type Checksum = [u8; 16];

/// Takes a row's fields one by one. Each is preceded by its length, so that no two rows have the same bytes.
pub struct Fields(Sha256);

impl Fields {
    /// Of a row of this table.
    #[must_use]
    pub fn of(table: &str) -> Self {
        Self(Sha256::new()).text(table)
    }

    /// A text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// A text or its absence, which is not the empty text.
    #[must_use]
    pub fn maybe(self, text: Option<&str>) -> Self {
        match text {
            None => self.bytes(&[0]),
            Some(text) => self.bytes(&[1]).text(text),
        }
    }

    /// A text of a field that older forms of the row did not have: its absence adds nothing, so that their checksums hold.
    #[must_use]
    pub fn added(self, field: &str, text: Option<&str>) -> Self {
        match text {
            None => self,
            Some(text) => self.text(field).text(text),
        }
    }

    /// A number.
    #[must_use]
    pub fn number(self, number: i64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The checksum.
    #[must_use]
    pub fn finish(self) -> Checksum {
        let digest: [u8; 32] = self.0.finalize().into();
        let (first, _) = digest.split_at(16);
        first.try_into().unwrap_or_default()
    }
}

/// SHA-256 of a photograph's bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn no_two_rows_have_the_same_bytes() {
        let all = [
            Fields::of("a").text("bc").finish(),
            Fields::of("a").text("b").text("c").finish(),
            Fields::of("ab").text("c").finish(),
            Fields::of("a").maybe(None).finish(),
            Fields::of("a").maybe(Some("")).finish(),
            Fields::of("a").number(0).finish(),
        ];
        for (i, one) in all.iter().enumerate() {
            assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "{i}");
        }
    }
}
