//! Who is logged in: a random token in the browser, its hash and what belongs to it here, in memory alone.

use super::desk::Desk;
use super::pin::PinMark;
use crate::config::Language;
use crate::token::Token;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A session ends after so long without use.
pub const IDLE: Duration = Duration::from_secs(10 * 60);
/// A session ends after so long in any case: a working day.
pub const LONGEST: Duration = Duration::from_secs(8 * 3600);
/// Sessions at a time; the one that was not used for longest makes room. Each may hold photographs.
pub const MOST: usize = 4;

/// One who is logged in.
#[derive(Debug, Clone)]
pub struct Session {
    /// In which language.
    pub language: Language,
    /// What lies before them.
    pub desk: Arc<Desk>,
    pin: PinMark,
    begun: Instant,
    used: Instant,
}

/// What tokens of sessions are hashed for.
const PURPOSE: &str = "session";

/// All who are logged in.
#[derive(Debug, Default)]
pub struct Sessions {
    open: HashMap<[u8; 32], Session>,
}

impl Sessions {
    /// Begins one.
    pub fn begin(&mut self, token: &Token, pin: PinMark, language: Language, now: Instant) {
        self.forget_old(pin, now);
        while self.open.len() >= MOST {
            let Some(oldest) = self.open.iter().min_by_key(|(_, session)| session.used).map(|(hash, _)| *hash) else {
                break;
            };
            self.open.remove(&oldest);
        }
        let session = Session { language, desk: Arc::default(), pin, begun: now, used: now };
        self.open.insert(token.hash(PURPOSE), session);
    }

    /// The session of a token, which is used by that; nothing where it has ended or never was. `language` is another one from now on.
    pub fn of(&mut self, token: &Token, pin: PinMark, language: Option<Language>, now: Instant) -> Option<Session> {
        self.forget_old(pin, now);
        let session = self.open.get_mut(&token.hash(PURPOSE))?;
        session.used = now;
        session.language = language.unwrap_or(session.language);
        Some(session.clone())
    }

    /// The same without using it: a page that looks for news by itself keeps nobody logged in.
    pub fn seen(&mut self, token: &Token, pin: PinMark, now: Instant) -> Option<Session> {
        self.forget_old(pin, now);
        self.open.get(&token.hash(PURPOSE)).cloned()
    }

    /// Ends one.
    pub fn end(&mut self, token: &Token) {
        self.open.remove(&token.hash(PURPOSE));
    }

    /// With what lies before them: nobody's pictures are kept longer than he is there.
    fn forget_old(&mut self, pin: PinMark, now: Instant) {
        self.open.retain(|_, session| {
            let (idle, whole) =
                (now.saturating_duration_since(session.used), now.saturating_duration_since(session.begun));
            session.pin == pin && idle < IDLE && whole < LONGEST
        });
    }

    /// Forgets what has ended, used or not.
    pub fn sweep(&mut self, now: Instant) {
        self.open.retain(|_, session| now.saturating_duration_since(session.used) < IDLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::pin::HashedPin;

    fn mark(pin: &str) -> PinMark {
        HashedPin::of(&pin.parse().unwrap()).unwrap().mark()
    }

    #[test]
    fn a_session_ends_without_use_and_after_a_day() {
        let (pin, token, start) = (mark("2580"), Token::random().unwrap(), Instant::now());
        let mut sessions = Sessions::default();
        let mut now = start;
        let begin = |sessions: &mut Sessions, now| sessions.begin(&token, pin, Language::German, now);
        begin(&mut sessions, now);
        assert_eq!(sessions.of(&token, pin, None, now).unwrap().language, Language::German);
        now += IDLE - Duration::from_secs(2);
        assert!(sessions.of(&token, pin, None, now).is_some());
        now += IDLE - Duration::from_secs(1);
        assert!(sessions.seen(&token, pin, now).is_some());
        assert!(
            sessions.seen(&token, pin, now + Duration::from_secs(1)).is_none(),
            "what a page asks by itself is no use"
        );
        begin(&mut sessions, now);
        now += IDLE;
        assert!(sessions.of(&token, pin, None, now).is_none(), "not used for ten minutes");
        begin(&mut sessions, now);
        let begun = now;
        while now < begun + LONGEST - Duration::from_secs(60) {
            assert!(sessions.of(&token, pin, Some(Language::English), now).is_some());
            now += Duration::from_secs(60);
        }
        assert_eq!(sessions.of(&token, pin, None, now).unwrap().language, Language::English);
        assert!(sessions.of(&token, pin, None, begun + LONGEST).is_none(), "a day is over");
    }

    #[test]
    fn only_the_token_of_this_pin_is_let_in() {
        let (pin, other, now) = (mark("2580"), mark("7291"), Instant::now());
        let (token, stranger) = (Token::random().unwrap(), Token::random().unwrap());
        let mut sessions = Sessions::default();
        sessions.begin(&token, pin, Language::English, now);
        assert!(sessions.of(&stranger, pin, None, now).is_none());
        assert!(sessions.of(&token, pin, None, now).is_some());
        assert!(sessions.of(&token, other, None, now).is_none(), "the PIN was set anew");
        assert!(sessions.of(&token, pin, None, now).is_none(), "and that was the end");
        sessions.begin(&token, pin, Language::English, now);
        sessions.end(&token);
        assert!(sessions.of(&token, pin, None, now).is_none(), "logged out");
    }

    #[test]
    fn what_lies_before_somebody_goes_with_the_session() {
        let (pin, token, now) = (mark("2580"), Token::random().unwrap(), Instant::now());
        let mut sessions = Sessions::default();
        sessions.begin(&token, pin, Language::English, now);
        let desk = Arc::downgrade(&sessions.of(&token, pin, None, now).unwrap().desk);
        sessions.sweep(now + IDLE / 2);
        assert!(desk.upgrade().is_some());
        sessions.sweep(now + IDLE);
        assert!(desk.upgrade().is_none());
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let pin = mark("2580");
        let tokens: Vec<_> = (0..=MOST).map(|_| Token::random().unwrap()).collect();
        let mut sessions = Sessions::default();
        let start = Instant::now();
        for (seconds, token) in (0..).zip(&tokens) {
            sessions.begin(token, pin, Language::English, start + Duration::from_secs(seconds));
        }
        let now = start + Duration::from_secs(60);
        let is_open: Vec<_> = tokens.iter().map(|token| sessions.of(token, pin, None, now).is_some()).collect();
        assert_eq!(is_open, [false, true, true, true, true]);
    }
}
