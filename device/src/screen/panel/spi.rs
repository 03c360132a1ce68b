//! A small panel on SPI: ST7789 or ILI9341, through the driver `mipidsi`.
//!
//! `bus` is what the driver talks through, over the traits of `embedded-hal`; here is Linux's side of it (`/dev/spidev…`, lines of
//! `/dev/gpiochip…`) and what most panels of each kind want. The picture is turned here and not by the panel, as for all other panels.

mod bus;

use super::{Panel, PanelError};
use crate::config::Controller;
use crate::screen::canvas::Canvas;
use crate::screen::pixels::{self, Turn};
use bus::Bus;
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::gpio_cdev::{Chip, LineRequestFlags};
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{CdevPin, Delay, SpidevDevice};
use mipidsi::models::{ILI9341Rgb565, Model, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder};
use mipidsi::{Builder, Display};
use std::fmt::Debug;
use std::path::PathBuf;

/// What both drivers take over short wires.
const HERTZ: u32 = 40_000_000;

/// Where a panel on SPI is, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiSettings {
    /// Its driver.
    pub controller: Controller,
    /// The bus.
    pub bus: PathBuf,
    /// The chip that its pins are lines of.
    pub gpio: PathBuf,
    /// Line of the pin *data or command*.
    pub dc: u32,
    /// Line of the reset pin, if it is wired.
    pub reset: Option<u32>,
    /// Line that switches the light on, if it is wired.
    pub backlight: Option<u32>,
    /// Its size as its maker counts it, before it is turned.
    pub size: Size,
    /// How it is mounted.
    pub turn: Turn,
}

impl SpiSettings {
    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        let name = match self.controller {
            Controller::St7789 => "ST7789",
            Controller::Ili9341 => "ILI9341",
        };
        format!("spi: {name} of {}×{} on `{}`", self.size.width, self.size.height, self.bus.display())
    }

    fn failed<E: Debug>(&self, step: &'static str) -> impl FnOnce(E) -> PanelError {
        let device = self.bus.display().to_string();
        move |error| PanelError::Bus { device, step, problem: format!("{error:?}") }
    }
}

/// Opens the bus and the pins, and starts the panel.
///
/// **Errors** one of them is missing or refused, or the panel does not start.
pub fn open(settings: &SpiSettings) -> Result<Box<dyn Panel>, PanelError> {
    let mut bus = SpidevDevice::open(&settings.bus).map_err(settings.failed("opening the bus"))?;
    let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(HERTZ).mode(SpiModeFlags::SPI_MODE_0).build();
    bus.configure(&options).map_err(settings.failed("setting the bus"))?;
    let pin = |line| {
        let failed = |error: linux_embedded_hal::gpio_cdev::Error| PanelError::Bus {
            device: settings.gpio.display().to_string(),
            step: "taking a pin",
            problem: error.to_string(),
        };
        let line = Chip::new(&settings.gpio).and_then(|mut chip| chip.get_line(line)).map_err(failed)?;
        let handle = line.request(LineRequestFlags::OUTPUT, 0, "clothingid").map_err(failed)?;
        CdevPin::new(handle).map_err(failed)
    };
    let wires = Wires {
        spi: bus,
        dc: pin(settings.dc)?,
        reset: settings.reset.map(pin).transpose()?,
        backlight: settings.backlight.map(pin).transpose()?,
    };
    match settings.controller {
        // Those with wide viewing angles, as nearly all are, show negatives unless told.
        Controller::St7789 => start(ST7789, ColorInversion::Inverted, ColorOrder::Rgb, wires, &mut Delay, settings),
        Controller::Ili9341 => {
            start(ILI9341Rgb565, ColorInversion::Normal, ColorOrder::Bgr, wires, &mut Delay, settings)
        }
    }
}

/// What a panel is connected by.
struct Wires<S, P> {
    spi: S,
    dc: P,
    reset: Option<P>,
    backlight: Option<P>,
}

fn start<M, S, P>(
    model: M,
    inversion: ColorInversion,
    order: ColorOrder,
    wires: Wires<S, P>,
    delay: &mut impl DelayNs,
    settings: &SpiSettings,
) -> Result<Box<dyn Panel>, PanelError>
where
    M: Model<ColorFormat = Rgb565> + Send + 'static,
    S: SpiDevice + Send + 'static,
    P: OutputPin + Send + 'static,
{
    let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    let builder = Builder::new(model, Bus::new(wires.spi, wires.dc))
        .display_size(side(settings.size.width), side(settings.size.height))
        .invert_colors(inversion)
        .color_order(order);
    let step = "starting the panel";
    let (settings, backlight) = (settings.clone(), wires.backlight);
    Ok(match wires.reset {
        Some(pin) => {
            let display = builder.reset_pin(pin).init(delay).map_err(settings.failed(step))?;
            Box::new(Spi { display, backlight, settings })
        }
        None => {
            let display = builder.init(delay).map_err(settings.failed(step))?;
            Box::new(Spi { display, backlight, settings })
        }
    })
}

/// A panel that was started.
struct Spi<S: SpiDevice, P: OutputPin, M: Model<ColorFormat = Rgb565>, R: OutputPin> {
    display: Display<Bus<S, P>, M, R>,
    /// Until the first picture is there.
    backlight: Option<P>,
    settings: SpiSettings,
}

