//! The file of a board to a [`Board`].
//!
//! Promise: no text makes this panic; each error names file and line.

use super::super::near::line_of;
use super::check::check_values;
use super::error::BoardError;
use super::keys::{At, File};
use super::schema::{
    Backend, Board, Bridge, Camera, Devices, Display, FoundBy, Gpu, Owner, Power, PowerTool, Processor, SLOT, Slot,
    System, TABLES, Thermal, Update,
};
use std::path::Path;
use toml::de::DeTable;

/// Reads `text`, the content of `path`.
///
/// **Errors** [`BoardError`] with the line of the first thing that is wrong.
pub fn parse(path: &Path, text: &str) -> Result<Board, BoardError> {
    let table = DeTable::parse(text).map_err(|error| BoardError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span()),
        problem: error.message().to_owned(),
    })?;
    let file = File { path, text, table: table.get_ref() };
    for table in &TABLES {
        match file.at(table.place)? {
            Some(at) => at.check(table)?,
            None if table.is_optional => {}
            None => return Err(file.missing(format!("[{}]", table.place), 0..0)),
        }
    }
    let board = board(&file)?;
    check_values(&file, &board)?;
    Ok(board)
}

fn board(file: &File<'_>) -> Result<Board, BoardError> {
    let at = |place| file.at(place)?.ok_or_else(|| file.missing(format!("[{place}]"), 0..0));
    let (top, system, processor) = (at("")?, at("system")?, at("processor")?);
    let (display, power, thermal, devices) = (at("display")?, at("power")?, at("thermal")?, at("devices")?);
    Ok(Board {
        name: top.text("name")?,
        title: top.text("title")?,
        target: top.text("target")?,
        tried: top.flag("tried")?,
        sources: top.list("sources")?,
        found_by: found_by(&at("found_by")?)?,
        processor: Processor {
            name: processor.text("name")?,
            cores: processor.count("cores")?,
            memory_gib: processor.count("memory_gib")?,
        },
        system: System {
            name: system.text("name")?,
            glibc: system.text("glibc")?,
            clock_battery: system.flag("clock_battery")?,
        },
        camera: Camera {
            usb: at("camera")?.flag("usb")?,
            bridge: file.at("camera.bridge")?.map(|at| bridge(&at)).transpose()?,
        },
        display: Display {
            owner: display.choice("owner", &[("screen", Owner::Screen), ("kiosk", Owner::Kiosk)])?,
            connectors: display.list("connectors")?,
        },
        gpu: gpu(&at("gpu")?)?,
        power: Power {
            tool: power.choice("tool", &PowerTool::WORDS)?,
            mode: if power.has("mode") { Some(power.text("mode")?) } else { None },
        },
        thermal: Thermal { slow_celsius: thermal.number("slow_celsius")?, off_celsius: thermal.number("off_celsius")? },
        devices: Devices { groups: devices.list("groups")?, allow: devices.list("allow")? },
        update: update(&at("update")?)?,
    })
}

fn found_by(at: &At<'_>) -> Result<FoundBy, BoardError> {
    Ok(FoundBy {
        compatible: if at.has("compatible") { at.list("compatible")? } else { Vec::new() },
        uefi: at.has("uefi") && at.flag("uefi")?,
    })
}

fn bridge(at: &At<'_>) -> Result<Bridge, BoardError> {
    Ok(Bridge {
        node: at.text("node")?,
        module: at.text("module")?,
        plugin: at.text("plugin")?,
        source: at.text("source")?,
        convert: at.text("convert")?,
        width: at.count("width")?,
        height: at.count("height")?,
        frames_per_second: at.count("frames_per_second")?,
    })
}

fn gpu(at: &At<'_>) -> Result<Gpu, BoardError> {
    Ok(Gpu {
        adapter: if at.has("adapter") { Some(at.text("adapter")?) } else { None },
        modules: at.list("modules")?,
        driver_files: at.list("driver_files")?,
    })
}

fn update(at: &At<'_>) -> Result<Update, BoardError> {
    let slot = |at: At<'_>| {
        at.check(&SLOT)?;
        Ok(Slot {
            name: at.text("name")?,
            root: at.text("root")?,
            boot: if at.has("boot") { Some(at.text("boot")?) } else { None },
        })
    };
    Ok(Update {
        backend: at.choice("backend", &Backend::WORDS)?,
        compatible: at.text("compatible")?,
        data: at.text("data")?,
        watchdog_seconds: at.count("watchdog_seconds")?,
        slots: at.tables("slots", SLOT.place)?.into_iter().map(slot).collect::<Result<_, _>>()?,
    })
}
