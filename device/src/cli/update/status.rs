//! `clothingid update status`: what the board has, what waits, and what happened.

use super::{StatusArgs, place, report};
use crate::cli::{Outcome, Report, print_line};
use crate::update::{Memory, UpdateError, Which};

pub(super) fn run(args: &StatusArgs) -> Result<Outcome, Report> {
    let memory = place()?.read().map_err(|error| report(&UpdateError::from(error)))?;
    if args.json {
        print_line(&serde_json::to_string(&memory)?)?;
    } else {
        print_line(describe(&memory).trim_end())?;
    }
    Ok(Outcome::Done)
}

fn describe(memory: &Memory) -> String {
    let slots = &memory.network;
    let mut lines = vec![format!("network     {}", slots.current.title())];
    if let Some(trial) = &slots.trial {
        let how =
            if trial.attempts == 0 { "waits for its turn".to_owned() } else { format!("start {}", trial.attempts) };
        lines.push(format!("on trial    {}: {how}", trial.network.title()));
    }
    lines.push(format!("before it   {}", slots.previous.as_ref().map_or_else(|| "none".to_owned(), Which::title)));
    let edition =
        memory.catalogue.as_ref().map_or_else(|| "none came as an update".to_owned(), |edition| edition.title());
    lines.push(format!("catalogue   {edition}"));
    if let Some(edition) = &memory.importing {
        lines.push(format!("importing   {}", edition.title()));
    }
    lines.push(format!("index       {}", memory.index));
    let keys = |keys: &[String]| if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    lines.push(format!("keys        added: {}; retired: {}", keys(&memory.keys), keys(&memory.retired)));
    lines.extend(memory.happened.iter().map(|happened| format!("{:>4}  {}", happened.number, happened.what)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::slots::Version;

    #[test]
    fn people_read_what_is_what() {
        let network = |serial: u64| {
            let version = format!("2026.{serial}");
            Which::Update(Version { serial, version, file: String::new(), sha256: String::new() })
        };
        let mut memory = Memory { index: 7, ..Memory::default() };
        let new = describe(&memory);
        memory.network.stage(network(3), false);
        memory.network.confirm();
        memory.network.stage(network(4), false);
        memory.network.start();
        memory.retired.push("E7620F1842B4E81F".into());
        memory.say("the network 2026.4 (number 4) is verified and waits until the appliance changes over to it");
        insta::assert_snapshot!(format!("{new}\n\n{}", describe(&memory)));
    }
}