impl<S, P, M, R> Panel for Spi<S, P, M, R>
where
    M: Model<ColorFormat = Rgb565> + Send,
    S: SpiDevice + Send,
    P: OutputPin + Send,
    R: OutputPin + Send,
{
    fn describe(&self) -> String {
        self.settings.describe()
    }

    fn size(&self) -> Size {
        self.settings.turn.size(self.settings.size)
    }

    fn present(&mut self, canvas: &Canvas, changed: &[Rectangle]) -> Result<(), PanelError> {
        for area in changed {
            let (place, pixels) = pixels::sent(canvas, area, self.settings.turn);
            let Some(last) = place.bottom_right() else { continue };
            let at = |value: i32| u16::try_from(value).unwrap_or(0);
            let (left, top) = (at(place.top_left.x), at(place.top_left.y));
            self.display
                .set_pixels(left, top, at(last.x), at(last.y), pixels.map(Rgb565::from))
                .map_err(self.settings.failed("sending a picture"))?;
        }
        // Dark until there is something to see: a panel starts with noise in its memory.
        if let Some(mut pin) = self.backlight.take() {
            pin.set_high().map_err(self.settings.failed("switching its light on"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::bus::fake::{Fake, Sent};
    use super::*;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::geometry::{Dimensions, Point};
    use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

    fn settings(controller: Controller, turn: Turn) -> SpiSettings {
        SpiSettings {
            controller,
            bus: "/dev/spidev0.0".into(),
            gpio: "/dev/gpiochip0".into(),
            dc: 25,
            reset: None,
            backlight: Some(18),
            size: Size::new(240, 320),
            turn,
        }
    }

    fn started(fake: &Fake, settings: &SpiSettings) -> Box<dyn Panel> {
        let wires = Wires { spi: fake.bus(), dc: fake.dc(), reset: None, backlight: Some(fake.pin("light")) };
        start(ST7789, ColorInversion::Inverted, ColorOrder::Rgb, wires, &mut fake.delay(), settings).unwrap()
    }

    #[test]
    fn the_panel_is_woken_and_gets_the_pixels_that_changed() {
        let fake = Fake::default();
        let mut panel = started(&fake, &settings(Controller::St7789, Turn::None));
        let commands: Vec<u8> = fake.take().iter().map(|sent| sent.command).collect();
        // Software reset, sleep out, inversion on, display on.
        for command in [0x01, 0x11, 0x21, 0x29] {
            assert!(commands.contains(&command), "{commands:x?}");
        }
        assert!(!fake.is_high("light"));

        let mut canvas = Canvas::new(panel.size());
        let area = Rectangle::new(Point::new(3, 5), Size::new(2, 2));
        canvas.fill_solid(&area, Rgb888::new(255, 0, 8)).unwrap();
        panel.present(&canvas, &[area]).unwrap();
        assert_eq!(
            fake.take(),
            [
                Sent { command: 0x2a, bytes: vec![0, 3, 0, 4] },
                Sent { command: 0x2b, bytes: vec![0, 5, 0, 6] },
                Sent { command: 0x2c, bytes: [0xf8, 0x01].repeat(4) },
            ]
        );
        assert!(fake.is_high("light"), "there is something to see");
    }

    #[test]
    fn a_turned_panel_has_a_turned_canvas_and_the_same_rows() {
        let fake = Fake::default();
        let mut panel = started(&fake, &settings(Controller::St7789, Turn::Quarter));
        fake.take();
        assert_eq!(panel.size(), Size::new(320, 240));
        let mut canvas = Canvas::new(panel.size());
        canvas.fill_solid(&Rectangle::new(Point::zero(), Size::new(1, 1)), Rgb888::WHITE).unwrap();
        panel.present(&canvas, &[canvas.bounding_box()]).unwrap();
        let sent = fake.take();
        assert_eq!(sent[0].bytes, [0, 0, 0, 239]);
        assert_eq!(sent[1].bytes, [0, 0, 1, 63]);
        // The canvas's first pixel is at the right end of the panel's first row.
        let lit: Vec<usize> =
            sent[2].bytes.chunks(2).enumerate().filter(|(_, pixel)| *pixel == [0xff, 0xff]).map(|(at, _)| at).collect();
        assert_eq!((lit, sent[2].bytes.len()), (vec![239], 240 * 320 * 2));
    }

    #[test]
    fn a_size_that_the_controller_has_not_is_an_error() {
        let fake = Fake::default();
        let settings = SpiSettings { size: Size::new(800, 480), ..settings(Controller::St7789, Turn::None) };
        let wires = Wires { spi: fake.bus(), dc: fake.dc(), reset: Some(fake.pin("reset")), backlight: None };
        let error = start(ST7789, ColorInversion::Inverted, ColorOrder::Rgb, wires, &mut fake.delay(), &settings)
            .err()
            .unwrap();
        assert!(error.to_string().contains("InvalidDisplaySize") && !error.hints().is_empty(), "{error}");
    }

    #[test]
    fn a_bus_that_fails_is_an_error_and_no_panic() {
        let fake = Fake::default();
        let mut panel = started(&fake, &settings(Controller::St7789, Turn::None));
        fake.break_it();
        let canvas = Canvas::new(panel.size());
        assert!(panel.present(&canvas, &[canvas.bounding_box()]).is_err());
        assert!(
            open(&SpiSettings { bus: "/nowhere/spidev".into(), ..settings(Controller::Ili9341, Turn::None) }).is_err()
        );
    }
}
