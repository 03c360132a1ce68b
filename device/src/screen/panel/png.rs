//! The screen as a PNG file, for tests and to look at from afar.

use super::{Panel, PanelError};
use crate::screen::canvas::Canvas;
use clothingid_shared::files;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::primitives::Rectangle;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::PathBuf;
use std::time::Duration;

/// Writes each picture to one file, which is always whole.
#[derive(Debug)]
pub struct Png {
    file: PathBuf,
    size: Size,
}

impl Png {
    /// A file of pictures of this size.
    #[must_use]
    pub fn new(file: PathBuf, size: Size) -> Self {
        Self { file, size: Canvas::new(size).size() }
    }
}

impl Panel for Png {
    fn describe(&self) -> String {
        format!("png: {}×{} in `{}`", self.size.width, self.size.height, self.file.display())
    }

    fn size(&self) -> Size {
        self.size
    }

    fn pace(&self) -> Duration {
        // Each picture is written and synced.
        Duration::from_millis(500)
    }

    fn present(&mut self, canvas: &Canvas, _changed: &[Rectangle]) -> Result<(), PanelError> {
        Ok(files::write_atomic(&self.file, &encode(canvas)?)?)
    }
}

/// The canvas as a PNG file.
///
/// **Errors** [`PanelError::Encode`].
pub fn encode(canvas: &Canvas) -> Result<Vec<u8>, PanelError> {
    let mut file = Vec::with_capacity(canvas.rgb().len() / 4);
    let size = canvas.size();
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive)
        .write_image(canvas.rgb(), size.width, size.height, ExtendedColorType::Rgb8)
        .map_err(|error| PanelError::Encode { problem: error.to_string() })?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::picture;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::pixelcolor::Rgb888;

    #[test]
    fn the_file_is_always_a_whole_picture_of_the_canvas() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("screen.png");
        let mut panel = Png::new(file.clone(), Size::new(30, 20));
        let mut canvas = Canvas::new(panel.size());
        for shade in [0, 90, 255] {
            canvas.blend(Point::new(3, 4), Rgb888::new(shade, 1, 2), 255);
            panel.present(&canvas, &[]).unwrap();
            let picture = picture::decode(&files::read(&file).unwrap()).unwrap();
            assert_eq!(picture.rgb(), canvas.rgb());
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_with_a_hint() {
        let mut panel = Png::new("/nowhere/screen.png".into(), Size::new(3, 2));
        let error = panel.present(&Canvas::new(Size::new(3, 2)), &[]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/screen.png") && !error.hints().is_empty());
    }
}
