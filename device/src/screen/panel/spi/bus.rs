//! What the driver sends through: commands and pixels over SPI with a pin that says which they are.
//!
//! The driver's own takes a borrowed buffer; a panel that is opened again and again needs one that it owns.

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use mipidsi::interface::{Interface, InterfaceKind};

/// Bytes of one transfer: what Linux takes unless its module is told otherwise (`spidev.bufsiz`).
const TRANSFER: usize = 4096;

/// An SPI bus and the pin *data or command*.
pub(super) struct Bus<S, D> {
    spi: S,
    dc: D,
    buffer: Vec<u8>,
}

/// Which of them failed.
#[derive(Debug)]
pub(super) enum BusError<S, D> {
    /// The bus.
    Spi(S),
    /// The pin.
    Pin(D),
}

impl<S: SpiDevice, D: OutputPin> Bus<S, D> {
    pub(super) fn new(spi: S, dc: D) -> Self {
        Self { spi, dc, buffer: Vec::with_capacity(TRANSFER) }
    }

    fn flush(&mut self) -> Result<(), BusError<S::Error, D::Error>> {
        let sent = if self.buffer.is_empty() { Ok(()) } else { self.spi.write(&self.buffer).map_err(BusError::Spi) };
        self.buffer.clear();
        sent
    }
}

impl<S: SpiDevice, D: OutputPin> Interface for Bus<S, D> {
    type Word = u8;
    type Error = BusError<S::Error, D::Error>;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), Self::Error> {
        self.dc.set_low().map_err(BusError::Pin)?;
        self.spi.write(&[command]).map_err(BusError::Spi)?;
        self.dc.set_high().map_err(BusError::Pin)?;
        if args.is_empty() { Ok(()) } else { self.spi.write(args).map_err(BusError::Spi) }
    }

    fn send_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<(), Self::Error> {
        for pixel in pixels {
            if self.buffer.len() + N > TRANSFER {
                self.flush()?;
            }
            self.buffer.extend_from_slice(&pixel);
        }
        self.flush()
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<(), Self::Error> {
        self.send_pixels(std::iter::repeat_n(pixel, usize::try_from(count).unwrap_or(usize::MAX)))
    }
}

/// A panel that is not there: it remembers what it was sent.
#[cfg(test)]
pub(super) mod fake {
    use embedded_hal::delay::DelayNs;
    use embedded_hal::digital::{ErrorKind, ErrorType, OutputPin};
    use embedded_hal::spi::{self, Operation, SpiDevice};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    /// A command with what followed it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in super::super) struct Sent {
        pub(in super::super) command: u8,
        pub(in super::super) bytes: Vec<u8>,
    }

    #[derive(Debug, Default)]
    struct Inside {
        sent: Vec<Sent>,
        pins: BTreeMap<&'static str, bool>,
        is_broken: bool,
    }

    #[derive(Debug, Clone, Default)]
    pub(in super::super) struct Fake(Arc<Mutex<Inside>>);

    /// One pin of it, or its bus.
    pub(in super::super) struct Part {
        name: &'static str,
        of: Fake,
    }

    impl Fake {
        pub(in super::super) fn bus(&self) -> Part {
            self.pin("bus")
        }

        pub(in super::super) fn dc(&self) -> Part {
            self.pin("dc")
        }

        pub(in super::super) fn pin(&self, name: &'static str) -> Part {
            Part { name, of: self.clone() }
        }

        pub(in super::super) fn delay(&self) -> NoDelay {
            NoDelay
        }

        pub(in super::super) fn take(&self) -> Vec<Sent> {
            std::mem::take(&mut self.0.lock().unwrap().sent)
        }

        pub(in super::super) fn is_high(&self, name: &str) -> bool {
            self.0.lock().unwrap().pins.get(name) == Some(&true)
        }

        pub(in super::super) fn break_it(&self) {
            self.0.lock().unwrap().is_broken = true;
        }
    }

    impl ErrorType for Part {
        type Error = ErrorKind;
    }

    impl OutputPin for Part {
        fn set_low(&mut self) -> Result<(), ErrorKind> {
            self.of.0.lock().unwrap().pins.insert(self.name, false);
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), ErrorKind> {
            self.of.0.lock().unwrap().pins.insert(self.name, true);
            Ok(())
        }
    }

    impl spi::ErrorType for Part {
        type Error = spi::ErrorKind;
    }

    impl SpiDevice for Part {
        fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), spi::ErrorKind> {
            let mut inside = self.of.0.lock().unwrap();
            if inside.is_broken {
                return Err(spi::ErrorKind::Other);
            }
            let is_data = inside.pins.get("dc") == Some(&true);
            for operation in operations {
                let Operation::Write(bytes) = operation else { panic!("a panel is only written to: {operation:?}") };
                assert!(bytes.len() <= super::TRANSFER);
                match (is_data, inside.sent.last_mut()) {
                    (true, Some(last)) => last.bytes.extend_from_slice(bytes),
                    _ => inside.sent.push(Sent { command: bytes[0], bytes: bytes[1..].to_vec() }),
                }
            }
            Ok(())
        }
    }

    pub(in super::super) struct NoDelay;

    impl DelayNs for NoDelay {
        fn delay_ns(&mut self, _nanoseconds: u32) {}
    }
}
