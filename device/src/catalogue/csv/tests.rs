//! A table of catalogue files that shops really have.

use super::*;
use crate::catalogue::Product;
use crate::catalogue::Stock;

/// All that a file gives, as text for people.
fn told(bytes: &[u8]) -> String {
    match read("shop.csv", bytes) {
        Err(error) => {
            let hints: String = error.hints().iter().map(|h| format!("\nhint: {h}")).collect();
            format!("error: {error}{hints}")
        }
        Ok(listing) => {
            let mut lines: Vec<String> = listing.problems.iter().map(ToString::to_string).collect();
            for p in &listing.products {
                let photos: Vec<String> = p.photos.iter().map(|p| format!("{}@{}", p.name, p.line)).collect();
                let bad = if p.has_bad_rows { " (has bad rows)" } else { "" };
                lines.push(format!("{} `{}` {}{bad}", p.product.sku, p.product.title, photos.join(" ")));
            }
            for sku in &listing.refused {
                lines.push(format!("{sku} refused"));
            }
            lines.join("\n")
        }
    }
}

#[test]
fn files_of_all_kinds_are_read() {
    let plain = "A1 `Red dress` a.jpg@2 b.jpg@3\nB2 `Jeans` c.jpg@4";
    for file in [
        "sku,title,photo\nA1,Red dress,a.jpg\nA1,Red dress,b.jpg\nB2,Jeans,c.jpg\n",
        "sku;title;photo\nA1;Red dress;a.jpg\nA1;Red dress;b.jpg\nB2;Jeans;c.jpg",
        "\u{feff}SKU;Title;Photo\r\nA1;Red dress;a.jpg\r\nA1;;b.jpg\r\nB2;Jeans;c.jpg\r\n;;\r\n",
        "photo,stock,title,sku\na.jpg,3,Red  dress ,A1\nb.jpg,,\"Red dress\", A1\nc.jpg,1,Jeans,B2\n,,,\n",
        "sku,title,photo\nA1,\"Red\tdress\",a.jpg\nA1,,b.jpg\nB2,Jeans,c.jpg\n",
        "sku\ttitle\tphoto\nA1\tRed dress\ta.jpg\nA1\tRed dress\tb.jpg\nB2\tJeans\tc.jpg\n",
    ] {
        assert_eq!(told(file.as_bytes()), plain, "{file}");
    }
    assert_eq!(told(b"sku,title,photo\n"), "");
    // Excel's own first line is one of the lines; and its two other encodings.
    assert_eq!(told(b"sep=;\r\nsku;title;photo\r\nA1;Dress, red;a.jpg\r\n"), "A1 `Dress, red` a.jpg@3");
    let windows = b"sku;title;photo\nA1;Mantel f\xfcr Damen;a.jpg\n";
    assert_eq!(told(windows), "A1 `Mantel für Damen` a.jpg@2");
    assert_eq!(read("shop.csv", windows).unwrap().encoding, Encoding::Windows1252);
    let utf16: Vec<u8> =
        "\u{feff}sku\ttitle\tphoto\nA1\tMäntel\ta.jpg\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(told(&utf16), "A1 `Mäntel` a.jpg@2");
    assert_eq!(
        told("sku,title,photo\nÄ,\"9\"\" skirt,\nred; size \"\"S\"\"\",ä.jpg".as_bytes()),
        "Ä `9\" skirt, red; size \"S\"` ä.jpg@2"
    );
}

#[test]
fn what_is_wrong_with_the_whole_file() {
    let files: [&[u8]; 8] = [
        b"",
        b"\xef\xbb\xbf\r\n\r\n",
        b"sku,titel,photo\nA1,Red dress,a.jpg\n",
        b"A1,Red dress,a.jpg\n",
        b"sku,title,photo,title\n",
        b"sku;title;photo\nA1;Red dress;a.jpg\nB2;\xcf\xeb\xe0\xf2\xfc\xe5;b.jpg\n",
        b"\xff\xfes\0k\0u",
        b"sku,title,photo\nA1,\"Red dress,a.jpg\nB2,Jeans,b.jpg\n",
    ];
    insta::assert_snapshot!(files.map(told).join("\n\n"));
}

