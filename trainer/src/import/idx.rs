//! The file form of MNIST and Fashion-MNIST: a few dimensions, then bytes.
//!
//! **Source**: Y. LeCun, C. Cortes and C. Burges, "The MNIST database" (the IDX file format): two zero bytes, the type of a value (8 for
//! a byte), the number of dimensions, each dimension as a big-endian 32-bit number, then the values, the last dimension fastest.
//!
//! Promise: no bytes make it panic; of compressed bytes no more than [`MOST_IDX_BYTES`] are unpacked, whatever they claim.

use std::io::Read;

use flate2::read::GzDecoder;

/// Bytes of an unpacked file, at most: five times those of the 60,000 pictures of Fashion-MNIST.
pub const MOST_IDX_BYTES: u64 = 256 << 20;

/// A file of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Its dimensions, none of them zero but the first.
    pub dimensions: Vec<usize>,
    /// Their product of values.
    pub values: Vec<u8>,
}

impl Idx {
    /// The values of one entry of the first dimension.
    #[must_use]
    pub fn entry(&self, number: usize) -> Option<&[u8]> {
        let byte_len: usize = self.dimensions.iter().skip(1).product();
        self.values.chunks_exact(byte_len.max(1)).nth(number)
    }
}

/// Reads a file of so many dimensions, as it is or as gzip packed it. The error says what is wrong.
///
/// # Errors
/// Damaged gzip, another form, other dimensions, or more or fewer values than they have.
pub fn parse(bytes: &[u8], dimensions: usize) -> Result<Idx, String> {
    let mut unpacked = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let read = GzDecoder::new(bytes).take(MOST_IDX_BYTES + 1).read_to_end(&mut unpacked);
        read.map_err(|error| format!("damaged gzip: {error}"))?;
        unpacked
    } else {
        bytes.to_vec()
    };
    if unpacked.len() as u64 > MOST_IDX_BYTES {
        return Err(format!("more than {} MiB", MOST_IDX_BYTES >> 20));
    }
    let magic = [0, 0, 8, u8::try_from(dimensions).unwrap_or(u8::MAX)];
    let Some(first) = unpacked.get(..4) else { return Err(format!("{} bytes", unpacked.len())) };
    if first != magic {
        return Err(format!("it begins with {first:02x?} instead of {magic:02x?}"));
    }
    let header = 4 + 4 * dimensions;
    let numbers = unpacked.get(4..header).ok_or("it ends within its dimensions")?;
    let dimensions: Vec<usize> = numbers
        .chunks_exact(4)
        .map(|number| number.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
        .collect();
    let expected = dimensions.iter().try_fold(1_usize, |product, dimension| product.checked_mul(*dimension));
    let found = unpacked.len() - header;
    if expected != Some(found) || dimensions.iter().skip(1).any(|dimension| *dimension == 0) {
        let words: Vec<String> = dimensions.iter().map(ToString::to_string).collect();
        return Err(format!("{found} values instead of {}", words.join(" × ")));
    }
    unpacked.drain(..header);
    Ok(Idx { dimensions, values: unpacked })
}

/// The bytes of a file.
#[cfg(test)]
pub(super) fn write(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, u8::try_from(dimensions.len()).unwrap()];
    bytes.extend(dimensions.iter().flat_map(|dimension| dimension.to_be_bytes()));
    bytes.extend(values);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::{Idx, parse, write};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let good = write(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let idx = parse(&packed(&good), 3).unwrap();
        assert_eq!((idx.entry(1), idx.entry(2)), (Some(&[4, 5, 6][..]), None));
        assert_eq!(parse(&good, 1), Err("it begins with [00, 00, 08, 03] instead of [00, 00, 08, 01]".into()));
        assert_eq!(parse(&good[..good.len() - 1], 3), Err("5 values instead of 2 × 1 × 3".into()));
        assert_eq!(parse(&good[..9], 3), Err("it ends within its dimensions".into()));
        assert_eq!(parse(&[0, 0], 3), Err("2 bytes".into()));
        assert!(parse(&write(&[5, 0, 3], &[]), 3).is_err(), "pictures without pixels");
        assert!(parse(&write(&[u32::MAX; 3], &[1]), 3).is_err(), "a product beyond memory");
        let torn = packed(&good);
        assert!(parse(&torn[..torn.len() - 9], 3).unwrap_err().starts_with("damaged gzip"));
        assert_eq!(parse(&write(&[0], &[]), 1), Ok(Idx { dimensions: vec![0], values: vec![] }));
    }

    #[test]
    fn a_small_file_that_unpacks_to_gigabytes_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..257 {
            encoder.write_all(&[0; 1 << 20]).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 2 << 20);
        assert_eq!(parse(&bomb, 3), Err("more than 256 MiB".into()));
    }

    proptest! {
        #[test]
        fn files_come_back_and_no_bytes_make_it_panic(
            count in 0_u32..5, height in 1_u32..5, width in 1_u32..5, at in any::<prop::sample::Index>(), value in any::<u8>(), is_packed in any::<bool>(),
        ) {
            let values: Vec<u8> = (0..count * height * width).map(|at| at.to_le_bytes()[0]).collect();
            let plain = write(&[count, height, width], &values);
            let mut bytes = if is_packed { packed(&plain) } else { plain };
            prop_assert_eq!(parse(&bytes, 3).unwrap().values, values);
            let at = at.index(bytes.len());
            bytes[at] = value;
            let _ = (parse(&bytes, 3), parse(&bytes, 1), parse(&bytes[at..], 3));
        }
    }
}
