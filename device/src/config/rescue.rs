//! What can still be read of a configuration with an error in it: enough to say the error on the screen.
//!
//! Promise: no text makes this panic. Nothing but the language, the shop's name, the page's address and `[screen]` is taken from such a file.

use super::read::{chosen, parse, places};
use super::schema::Config;
use clothingid_shared::files;
use std::path::Path;

/// The language, the shop's name, the page's address and the screen, as far as the files say them in lines without an error, or the shop has chosen them.
#[must_use]
pub fn rescue(file: Option<&Path>) -> Config {
    let files = file.map_or_else(|| places(|name| std::env::var_os(name)), |file| vec![file.to_owned()]);
    files.iter().fold(chosen(), |config, path| {
        let text = files::read_text_at_most(path, super::read::MOST_BYTES).unwrap_or_default();
        config.overridden_by(rescue_text(path, &text))
    })
}

fn rescue_text(path: &Path, text: &str) -> Config {
    let is_header = |line: &&str| line.trim_start().starts_with('[');
    let mut config = Config::default();
    for line in text.lines().take_while(|line| !is_header(line)) {
        let of_line = parse(path, line).unwrap_or_default();
        config.language = of_line.language.or(config.language);
        config.shop = of_line.shop.or(config.shop);
        config.listen = of_line.listen.or(config.listen);
    }
    let from_header = text.lines().skip_while(|line| line.split('#').next().map(str::trim) != Some("[screen]"));
    let table: String = from_header
        .enumerate()
        .take_while(|(index, line)| *index == 0 || !is_header(line))
        .flat_map(|(_, line)| [line, "\n"])
        .collect();
    config.screen = parse(path, &table).unwrap_or_default().screen;
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScreenOutput;
    use proptest::prelude::*;
    use toml::Spanned;

    fn of(text: &str) -> Config {
        rescue_text(Path::new("/etc/clothingid/config.toml"), text)
    }

    #[test]
    fn the_page_stays_at_its_address() {
        let listen = |text: &str| of(text).listen.map(Spanned::into_inner);
        assert_eq!(listen("listen = '127.0.0.1:9000'\nlistn = 1\n").as_deref(), Some("127.0.0.1:9000"));
        assert_eq!(listen("listen = 9000\n[screen]\nlisten = '127.0.0.1:9000'\n"), None);
    }

    #[test]
    fn the_screen_is_found_around_an_error() {
        for text in [
            "language = 'de'\nlistn = 1\n[camera]\nfolder = 3\n[screen] # panel\noutput = 'fbdev'\nrotation = 90\n[x]\n",
            "language = 'de'\nshop = \n[screen]\noutput = 'fbdev'\nrotation = 90",
        ] {
            let config = of(text);
            assert_eq!(config.screen.output.map(Spanned::into_inner), Some(ScreenOutput::Fbdev), "{text}");
            assert_eq!(config.language.map(Spanned::into_inner).as_deref(), Some("de"), "{text}");
        }
        assert_eq!(of("[screen]\noutput = 'drm'\nouput = 'drm'").screen.output, None, "an error in the table itself");
        assert_eq!(of(""), Config::default());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}(\n\\[screen\\]\n)?\\PC{0,40}") {
            let _ = of(&text);
        }
    }
}
