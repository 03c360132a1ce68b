//! What the cells of some columns must be.

use super::ProblemKind;
use crate::catalogue::Stock;

/// The codes of ISO 4217 that are money in a shop (2024).
const CURRENCIES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP \
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD \
    IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
    MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS \
    SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR \
    ZMW ZWG";

/// Lengths of the barcodes that have a check digit: EAN-8, UPC-A, EAN-13, GTIN-14.
const GTIN: [usize; 4] = [8, 12, 13, 14];

/// `19.90`, `19,90`, `19` → `19.90`, `19.90`, `19`; nothing else, because `1.299` and `1,299` mean different things in
/// different countries: at most two digits follow the point.
pub(super) fn price(cell: &str) -> Result<String, ProblemKind> {
    let (whole, cents) = match cell.split_once(['.', ',']) {
        None => (cell, None),
        Some((whole, cents)) => (whole, Some(cents)),
    };
    let digits =
        |text: &str, most: usize| !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    let price = match cents {
        None => digits(whole, 12).then(|| whole.to_owned()),
        Some(cents) => (digits(whole, 12) && digits(cents, 2)).then(|| format!("{whole}.{cents}")),
    };
    price.ok_or_else(|| ProblemKind::NotAPrice { found: cell.to_owned() })
}

/// A price that [`price`] gave, in hundredths.
pub(super) fn cents(price: &str) -> Option<u64> {
    let (whole, cents) = price.split_once('.').unwrap_or((price, "0"));
    format!("{whole}{cents:0<2}").parse().ok()
}

/// How many there are, as the store writes it.
pub(super) fn stock(cell: &str) -> Result<String, ProblemKind> {
    let stock: Result<Stock, ()> = cell.parse();
    stock.map(|stock| stock.to_string()).map_err(|()| ProblemKind::NotAStock { found: cell.to_owned() })
}

/// A currency's code, in capitals.
pub(super) fn currency(cell: &str) -> Result<String, ProblemKind> {
    let code = cell.to_ascii_uppercase();
    let is_known = code.len() == 3 && CURRENCIES.split_whitespace().any(|known| known == code);
    if is_known { Ok(code) } else { Err(ProblemKind::NotACurrency { found: cell.to_owned() }) }
}

/// A barcode as given; where it is one with a check digit, that must be right. `4.00638E+12` is what an office program made of one.
///
/// **Source** GS1 General Specifications, 7.9: from the right, digits count three and one in turn.
pub(crate) fn barcode(cell: &str) -> Result<String, ProblemKind> {
    let digits: Option<Vec<u32>> = cell.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else {
        let is_rounded = cell.contains("E+") && cell.replace(',', ".").parse::<f64>().is_ok();
        return if is_rounded {
            Err(ProblemKind::RoundedBarcode { found: cell.to_owned() })
        } else {
            Ok(cell.to_owned())
        };
    };
    let Some((last, body)) = digits.split_last().filter(|_| GTIN.contains(&digits.len())) else {
        return Ok(cell.to_owned());
    };
    let sum: u32 = body.iter().rev().zip([3, 1].iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = (10 - sum % 10) % 10;
    if *last == expected {
        Ok(cell.to_owned())
    } else {
        Err(ProblemKind::CheckDigit { found: cell.to_owned(), expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices() {
        for (cell, expected) in [("19.90", Some("19.90")), ("19,9", Some("19.9")), ("7", Some("7"))] {
            assert_eq!(price(cell).ok().as_deref(), expected);
        }
        for cell in ["1.299", "1,299.00", "-3", "12,", "five", "€ 5"] {
            assert!(price(cell).is_err(), "{cell}");
        }
        assert_eq!([cents("20"), cents("20.5"), cents("20.50")], [Some(2000), Some(2050), Some(2050)]);
    }

    #[test]
    fn currencies_are_codes() {
        assert_eq!(currency("eur").ok().as_deref(), Some("EUR"));
        for cell in ["€", "EURO", "XXX", "E", "EUR USD"] {
            assert!(currency(cell).is_err(), "{cell}");
        }
    }

    #[test]
    fn barcodes_have_their_check_digit() {
        for cell in ["4006381333931", "73513537", "036000291452", "10614141000415", "SHOP-12", "12345", ""] {
            assert_eq!(barcode(cell).ok().as_deref(), Some(cell));
        }
        let error = barcode("4006381333932").unwrap_err();
        assert!(matches!(error, ProblemKind::CheckDigit { expected: 1, .. }), "{error}");
        for cell in ["4.00638E+12", "4,00638E+12"] {
            assert!(matches!(barcode(cell), Err(ProblemKind::RoundedBarcode { .. })), "{cell}");
        }
    }

    proptest! {
        /// What the check digit is for: one wrong digit is always noticed.
        #[test]
        fn one_wrong_digit_is_noticed(body in "[0-9]{12}", place in 0_usize..13, step in 1_u32..10) {
            let right = (0..10).map(|last| format!("{body}{last}")).find(|code| barcode(code).is_ok()).unwrap();
            let wrong: String = right
                .char_indices()
                .map(|(at, c)| if at == place { char::from_digit((c.to_digit(10).unwrap() + step) % 10, 10).unwrap() } else { c })
                .collect();
            prop_assert!(barcode(&wrong).is_err());
        }
    }
}