#[test]
fn a_bad_row_never_blocks_a_good_one() {
    insta::assert_snapshot!(told(
        b"sku,title,photo,price\n\
        A1,Red dress,a.jpg,19.90\n\
        ,Coat,b.jpg,5\n\
        C3,Coat,,5\n\
        D4,,d.jpg,5\n\
        E5,Coat,e.jpg\n\
        F6,Coat,f.jpg,five\n\
        F6,Coat,g.jpg,1.299\n\
        F6,Coat,h.jpg,12,\n\
        F6,Coat,i.jpg,12\n\
        A1,Red dress,a.jpg,19.90\n\
        G7,Red\x07dress,a.jpg,\n\
        H8,Red dress,a.jpg,-3\n\
        I9,Red dress,a.jpg,\n"
    ));
}

#[test]
fn money_and_barcodes_are_checked() {
    insta::assert_snapshot!(told(
        b"sku,title,photo,currency,barcode\n\
        A1,Dress,a.jpg,eur,4006381333931\n\
        B2,Dress,b.jpg,\x80,4006381333931\n\
        C3,Dress,c.jpg,EUR,4006381333932\n\
        D4,Dress,d.jpg,EUR,4.00638E+12\n\
        E5,Dress,e.jpg,EUR,SHOP-17\n"
    ));
}

#[test]
fn a_product_that_contradicts_itself_is_refused_and_named() {
    insta::assert_snapshot!(told(
        b"sku,title,photo,price\n\
        A1,Red dress,a.jpg,19.90\n\
        B2,Jeans,b.jpg,\n\
        A1,Blue trousers,c.jpg,\n\
        B2,,d.jpg,20\n\
        B2,,e.jpg,\"20,00\"\n\
        B2,,f.jpg,20.5\n\
        C3,Coat,c.jpg,20.5\n\
        C3,Coat,d.jpg,20.50\n"
    ));
}

#[test]
fn rows_of_one_product_add_up() {
    let file = "sku,title,photo,price,currency,colour,size,variant_of,barcode,url,category,stock\n\
        A1,Dress,a.jpg,\"19,90\",EUR,red,S|M,ST1,4006381333931,https://example.org/a1,Dresses,3\n\
        A1,,a.jpg,,,red,\"M, L, 38,5\",,,,,\n\
        A1,,b.jpg,,,blue,,,,,,\n\
        A1,,,,,,XL,,,,,3\n";
    let listing = read("shop.csv", file.as_bytes()).unwrap();
    assert_eq!(listing.problems, []);
    let [listed] = listing.products.as_slice() else { panic!("{listing:?}") };
    let some = |text: &str| Some(text.to_owned());
    let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        listed.product,
        Product {
            sku: "A1".into(),
            title: "Dress".into(),
            price: some("19.90"),
            currency: some("EUR"),
            barcode: some("4006381333931"),
            colours: strings(&["red", "blue"]),
            sizes: strings(&["S", "M", "L", "38,5", "XL"]),
            variant_of: some("ST1"),
            url: some("https://example.org/a1"),
            category: some("Dresses"),
            stock: Some(Stock::Pieces(3)),
        }
    );
    assert_eq!(listed.photos.len(), 2, "a row without photo says more of the product");
}

#[test]
fn a_variant_needs_no_photo_of_its_own_and_other_products_do() {
    let file = "sku,title,photo,variant_of,stock\nT-S,Tee S,,T,0\nT-M,Tee M,a.jpg,T,some\nU,Shirt,,,1\n";
    let listing = read("shop.csv", file.as_bytes()).unwrap();
    assert_eq!(listing.products.iter().map(|p| p.product.sku.as_str()).collect::<Vec<_>>(), ["T-S"]);
    let told: Vec<String> = listing.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "`shop.csv` line 3, column `stock`: expected how many there are, as `12`, `0`, `in` or `out`, found `some`",
            "`shop.csv` line 4, column `photo`: expected a value, found nothing"
        ]
    );
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_panic(bytes in prop::collection::vec(prop::sample::select(b"sku,title;photo\"\r\n\xff\xc3\xa9 |.0".to_vec()), 0..200)) {
            let _ = read("f", &bytes);
            let mut with_header = b"sku,title,photo,price,size\n".to_vec();
            with_header.extend(&bytes);
            let _ = read("f", &with_header);
        }
    }
}
