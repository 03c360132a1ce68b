//! Percentages and prices as each language writes them.
//!
//! **Source** Unicode CLDR 46, patterns of `en`, `de` and `zh-Hant`; the page has them from the browser.

use crate::config::Language;
use std::fmt::Write;

/// Kept together with what stands before it.
const NO_BREAK: char = '\u{a0}';

/// A template with its `{percent}` filled in, written at the end of `text`.
pub fn fill_percent(text: &mut String, language: Language, template: &str, percent: u8) {
    let (before, after) = template.split_once("{percent}").unwrap_or((template, ""));
    text.push_str(before);
    if template.len() > before.len() {
        let _ = write!(text, "{percent}");
        if language == Language::German {
            text.push(NO_BREAK);
        }
        text.push('%');
    }
    text.push_str(after);
}

/// A price: `amount` with a decimal point, as a catalogue has it, in a currency of three letters. What is no number stays as it is.
#[must_use]
pub fn price(language: Language, amount: &str, currency: Option<&str>) -> String {
    let currency = currency.unwrap_or_default();
    // In shops of these nobody has a smaller coin.
    let has_cents = !matches!(currency, "TWD" | "JPY" | "KRW" | "");
    let Some(number) = grouped(language, amount, has_cents) else {
        return [amount, currency].join(" ").trim().to_owned();
    };
    let sign = sign(language, currency);
    match (language, sign) {
        (_, "") => number,
        (Language::German, sign) => format!("{number}{NO_BREAK}{sign}"),
        // Letters are set apart, as in `CHF 20`.
        (_, sign) if sign.ends_with(|letter: char| letter.is_ascii_alphabetic()) => format!("{sign}{NO_BREAK}{number}"),
        (_, sign) => format!("{sign}{number}"),
    }
}

/// The number with the language's marks: `1290.5` to `1,290.50` or `1.290,50`. Without cents whole numbers stay whole.
fn grouped(language: Language, amount: &str, has_cents: bool) -> Option<String> {
    let amount = amount.trim();
    let (minus, digits) = amount.strip_prefix('-').map_or(("", amount), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(part) {
        return None;
    }
    let (group, point) = if language == Language::German { ('.', ',') } else { (',', '.') };
    let mut number = minus.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            number.push(group);
        }
        number.push(digit);
    }
    if has_cents || part.bytes().any(|byte| byte != b'0') {
        number.push(point);
        let _ = write!(number, "{part:0<2}");
    }
    Some(number)
}

fn sign(language: Language, currency: &str) -> &str {
    match (currency, language) {
        ("EUR", _) => "€",
        ("GBP", _) => "£",
        ("TWD", Language::TraditionalChinese) => "$",
        ("TWD", _) => "NT$",
        ("USD", Language::TraditionalChinese) => "US$",
        ("USD", _) => "$",
        ("HKD", _) => "HK$",
        ("JPY", Language::English) => "¥",
        ("CNY", _) => "CN¥",
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, German, TraditionalChinese};

    #[test]
    fn percentages_stand_where_the_text_wants_them() {
        for (language, template, expected) in [
            (English, "{percent} sure", "93% sure"),
            (German, "zu {percent} sicher", "zu 93\u{a0}% sicher"),
            (TraditionalChinese, "{percent} 把握", "93% 把握"),
            (English, "nothing", "nothing"),
            (English, "", ""),
        ] {
            let mut text = String::new();
            fill_percent(&mut text, language, template, 93);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn prices_as_each_language_writes_them() {
        for (language, amount, currency, expected) in [
            (English, "19.90", Some("EUR"), "€19.90"),
            (German, "19.9", Some("EUR"), "19,90\u{a0}€"),
            (German, "1290", Some("EUR"), "1.290,00\u{a0}€"),
            (English, "1234567.05", Some("USD"), "$1,234,567.05"),
            (TraditionalChinese, "590.00", Some("TWD"), "$590"),
            (English, "590", Some("TWD"), "NT$590"),
            (English, "20", Some("CHF"), "CHF\u{a0}20.00"),
            (English, "-5.50", Some("GBP"), "£-5.50"),
            (English, "12", None, "12"),
            (English, "on request", Some("EUR"), "on request EUR"),
            (English, "", None, ""),
            (English, "1.2.3", None, "1.2.3"),
        ] {
            assert_eq!(price(language, amount, currency), expected);
        }
    }
}
