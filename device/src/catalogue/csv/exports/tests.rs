//! Tables as the two systems write them, cut down to the columns that say something.

use crate::catalogue::csv::{Listing, read};

fn told(listing: &Listing) -> String {
    let mut lines: Vec<String> = listing.problems.iter().map(ToString::to_string).collect();
    for listed in &listing.products {
        let p = &listed.product;
        let photos: Vec<String> = listed.photos.iter().map(|photo| format!("{}@{}", photo.name, photo.line)).collect();
        let (price, barcode, style) = (p.price.as_deref(), p.barcode.as_deref(), p.variant_of.as_deref());
        let stock = p.stock.map(|stock| stock.to_string());
        let facts = [price, barcode, style, p.category.as_deref(), stock.as_deref()].map(|fact| fact.unwrap_or("-"));
        let choice = [p.colours.join("|"), p.sizes.join("|")].join("/");
        lines.push(format!("{} `{}` {} {choice} {}", p.sku, p.title, facts.join(" "), photos.join(" ")));
    }
    lines.join("\n")
}

#[test]
fn a_table_of_shopify() {
    let table = include_str!("shopify.csv");
    insta::assert_snapshot!(told(&read("products.csv", table.as_bytes()).unwrap()));
    // Whose the torn row is cannot be said: no stored photograph goes for want of it.
    assert!(read("products.csv", table.as_bytes()).unwrap().products.iter().all(|product| product.has_bad_rows));
    // The names of columns since 2025.
    let renamed = [
        ("Handle", "URL handle"),
        ("Variant SKU", "SKU"),
        ("Variant Inventory Tracker", "Inventory tracker"),
        ("Variant Inventory Qty", "Inventory quantity"),
        ("Variant Price", "Price"),
        ("Variant Barcode", "Barcode"),
        ("Image Src", "Product image URL"),
        ("Variant Image", "Variant image URL"),
        ("Option1 Name", "Option1 name"),
    ];
    let now = renamed.iter().fold(table.to_owned(), |table, (before, after)| table.replacen(before, after, 1));
    assert_eq!(read("products.csv", now.as_bytes()), read("products.csv", table.as_bytes()));
}

#[test]
fn a_table_of_woocommerce() {
    let table = include_str!("woocommerce.csv");
    insta::assert_snapshot!(told(&read("products.csv", table.as_bytes()).unwrap()));
}

#[test]
fn a_table_of_ours_is_ours() {
    let ours = read("shop.csv", b"sku,title,photo,Handle\nA,Dress,a.jpg,x\n").unwrap();
    assert_eq!(
        (told(&ours).as_str(), ours.ignored_columns.as_slice()),
        ("A `Dress` - - - - - / a.jpg@2", &["Handle".to_owned()][..])
    );
}
