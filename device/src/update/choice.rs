//! What of an index a board takes: by serials and by what board it is, and by nothing else.

use super::error::UpdateError;
use super::index::{Index, Kind, Update};
use super::memory::Memory;
use super::slots::Which;

/// What is done with what an index offers of one kind.
#[derive(Debug)]
pub enum Choice<'a> {
    /// It is taken.
    Take(&'a Update),
    /// It is here already.
    NothingNew(&'a Update),
    /// It was here, and was not well, or was taken back by hand.
    TriedBefore(&'a Update),
    /// It is refused.
    Refused(UpdateError),
}

/// Whether an older index or update may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// It may not.
    Refused,
    /// Somebody has asked for it.
    Allowed,
}

/// Whether the index may be looked at.
///
/// # Errors
/// One from before.
pub fn check_index(place: &str, index: &Index, memory: &Memory, older: Older) -> Result<(), UpdateError> {
    let (serial, newest) = (index.serial, memory.index);
    if serial < newest && older == Older::Refused {
        return Err(UpdateError::Replay { place: place.to_owned(), serial, newest });
    }
    Ok(())
}

/// What is done with what the index offers of a kind; nothing where it offers nothing. `board` is what this machine is.
#[must_use]
pub fn of<'a>(kind: Kind, index: &'a Index, memory: &Memory, board: Option<&str>, older: Older) -> Option<Choice<'a>> {
    let is_for_this = |update: &&Update| {
        update.boards.is_empty() || board.is_some_and(|board| update.boards.iter().any(|name| name == board))
    };
    let newest = |update: &&Update| update.serial;
    let offered = || index.updates.iter().filter(|update| update.kind == kind);
    let Some(update) = offered().filter(is_for_this).max_by_key(newest) else {
        let update = offered().max_by_key(newest)?;
        let this =
            board.map_or_else(|| "a machine that is none of the boards known".to_owned(), |name| format!("`{name}`"));
        let boards: Vec<String> = update.boards.iter().map(|name| format!("`{name}`")).collect();
        let (version, boards) = (update.version.clone(), boards.join(", "));
        return Some(Choice::Refused(UpdateError::OtherBoard { kind, version, boards, this }));
    };
    let newest = memory.accepted(kind);
    Some(if is_here(kind, update.serial, memory) {
        Choice::NothingNew(update)
    } else if update.serial > newest || older == Older::Allowed {
        Choice::Take(update)
    } else if update.serial == newest {
        Choice::TriedBefore(update)
    } else {
        let (version, serial) = (update.version.clone(), update.serial);
        Choice::Refused(UpdateError::Downgrade { kind, version, serial, newest })
    })
}

/// Whether this is what the board has, or is about to have.
fn is_here(kind: Kind, serial: u64, memory: &Memory) -> bool {
    let slots = &memory.network;
    match kind {
        Kind::Network => {
            let network = slots.trial.as_ref().map_or(&slots.current, |trial| &trial.network);
            matches!(network, Which::Update(version) if version.serial == serial)
        }
        Kind::Catalogue => memory.catalogue.as_ref().is_some_and(|edition| edition.serial == serial),
        // What runs is RAUC's to know: what was handed over once is not handed over again.
        Kind::System => memory.accepted(kind) == serial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::slots::Version;

    fn update(kind: Kind, serial: u64, boards: &[&str]) -> Update {
        let boards = boards.iter().map(ToString::to_string).collect();
        Update {
            kind,
            serial,
            version: format!("v{serial}"),
            file: "f".into(),
            bytes: 1,
            sha256: "0".repeat(64),
            boards,
        }
    }

    fn network(serial: u64) -> Which {
        Which::Update(Version { serial, version: String::new(), file: String::new(), sha256: String::new() })
    }

    #[test]
    fn a_board_goes_forward_by_itself_and_back_only_when_asked() {
        let index = |serial| Index { serial: 1, updates: vec![update(Kind::Network, serial, &[])], ..Index::default() };
        let word = |serial, memory: &Memory, older| match of(Kind::Network, &index(serial), memory, None, older) {
            Some(Choice::Take(_)) => "take",
            Some(Choice::NothingNew(_)) => "nothing new",
            Some(Choice::TriedBefore(_)) => "tried before",
            Some(Choice::Refused(UpdateError::Downgrade { .. })) => "downgrade",
            other => panic!("{other:?}"),
        };
        let (refused, allowed) = (Older::Refused, Older::Allowed);
        let mut memory = Memory::default();
        assert_eq!(word(12, &memory, refused), "take");
        memory.accept(Kind::Network, 12);
        memory.network.current = network(12);
        let words = |memory: &Memory, older| [11, 12, 13].map(|serial| word(serial, memory, older));
        assert_eq!(words(&memory, refused), ["downgrade", "nothing new", "take"]);
        assert_eq!(words(&memory, allowed), ["take", "nothing new", "take"]);
        // 13 was not well.
        memory.accept(Kind::Network, 13);
        assert_eq!(words(&memory, refused), ["downgrade", "nothing new", "tried before"]);
        assert_eq!(words(&memory, allowed), ["take", "nothing new", "take"]);
        memory.network.stage(network(13), false);
        assert_eq!(words(&memory, refused), ["downgrade", "downgrade", "nothing new"]);
        assert!(of(Kind::Catalogue, &index(1), &memory, None, refused).is_none());

        memory.index = 5;
        assert!(check_index("i", &Index { serial: 5, ..Index::default() }, &memory, refused).is_ok());
        assert!(check_index("i", &Index { serial: 4, ..Index::default() }, &memory, refused).is_err());
        assert!(check_index("i", &Index { serial: 4, ..Index::default() }, &memory, allowed).is_ok());
    }

    #[test]
    fn another_boards_update_is_refused_by_name_whoever_asks() {
        let updates = vec![update(Kind::System, 4, &["raspberry-pi-5"]), update(Kind::System, 3, &["generic-x86-64"])];
        let index = Index { serial: 1, updates, ..Index::default() };
        let of = |board| of(Kind::System, &index, &Memory::default(), board, Older::Allowed).unwrap();
        assert!(matches!(of(Some("generic-x86-64")), Choice::Take(Update { serial: 3, .. })));
        let Choice::Refused(error) = of(Some("generic-arm64")) else { panic!("taken") };
        assert_eq!(error.to_string(), "the system v4 is for `raspberry-pi-5`, and this is `generic-arm64`");
        assert!(matches!(of(None), Choice::Refused(UpdateError::OtherBoard { .. })));
    }
}
