//! One of the shop's staff at the real program's pages: keeps the cookie, sends forms with the token that the page gave.

use crate::demo::{Answer, Demo};
use crate::{Rig, photographs};

/// A shop of three articles, with barcodes, whose camera shows the first.
///
/// # Panics
/// It cannot be imported.
#[must_use]
pub fn shop() -> Rig {
    let rig = Rig::new();
    let photos = photographs::shop();
    let mut table = String::from("sku,title,photo,price,currency,barcode,colour\n");
    for (photo, (sku, title, barcode)) in photos.iter().zip([
        ("A-1", "Linen shirt", "4006381333931"),
        ("A-2", "Wool coat", "036000291452"),
        ("A-3", "Silk scarf", ""),
    ]) {
        let name = photo.file_name().expect("a name").to_string_lossy().into_owned();
        rig.copy(photo, format!("photos/{name}"));
        table.push_str(&format!("{sku},{title},{name},19.90,EUR,{barcode},blue\n"));
    }
    rig.write("stock.csv", table);
    let outcome = rig.clothingid(["catalogue", "import", "stock.csv", "--photos", "photos"]).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    rig.copy(&photos[0], "camera/a.jpg");
    rig.write("shop.toml", "listen = \"127.0.0.1:0\"\nshop = \"Corner <Boutique>\"\n[camera]\nfolder = \"camera\"\n[staff]\nmedia = [\"media\"]\n");
    rig
}

/// Takes the catalogue out of the state folder, as it is before an appliance is used.
///
/// # Panics
/// It cannot be removed.
pub fn unused(rig: &Rig) {
    for entry in std::fs::read_dir(rig.state()).expect("the state folder").flatten() {
        if entry.file_name().to_string_lossy().starts_with("catalogue.db") {
            std::fs::remove_file(entry.path()).expect("a file of the catalogue");
        }
    }
}

/// Adds tables to the settings of a [`shop`].
///
/// # Panics
/// They cannot be read.
pub fn configure(rig: &Rig, more: &str) {
    let settings = std::fs::read_to_string(rig.path("shop.toml")).expect("the settings");
    rig.write("shop.toml", settings + more);
}

/// Sets the PIN as whoever looks after the machine does.
///
/// # Panics
/// It is not taken.
pub fn set_pin(rig: &Rig, pin: &str) {
    let outcome = rig.clothingid(["staff", "set-pin"]).stdin(format!("{pin}\n")).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("the PIN is set") && !outcome.stdout.contains(pin), "{}", outcome.stdout);
}

/// Runs the appliance of a shop.
#[must_use]
pub fn run(rig: Rig) -> Demo {
    let running = rig.clothingid(["run", "--config", "shop.toml"]).start();
    Demo::of(rig, running)
}

/// One who is logged in, or is not yet.
#[derive(Debug)]
pub struct Clerk<'a> {
    demo: &'a Demo,
    cookie: String,
    token: String,
}

impl<'a> Clerk<'a> {
    /// Logs in.
    ///
    /// # Panics
    /// The PIN is not taken.
    #[must_use]
    pub fn log_in(demo: &'a Demo, pin: &str) -> Self {
        let answer = try_pin(demo, pin);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let mut clerk = Self { demo, cookie: cookie(&answer), token: String::new() };
        let home = clerk.get("/staff");
        assert_eq!(home.status, 200, "{}", home.text());
        clerk.token = between(&home.text(), "name=\"token\" value=\"", "\"").expect("a form's token");
        clerk
    }

    /// The demo's own PIN, as it was printed.
    ///
    /// # Panics
    /// None was.
    #[must_use]
    pub fn at(demo: &'a Demo) -> Self {
        Self::log_in(demo, &pin_of(demo))
    }

    /// The session's cookie as a header.
    #[must_use]
    pub fn cookie(&self) -> String {
        format!("Cookie: {}\r\n", self.cookie)
    }

    /// The token of the session's forms.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Looks at a page.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.demo.ask("GET", path, &self.cookie(), &[])
    }

    /// Sends a form of the session.
    #[must_use]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("token", self.token.as_str())];
        all.extend(fields);
        self.send(path, &all)
    }

    /// Sends a form with just these fields.
    #[must_use]
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", self.cookie());
        self.demo.ask("POST", path, &headers, encoded(fields).as_bytes())
    }

    /// Sends a form with files: name, file name, bytes.
    #[must_use]
    pub fn upload(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        let mut all = vec![("token", self.token.as_str())];
        all.extend(fields);
        for (name, value) in all {
            let part = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        for (name, file, bytes) in files {
            let head =
                format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--part--\r\n");
        let headers = format!("{}Content-Type: multipart/form-data; boundary=part\r\n", self.cookie());
        self.demo.ask("POST", path, &headers, &body)
    }
}

/// The PIN that a demo has printed.
///
/// # Panics
/// It has printed none.
#[must_use]
pub fn pin_of(demo: &Demo) -> String {
    let said = demo.running.stderr();
    between(&said, "PIN for this run is ", "\n").unwrap_or_else(|| panic!("no PIN: {said}"))
}

/// Tries a PIN.
#[must_use]
pub fn try_pin(demo: &Demo, pin: &str) -> Answer {
    let form = encoded(&[("pin", pin), ("to", "/staff")]);
    demo.ask("POST", "/staff/login", "Content-Type: application/x-www-form-urlencoded\r\n", form.as_bytes())
}

/// Where an answer leads.
///
/// # Panics
/// Nowhere.
#[must_use]
pub fn location(answer: &Answer) -> String {
    between(&answer.head, "location: ", "\r\n").unwrap_or_else(|| panic!("no location: {}", answer.head))
}

fn cookie(answer: &Answer) -> String {
    between(&answer.head, "set-cookie: ", ";").expect("a cookie")
}

/// The text between two others.
#[must_use]
pub fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after).map_or(rest, |(inside, _)| inside).to_owned())
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect()
    };
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}
