//! What is done while the configuration cannot be used: page and screen say which line is wrong, and nothing else is started.

use super::serving::url;
use super::{Args, LOOK_EVERY, config_report, health, language, listen_at, panel, shop_name};
use crate::cli::Report;
use crate::config::{self, Config, ConfigError, defaults};
use crate::health::watchdog;
use crate::page;
use crate::pipeline::Stop;
use crate::screen::{Screen, ScreenSettings, Situation};

/// Shows what is wrong with the configuration until it is mended; nothing where the program is to end before that.
pub(super) fn until_mended(args: &Args, error: ConfigError, stop: &Stop) -> Result<Option<Config>, Report> {
    let mut error = error;
    loop {
        let report = config_report(&error);
        eprint!("{report}");
        let listener = listen_at(args.listen.as_deref().unwrap_or(defaults::LISTEN))?;
        let page = page::safe_mode::start(listener, &report.to_string()).map_err(|error| Report::of(&error))?;
        eprintln!("safe mode: this is shown on {} until the configuration is mended", url(page.address()));
        let screen = fault_on_screen(args, &error)?;
        watchdog::ready();
        let changed = loop {
            if stop.wait(LOOK_EVERY) {
                break None;
            }
            watchdog::feed();
            match config::load(args.config.as_deref()) {
                Err(found) if found.to_string() == error.to_string() => {}
                changed => break Some(changed),
            }
        };
        page.end();
        if let Some(screen) = screen {
            screen.end();
        }
        match changed {
            None => return Ok(None),
            Some(Ok(config)) => {
                watchdog::opening();
                return Ok(Some(config));
            }
            Some(Err(another)) => error = another,
        }
    }
}

/// The error with its line on the screen, where the rest of the configuration says which screen that is.
fn fault_on_screen(args: &Args, error: &ConfigError) -> Result<Option<Screen>, Report> {
    let config = config::rescue(args.config.as_deref());
    let Some(panel) = panel(&config.screen) else { return Ok(None) };
    let health = health();
    let settings = ScreenSettings { panel, language: language(config.language), shop_name: shop_name(config.shop) };
    let screen = Screen::start(settings, &health)?;
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    screen.set_situation(Situation::Fault(format!("{error}{hint}")));
    Ok(Some(screen))
}
