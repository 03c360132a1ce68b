//! An article that is added at the counter: what was typed, the photographs that were taken, and whether that makes an article.
//!
//! What a field may be is what the [catalogue file](crate::catalogue::csv) says: the fields are read as a table of one row.

use super::barcode::{self, Code};
use super::find;
use crate::catalogue::Product;
use crate::catalogue::csv::{self, Column, ProblemKind};
use crate::catalogue::store::{Store, StoreError};
use std::sync::Arc;

/// Photographs of one article, at most.
pub const PHOTOS: usize = 3;

/// The fields of the form and of the table, in their order.
pub const FIELDS: [&str; 7] = ["sku", "title", "price", "currency", "barcode", "colour", "size"];

/// Longest value of a field, in characters.
const LONGEST: usize = 200;

/// How numbers begin that are proposed.
const PROPOSED: &str = "C-";

/// An article that is not kept yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What was typed, in the order of [`FIELDS`].
    pub fields: [String; FIELDS.len()],
    /// The files of its photographs.
    pub photos: Vec<Arc<Vec<u8>>>,
}

/// Why a draft is no article yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// It has no name.
    NoTitle,
    /// It has no photograph: nothing would be found.
    NoPhoto,
    /// The price is none.
    Price,
    /// The currency is no code.
    Currency,
    /// The last digit of the barcode is not this one.
    CheckDigit(u32),
    /// A field has what no field may have.
    Field(&'static str),
    /// There is such a number already, of the product of this name.
    SkuTaken(String),
    /// Other products have the barcode: their numbers. May be meant so.
    BarcodeTaken(Vec<String>),
}

impl Draft {
    /// A field by its name; empty where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        FIELDS.iter().zip(&self.fields).find(|(field, _)| **field == name).map_or("", |(_, value)| value)
    }

    /// Sets a field; what is no field is left.
    pub fn set(&mut self, name: &str, value: &str) {
        if let Some((_, field)) = FIELDS.iter().zip(&mut self.fields).find(|(field, _)| **field == name) {
            *field = value.chars().take(LONGEST).collect::<String>().trim().to_owned();
        }
    }

    /// The article, with a number of ours where none was typed; or all that is wrong with it. `accepts_barcode` is a barcode that may be another
    /// product's too.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn product(
        &self,
        store: Option<&Store>,
        accepts_barcode: bool,
    ) -> Result<Result<Product, Vec<Complaint>>, StoreError> {
        let mut complaints = Vec::new();
        let mut typed = self.clone();
        if typed.field("sku").is_empty() {
            typed.set("sku", &proposed_sku(store)?);
        }
        match barcode::read(self.field("barcode")) {
            Some(Code::CheckDigit { expected, .. }) => complaints.push(Complaint::CheckDigit(expected)),
            Some(Code::Sound(code)) => typed.set("barcode", &code),
            None => {}
        }
        if self.photos.is_empty() {
            complaints.push(Complaint::NoPhoto);
        }
        let product = match typed.read() {
            Ok(product) => Some(product),
            // The check digit was looked at above.
            Err(Complaint::CheckDigit(_)) => None,
            Err(complaint) => {
                complaints.push(complaint);
                None
            }
        };
        if let Some(store) = store {
            if let Some(taken) = find::by_sku(store, typed.field("sku"))? {
                complaints.push(Complaint::SkuTaken(taken.product.title));
            }
            let code = typed.field("barcode");
            let others = if code.is_empty() { Vec::new() } else { find::by_barcode(store, code)? };
            if !others.is_empty() && !accepts_barcode {
                complaints.push(Complaint::BarcodeTaken(others.into_iter().map(|found| found.product.sku).collect()));
            }
        }
        Ok(product.filter(|_| complaints.is_empty()).ok_or(complaints))
    }

    /// As a catalogue file is read.
    fn read(&self) -> Result<Product, Complaint> {
        let mut table = ::csv::Writer::from_writer(Vec::new());
        let row = self.fields.iter().map(String::as_str).chain(["photo"]);
        let written =
            table.write_record(FIELDS.iter().copied().chain(["photo"])).and_then(|()| table.write_record(row));
        let bytes = written.ok().and_then(|()| table.into_inner().ok()).unwrap_or_default();
        let Ok(listing) = csv::read("the form", &bytes) else { return Err(Complaint::Field("title")) };
        if let Some(problem) = listing.problems.first() {
            return Err(match (problem.column, &problem.kind) {
                (Some(Column::Title), ProblemKind::Empty) => Complaint::NoTitle,
                (_, ProblemKind::NotAPrice { .. }) => Complaint::Price,
                (_, ProblemKind::NotACurrency { .. }) => Complaint::Currency,
                (_, ProblemKind::CheckDigit { expected, .. }) => Complaint::CheckDigit(*expected),
                (Some(Column::Sku), _) => Complaint::Field("sku"),
                (Some(Column::Barcode), _) => Complaint::Field("barcode"),
                (Some(Column::Colour), _) => Complaint::Field("colour"),
                (Some(Column::Size), _) => Complaint::Field("size"),
                _ => Complaint::Field("title"),
            });
        }
        listing.products.into_iter().next().map(|listed| listed.product).ok_or(Complaint::NoTitle)
    }
}

