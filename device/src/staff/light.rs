//! Whether there is enough light, and not too much: how bright a frame is and how much of it has lost its detail.

use serde::Serialize;

/// Values up to this, and from this on, show no detail: sensors and JPEG leave noise of a few levels.
const CLIPPED: (u8, u8) = (5, 250);

/// Means between which cameras are exposed well: a third of a stop below the darkest that automatic exposures aim at (18 % grey is 118 in
/// sRGB), and the brightest that a white wall behind a garment gives.
const GOOD: (f64, f64) = (60.0, 200.0);

/// More than these shares without detail is too much: a black garment may fill half of a frame, while a lamp or a window burns out from a twentieth on.
const MOST: (f64, f64) = (0.6, 0.2);

/// How bright a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Light {
    /// Mean luma, from 0 to 255.
    pub mean: f64,
    /// The share of the frame that is black.
    pub dark: f64,
    /// The share of the frame that is burnt out.
    pub bright: f64,
    /// In a word.
    pub verdict: Verdict,
}

/// How bright a frame is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too little light.
    TooDark,
    /// As it should be.
    Good,
    /// Too much light.
    TooBright,
}

impl Light {
    /// Of a picture's bytes, three a pixel. No pixel at all is too dark.
    ///
    /// **Source** luma of ITU-R BT.601, in 256ths.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of pixels")]
    pub fn of(rgb: &[u8]) -> Self {
        let (mut sum, mut dark, mut bright, mut count) = (0_u64, 0_u64, 0_u64, 0_u64);
        for pixel in rgb.as_chunks::<3>().0 {
            let [r, g, b] = pixel.map(u64::from);
            let luma = (77 * r + 150 * g + 29 * b) >> 8;
            sum += luma;
            dark += u64::from(luma <= u64::from(CLIPPED.0));
            bright += u64::from(luma >= u64::from(CLIPPED.1));
            count += 1;
        }
        let share = |of: u64| of as f64 / count.max(1) as f64;
        let (mean, dark, bright) = (share(sum), share(dark), share(bright));
        let verdict = if mean < GOOD.0 || dark > MOST.0 {
            Verdict::TooDark
        } else if mean > GOOD.1 || bright > MOST.1 {
            Verdict::TooBright
        } else {
            Verdict::Good
        };
        Self { mean, dark, bright, verdict }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_judged_by_mean_and_by_what_is_lost() {
        let frame = |parts: &[(u8, usize)]| -> Vec<u8> {
            parts.iter().flat_map(|&(grey, pixels)| vec![grey; pixels * 3]).collect()
        };
        for (parts, verdict) in [
            (&[][..], Verdict::TooDark),
            (&[(40, 10)], Verdict::TooDark),
            (&[(0, 7), (255, 3)], Verdict::TooDark),
            (&[(118, 10)], Verdict::Good),
            (&[(0, 4), (150, 6)], Verdict::Good),
            (&[(120, 7), (255, 3)], Verdict::TooBright),
            (&[(230, 10)], Verdict::TooBright),
        ] {
            assert_eq!(Light::of(&frame(parts)).verdict, verdict, "{parts:?}");
        }
        let light = Light::of(&frame(&[(0, 1), (100, 2), (255, 1)]));
        assert_eq!((light.dark, light.bright), (0.25, 0.25));
        assert!((light.mean - 113.75).abs() < 1.0, "{light:?}");
        assert_eq!(Light::of(&[255, 255]).mean, 0.0, "half a pixel is none");
    }
}
