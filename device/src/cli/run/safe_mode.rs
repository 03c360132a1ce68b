//! What is done while the appliance cannot be opened: page and screen say what is wrong, and nothing else is started.

use super::opened::{Opened, open};
use super::serving::url;
use super::{Args, Place, health, language, panel, shop_name};
use crate::cli::Report;
use crate::config::{self, Config, defaults};
use crate::health::watchdog;
use crate::page;
use crate::pipeline::Stop;
use crate::screen::{Screen, ScreenSettings, Situation};
use crate::staff::Stays;
use std::time::Duration;
use toml::Spanned;

/// How often it is looked whether what is wrong has been mended.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Shows what is wrong until it is mended, and gives what is opened then; nothing where the program is to end before that.
pub(super) fn until_mended(
    args: &Args,
    stays: &Stays,
    report: Report,
    place: &mut Place,
    stop: &Stop,
) -> Result<Option<Opened>, Report> {
    let mut report = report;
    loop {
        eprint!("{report}");
        // The files may have been mended in this moment; else they are read as far as that goes.
        let config = config::load(args.config.as_deref()).unwrap_or_else(|_| config::rescue(args.config.as_deref()));
        let configured = config.listen.as_ref().map(|listen| listen.get_ref().as_str());
        let listener = match (args.listen.as_deref(), configured) {
            (None, None) => place.at(defaults::LISTEN),
            (Some(asked), _) => place.at(asked),
            // Another program may serve there: that may be what is wrong.
            (None, Some(configured)) => place.at(configured).or_else(|_| place.at(defaults::LISTEN)),
        }?;
        let page = page::safe_mode::start(listener, &report.to_string()).map_err(|error| Report::of(&error))?;
        eprintln!("safe mode: this is shown on {} until it is mended", url(page.address()));
        let screen = fault_on_screen(config, &report)?;
        watchdog::ready();
        let changed = loop {
            if stop.wait(TRY_EVERY) {
                break None;
            }
            watchdog::feed();
            match open(args, stays) {
                Err(found) if found == report => {}
                changed => break Some(changed),
            }
        };
        page.end();
        if let Some(screen) = screen {
            screen.end();
        }
        match changed {
            None => return Ok(None),
            Some(Ok(opened)) => {
                watchdog::opening();
                return Ok(Some(opened));
            }
            Some(Err(another)) => report = another,
        }
    }
}

/// What is wrong on the screen, where the configuration still says which screen that is.
fn fault_on_screen(config: Config, report: &Report) -> Result<Option<Screen>, Report> {
    let Some(panel) = panel(&config.screen) else { return Ok(None) };
    let health = health();
    let settings = ScreenSettings {
        panel,
        language: language(config.language.as_ref().map(Spanned::get_ref)),
        shop_name: shop_name(config.shop),
    };
    let screen = Screen::start(settings, &health)?;
    let hint = report.hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
    screen.set_situation(Situation::Fault(format!("{}{hint}", report.what)));
    Ok(Some(screen))
}