/// The next number of ours that is free.
///
/// # Errors
/// The catalogue cannot be read.
pub fn proposed_sku(store: Option<&Store>) -> Result<String, StoreError> {
    let mut last = 0_u32;
    if let Some(store) = store {
        store.each_product(|stored| {
            let number = stored.product.sku.strip_prefix(PROPOSED).and_then(|number| number.parse().ok());
            last = last.max(number.unwrap_or(0));
        })?;
    }
    Ok(format!("{PROPOSED}{:04}", last.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(fields: &[(&str, &str)]) -> Draft {
        let mut draft = Draft { photos: vec![Arc::default()], ..Draft::default() };
        fields.iter().for_each(|(name, value)| draft.set(name, value));
        draft
    }

    fn checked(fields: &[(&str, &str)]) -> Result<Product, Vec<Complaint>> {
        draft(fields).product(None, false).unwrap()
    }

    #[test]
    fn what_is_typed_becomes_a_product_as_a_table_would_say_it() {
        let product = checked(&[
            ("title", "  Linen \"summer\" shirt, long "),
            ("price", "19,90"),
            ("currency", "eur"),
            ("barcode", "4 006381 333931"),
            ("colour", "blue|white"),
            ("size", "M"),
        ])
        .unwrap();
        assert_eq!((product.sku.as_str(), product.title.as_str()), ("C-0001", "Linen \"summer\" shirt, long"));
        assert_eq!((product.price.as_deref(), product.currency.as_deref()), (Some("19.90"), Some("EUR")));
        assert_eq!(product.barcode.as_deref(), Some("4006381333931"));
        assert_eq!((product.colours, product.sizes), (vec!["blue".to_owned(), "white".into()], vec!["M".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_said_of_its_field() {
        let shirt = ("title", "Shirt");
        for (fields, complaint) in [
            (&[("price", "1")][..], Complaint::NoTitle),
            (&[shirt, ("price", "cheap")], Complaint::Price),
            (&[shirt, ("currency", "€")], Complaint::Currency),
            (&[shirt, ("barcode", "4006381333932")], Complaint::CheckDigit(1)),
            (&[shirt, ("barcode", "4.00638E+12")], Complaint::Field("barcode")),
            (&[("title", "=A1")], Complaint::Field("title")),
            (&[shirt, ("sku", "=1")], Complaint::Field("sku")),
        ] {
            assert_eq!(checked(fields), Err(vec![complaint]), "{fields:?}");
        }
        let without = Draft { photos: Vec::new(), ..draft(&[]) };
        assert_eq!(without.product(None, false).unwrap(), Err(vec![Complaint::NoPhoto, Complaint::NoTitle]));
    }

    #[test]
    fn a_field_is_cut_and_an_unknown_one_is_left() {
        let mut draft = Draft::default();
        draft.set("title", &"ü".repeat(LONGEST + 9));
        draft.set("nothing", "x");
        assert_eq!((draft.field("title").chars().count(), draft.field("nothing")), (LONGEST, ""));
    }
}
