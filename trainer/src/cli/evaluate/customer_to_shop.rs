//! `evaluate --customer-to-shop`: two proxies for a customer who looks for what a shop has.

use std::path::Path;

use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use serde::Serialize;

use super::super::against::rival;
use super::{Args, COMPOSITE_SEED, COMPOSITES, open};
use crate::cli::{ExitStatus, Report};
use crate::evaluate::compared::head;
use crate::evaluate::customer_to_shop::{Networks, ProxyFigures, pasted, worn};
use crate::evaluate::localisation::composites::compose;
use crate::evaluate::{Engine, EvaluateError};
use crate::import::Part;
use crate::import::progress::Progress;

/// The line on standard output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    bundle: String,
    name: &'a str,
    arithmetic: String,
    proxies: &'a [ProxyFigures],
}

/// Measures both proxies as far as the pack has photographs for them.
pub(super) fn run(args: &Args, bundle: &Bundle, folder: &Path) -> Result<ExitStatus, Report> {
    let pack = open(args, bundle, folder)?;
    let arithmetic = ArithmeticClass::from(args.arithmetic);
    let engine = Engine::of_bundle(&bundle.network, arithmetic)?;
    let rival = rival(&args.weights, bundle, engine.side())?;
    let networks = Networks { rival: &rival, bundle: &engine, contract: &bundle.manifest.picture };
    let progress = Progress::shown();
    let composites = compose(&pack, Part::Report, COMPOSITES, COMPOSITE_SEED)?;
    let found = [worn(networks, &pack, &progress)?, pasted(networks, &pack, &composites, &progress)?];
    let proxies: Vec<ProxyFigures> = found.into_iter().flatten().collect();
    if proxies.is_empty() {
        let nothing = EvaluateError::Nothing { what: "customer to shop" };
        return Err(Report::of(&nothing).hint(
            "the report part needs worn garments with two photographs, or garments before a plain background and other things",
        ));
    }
    if args.json {
        let bundle_path = args.bundle.display().to_string();
        let (name, arithmetic) = (bundle.manifest.name.as_str(), arithmetic.to_string());
        println!("{}", serde_json::to_string(&Line { bundle: bundle_path, name, arithmetic, proxies: &proxies })?);
    } else {
        println!("{}", table(&proxies));
    }
    Ok(ExitStatus::Done)
}

fn table(proxies: &[ProxyFigures]) -> String {
    let mut lines = vec![
        "Proxies: no source has photographs by customers paired with a shop's. 95 % intervals that resample groups"
            .to_owned(),
    ];
    for found in proxies {
        lines.push(format!(
            "\nproxy: {}\n{} queries of {} garments in a gallery of {} photographs",
            found.proxy.words(),
            found.queries,
            found.garments,
            found.gallery
        ));
        lines.push(head());
        lines.extend(found.measures.iter().map(ToString::to_string));
    }
    lines.join("\n")
}
